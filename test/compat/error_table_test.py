#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Causes etcd's errors by real requests, and holds code and text of each to etcd's table.

usage: error_table_test.py QUORATE

TABLE is the whole of etcd's list. Each error has a test that causes it, `test_<Name>`, or a line in NOT_HERE
that says who causes it instead, or why nobody can.
"""

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

from grpc_suite import BINARY, MODULES, grpc, run

from clusters import Cluster, wait_for
from member import Member

TIMEOUT_S = 30

# Name: code, text.
TABLE = {
    "EmptyKey": ("INVALID_ARGUMENT", "etcdserver: key is not provided"),
    "KeyNotFound": ("INVALID_ARGUMENT", "etcdserver: key not found"),
    "ValueProvided": ("INVALID_ARGUMENT", "etcdserver: value is provided"),
    "LeaseProvided": ("INVALID_ARGUMENT", "etcdserver: lease is provided"),
    "TooManyOps": ("INVALID_ARGUMENT", "etcdserver: too many operations in txn request"),
    "DuplicateKey": ("INVALID_ARGUMENT", "etcdserver: duplicate key given in txn request"),
    "InvalidClientAPIVersion": ("INVALID_ARGUMENT", "etcdserver: invalid client api version"),
    "InvalidSortOption": ("INVALID_ARGUMENT", "etcdserver: invalid sort option"),
    "Compacted": ("OUT_OF_RANGE", "etcdserver: mvcc: required revision has been compacted"),
    "FutureRev": ("OUT_OF_RANGE", "etcdserver: mvcc: required revision is a future revision"),
    "NoSpace": ("RESOURCE_EXHAUSTED", "etcdserver: mvcc: database space exceeded"),
    "LeaseNotFound": ("NOT_FOUND", "etcdserver: requested lease not found"),
    "LeaseExist": ("FAILED_PRECONDITION", "etcdserver: lease already exists"),
    "LeaseTTLTooLarge": ("OUT_OF_RANGE", "etcdserver: too large lease TTL"),
    "WatchCanceled": ("CANCELLED", "etcdserver: watch canceled"),
    "MemberExist": ("FAILED_PRECONDITION", "etcdserver: member ID already exist"),
    "PeerURLExist": ("FAILED_PRECONDITION", "etcdserver: Peer URLs already exists"),
    "MemberNotEnoughStarted": (
        "FAILED_PRECONDITION", "etcdserver: re-configuration failed due to not enough started members"),
    "MemberBadURLs": ("INVALID_ARGUMENT", "etcdserver: given member URLs are invalid"),
    "MemberNotFound": ("NOT_FOUND", "etcdserver: member not found"),
    "MemberNotLearner": ("FAILED_PRECONDITION", "etcdserver: can only promote a learner member"),
    "LearnerNotReady": (
        "FAILED_PRECONDITION", "etcdserver: can only promote a learner member which is in sync with leader"),
    "TooManyLearners": ("FAILED_PRECONDITION", "etcdserver: too many learner members in cluster"),
    "ClusterIDMismatch": ("FAILED_PRECONDITION", "etcdserver: cluster ID mismatch"),
    "RequestTooLarge": ("INVALID_ARGUMENT", "etcdserver: request is too large"),
    "RequestTooManyRequests": ("RESOURCE_EXHAUSTED", "etcdserver: too many requests"),
    "RootUserNotExist": ("FAILED_PRECONDITION", "etcdserver: root user does not exist"),
    "RootRoleNotExist": ("FAILED_PRECONDITION", "etcdserver: root user does not have root role"),
    "UserAlreadyExist": ("FAILED_PRECONDITION", "etcdserver: user name already exists"),
    "UserEmpty": ("INVALID_ARGUMENT", "etcdserver: user name is empty"),
    "UserNotFound": ("FAILED_PRECONDITION", "etcdserver: user name not found"),
    "RoleAlreadyExist": ("FAILED_PRECONDITION", "etcdserver: role name already exists"),
    "RoleNotFound": ("FAILED_PRECONDITION", "etcdserver: role name not found"),
    "RoleEmpty": ("INVALID_ARGUMENT", "etcdserver: role name is empty"),
    "AuthFailed": ("INVALID_ARGUMENT", "etcdserver: authentication failed, invalid user ID or password"),
    "PermissionNotGiven": ("INVALID_ARGUMENT", "etcdserver: permission not given"),
    "PermissionDenied": ("PERMISSION_DENIED", "etcdserver: permission denied"),
    "RoleNotGranted": ("FAILED_PRECONDITION", "etcdserver: role is not granted to the user"),
    "PermissionNotGranted": ("FAILED_PRECONDITION", "etcdserver: permission is not granted to the role"),
    "AuthNotEnabled": ("FAILED_PRECONDITION", "etcdserver: authentication is not enabled"),
    "InvalidAuthToken": ("UNAUTHENTICATED", "etcdserver: invalid auth token"),
    "InvalidAuthMgmt": ("INVALID_ARGUMENT", "etcdserver: invalid auth management"),
    "AuthOldRevision": ("INVALID_ARGUMENT", "etcdserver: revision of auth store is old"),
    "NoLeader": ("UNAVAILABLE", "etcdserver: no leader"),
    "NotLeader": ("FAILED_PRECONDITION", "etcdserver: not leader"),
    "LeaderChanged": ("UNAVAILABLE", "etcdserver: leader changed"),
    "NotCapable": ("FAILED_PRECONDITION", "etcdserver: not capable"),
    "Stopped": ("UNAVAILABLE", "etcdserver: server stopped"),
    "Timeout": ("UNAVAILABLE", "etcdserver: request timed out"),
    "TimeoutDueToLeaderFail": (
        "UNAVAILABLE", "etcdserver: request timed out, possibly due to previous leader failure"),
    "TimeoutDueToConnectionLost": (
        "UNAVAILABLE", "etcdserver: request timed out, possibly due to connection lost"),
    "TimeoutWaitAppliedIndex": (
        "UNAVAILABLE", "etcdserver: request timed out, waiting for the applied index took too long"),
    "Unhealthy": ("UNAVAILABLE", "etcdserver: unhealthy cluster"),
    "Corrupt": ("DATA_LOSS", "etcdserver: corrupt cluster"),
    "NotSupportedForLearner": ("FAILED_PRECONDITION", "etcdserver: rpc not supported for learner"),
    "BadLeaderTransferee": ("FAILED_PRECONDITION", "etcdserver: bad leader transferee"),
    "WrongDowngradeVersionFormat": ("INVALID_ARGUMENT", "etcdserver: wrong downgrade target version format"),
    "InvalidDowngradeTargetVersion": ("INVALID_ARGUMENT", "etcdserver: invalid downgrade target version"),
    "ClusterVersionUnavailable": (
        "FAILED_PRECONDITION", "etcdserver: cluster version not found during downgrade"),
    "DowngradeInProcess": ("FAILED_PRECONDITION", "etcdserver: cluster has a downgrade job in progress"),
    "NoInflightDowngrade": ("FAILED_PRECONDITION", "etcdserver: no inflight downgrade job"),
    "Canceled": ("CANCELLED", "etcdserver: request canceled"),
    "DeadlineExceeded": ("DEADLINE_EXCEEDED", "etcdserver: context deadline exceeded"),
}

NOT_HERE = {
    "WatchCanceled": "etcd's server ends a stream with it that its client has given up, who hears no more of it",
    "LeaderChanged": "requests outlive a change of leader here: proposals are made again, reads asked for again",
    "NotCapable": "no method waits for the cluster's version: every release of ours has them all",
    "TimeoutDueToConnectionLost": "it takes a network that lets calls pass one way only; test/cluster has one (one_way)",
    "TimeoutWaitAppliedIndex": "etcd gives that wait of lease calls a time of its own; here all of a request has one",
    "NoInflightDowngrade": "etcd's server answers a cancel without a downgrade with success, and so does ours",
    "Canceled": "etcd's server says it only to clients that have given up, who hear no more of it",
    "DeadlineExceeded": "grpc's own text, \"context deadline exceeded\", goes out when a deadline passes, as from etcd",
}


class Endless:
    """Requests of a stream that then stays open."""

    def __init__(self, requests):
        self.requests = list(requests)
        self.end = threading.Event()

    def __iter__(self):
        return self

    def __next__(self):
        if not self.requests:
            self.end.wait()
            raise StopIteration
        return self.requests.pop(0)


def page_of(member, path):
    """HTTP status and body."""
    try:
        with urllib.request.urlopen(
                "http://" + member.endpoint.removeprefix("http://") + path, timeout=TIMEOUT_S) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


class Api:
    """Calls to one member; the fields of a request by name."""

    def __init__(self, member, modules):
        self.channel = grpc.insecure_channel(
            member.endpoint.removeprefix("http://"),
            [("grpc.enable_retries", 0), ("grpc.use_local_subchannel_pool", 1)])
        self.rpc = modules["rpc"]

    def call(self, path, request_name, metadata=(), timeout=TIMEOUT_S, wait_for_ready=False, **fields):
        request = getattr(self.rpc, request_name)(**fields)
        response = getattr(self.rpc, request_name.replace("Request", "Response"))
        method = self.channel.unary_unary(f"/etcdserverpb.{path}", request_serializer=lambda m: m.SerializeToString(),
                                          response_deserializer=response.FromString)
        return method(request, timeout=timeout, metadata=metadata, wait_for_ready=wait_for_ready)

    def stream(self, path, requests, metadata=()):
        """The answers, as bytes."""
        method = self.channel.stream_stream(f"/etcdserverpb.{path}", request_serializer=lambda m: m.SerializeToString())
        return method(iter(requests), timeout=TIMEOUT_S, metadata=metadata)

    def put(self, **fields):
        return self.call("KV/Put", "PutRequest", **fields)

    def get(self, **fields):
        return self.call("KV/Range", "RangeRequest", **fields)

    def txn(self, *operations, **fields):
        return self.call("KV/Txn", "TxnRequest", success=list(operations), **fields)

    def put_op(self, key):
        return self.rpc.RequestOp(request_put=self.rpc.PutRequest(key=key))

    def close(self):
        self.channel.close()


class ErrorCase(unittest.TestCase):
    """What the tests share: an error's name says what it must look like."""

    def causes(self, name, call, /, *args, **fields):
        code, text = TABLE[name]
        with self.assertRaises(grpc.RpcError) as raised:
            call(*args, **fields)
        self.assertEqual((raised.exception.code().name, raised.exception.details()), (code, text))

    def start(self, *args):
        member = Member(BINARY, args)
        member.__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        return member, self.api_of(member)

    def api_of(self, member):
        api = Api(member, MODULES)
        self.addCleanup(api.close)
        return api


class AuthTest(ErrorCase):
    """Users and roles; those who may not, and those who ask for what can't be."""

    def start_with_users(self, *args):
        """root:r, who may do all, and alice:a, who may do all to the keys from a to b; not enabled yet."""
        member, api = self.start("--bcrypt-cost=4", *args)
        self.auth(api, "UserAdd", name="root", password="r")
        self.auth(api, "UserGrantRole", user="root", role="root")
        self.auth(api, "UserAdd", name="alice", password="a")
        self.auth(api, "RoleAdd", name="keys")
        self.grant(api, b"a", b"b")
        self.auth(api, "UserGrantRole", user="alice", role="keys")
        return member, api

    @staticmethod
    def auth(api, method, token="", **fields):
        message = method if method.startswith("Auth") else "Auth" + method
        return api.call(f"Auth/{method}", message + "Request", metadata=[("token", token)] if token else (), **fields)

    def grant(self, api, key, end, **fields):
        perm = MODULES["auth"].Permission(permType="READWRITE", key=key, range_end=end)
        return self.auth(api, "RoleGrantPermission", name="keys", perm=perm, **fields)

    def token_of(self, api, name, password):
        return self.auth(api, "Authenticate", name=name, password=password).token

    def test_RootUserNotExist_RootRoleNotExist_AuthNotEnabled(self):
        _, api = self.start("--bcrypt-cost=4")
        self.causes("RootUserNotExist", self.auth, api, "AuthEnable")
        self.causes("AuthNotEnabled", self.auth, api, "Authenticate", name="root", password="r")
        self.auth(api, "UserAdd", name="root", password="r")
        self.causes("RootRoleNotExist", self.auth, api, "AuthEnable")

    def test_UserAlreadyExist_UserEmpty_UserNotFound_RoleAlreadyExist_RoleEmpty_RoleNotFound(self):
        _, api = self.start_with_users()
        self.causes("UserAlreadyExist", self.auth, api, "UserAdd", name="alice", password="b")
        self.causes("UserEmpty", self.auth, api, "UserAdd", password="b")
        self.causes("RoleAlreadyExist", self.auth, api, "RoleAdd", name="keys")
        self.causes("RoleEmpty", self.auth, api, "RoleAdd")
        for method, fields in (("UserGet", {"name": "nobody"}), ("UserDelete", {"name": "nobody"}),
                               ("UserChangePassword", {"name": "nobody", "password": "x"}),
                               ("UserGrantRole", {"user": "nobody", "role": "keys"}),
                               ("UserRevokeRole", {"name": "nobody", "role": "keys"})):
            self.causes("UserNotFound", self.auth, api, method, **fields)
        permission = MODULES["auth"].Permission(key=b"a")
        for method, fields in (("RoleGet", {"role": "none"}), ("RoleDelete", {"role": "none"}),
                               ("UserGrantRole", {"user": "alice", "role": "none"}),
                               ("RoleGrantPermission", {"name": "none", "perm": permission}),
                               ("RoleRevokePermission", {"role": "none", "key": b"a"})):
            self.causes("RoleNotFound", self.auth, api, method, **fields)

    def test_RoleNotGranted_PermissionNotGranted_PermissionNotGiven_InvalidAuthMgmt(self):
        _, api = self.start_with_users()
        self.auth(api, "RoleAdd", name="other")
        self.causes("RoleNotGranted", self.auth, api, "UserRevokeRole", name="alice", role="other")
        self.causes("PermissionNotGranted", self.auth, api, "RoleRevokePermission", role="keys", key=b"a")
        self.causes("PermissionNotGiven", self.auth, api, "RoleGrantPermission", name="keys")
        self.causes("InvalidAuthMgmt", self.grant, api, b"b", b"a")
        self.causes("InvalidAuthMgmt", self.grant, api, b"", b"")
        self.auth(api, "AuthEnable")
        root = self.token_of(api, "root", "r")
        for method, fields in (("UserDelete", {"name": "root"}), ("RoleDelete", {"role": "root"}),
                               ("UserRevokeRole", {"name": "root", "role": "root"})):
            self.causes("InvalidAuthMgmt", self.auth, api, method, root, **fields)

    def test_AuthFailed_PermissionDenied_InvalidAuthToken_UserEmpty(self):
        _, api = self.start_with_users()
        self.auth(api, "AuthEnable")
        for name, password in (("alice", "b"), ("nobody", "a"), ("", "")):
            self.causes("AuthFailed", self.auth, api, "Authenticate", name=name, password=password)
        alice = [("token", self.token_of(api, "alice", "a"))]
        api.put(key=b"a1", metadata=alice)
        calls = [
            (api.put, {"key": b"b"}), (api.get, {"key": b"a", "range_end": b"c"}), (api.txn, {"compare": [
                api.rpc.Compare(key=b"c")]}), (self.call_of(api, "KV/DeleteRange"), {"key": b"c"}),
            (self.call_of(api, "KV/Compact", "CompactionRequest"), {"revision": 1}),
            (self.call_of(api, "Auth/UserList", "AuthUserListRequest"), {}),
            (self.call_of(api, "Auth/AuthDisable"), {}),
            (self.call_of(api, "Maintenance/Defragment"), {}), (self.call_of(api, "Maintenance/HashKV"), {}),
            (self.call_of(api, "Maintenance/MoveLeader"), {"targetID": 1}),
            (self.call_of(api, "Maintenance/Downgrade"), {"version": "3.6"}),
            (self.call_of(api, "Cluster/MemberAdd"), {"peerURLs": ["http://127.0.0.9:1"]}),
            (self.call_of(api, "Cluster/MemberRemove"), {"ID": 1}),
            (self.call_of(api, "Cluster/MemberPromote"), {"ID": 1}),
        ]
        for call, fields in calls:
            self.causes("PermissionDenied", call, metadata=alice, **fields)
            self.causes("UserEmpty", call, **fields)
            for token in ("token", "nonsense.1"), ("token", ""), ("authorization", ""), ("authorization", "Bearer "):
                self.causes("InvalidAuthToken", call, metadata=[token], **fields)
            # Which of the two names counts does not depend on what it holds.
            self.causes("InvalidAuthToken", call, metadata=[("token", ""), ("authorization", alice[0][1])], **fields)
        api.get(key=b"a1", metadata=[("token", "Bearer " + alice[0][1]), ("authorization", "")])
        # Its URLs are looked at before who asks.
        for owner in ([], alice, [("token", "nonsense.1")]):
            self.causes("MemberBadURLs", self.call_of(api, "Cluster/MemberAdd"), metadata=owner, peerURLs=["nonsense"])
        self.causes("PermissionDenied", lambda: list(
            api.stream("Maintenance/Snapshot", [api.rpc.SnapshotRequest()], alice)))
        # A watch is refused in its own answer; the stream goes on.
        for owner, name in ((alice, "PermissionDenied"), ((), "UserEmpty"),
                            ([("token", "nonsense.1")], "InvalidAuthToken")):
            watch = api.stream("Watch/Watch", Endless([api.rpc.WatchRequest(
                create_request=api.rpc.WatchCreateRequest(key=b"b"))]), owner)
            answer = api.rpc.WatchResponse.FromString(next(watch))
            code = {"PERMISSION_DENIED": "PermissionDenied", "INVALID_ARGUMENT": "InvalidArgument",
                    "UNAUTHENTICATED": "Unauthenticated"}[TABLE[name][0]]
            self.assertEqual((answer.created, answer.canceled, answer.watch_id, answer.cancel_reason),
                             (True, True, -1, f"rpc error: code = {code} desc = {TABLE[name][1]}"))
            watch.cancel()

    @staticmethod
    def call_of(api, path, request=None):
        request = request or path.split("/")[1] + "Request"
        return lambda **fields: api.call(path, request, **fields)

    def test_AuthOldRevision(self):
        """A signed token says for which users and roles it was made; any change makes it too old."""
        with tempfile.TemporaryDirectory() as folder:
            key = os.path.join(folder, "key")
            with open(key, "w") as out:
                out.write("a secret of the servers'")
            _, api = self.start_with_users(f"--auth-token=jwt,priv-key={key},sign-method=HS256,ttl=5m")
            self.auth(api, "AuthEnable")
            root, alice = self.token_of(api, "root", "r"), [("token", self.token_of(api, "alice", "a"))]
            api.put(key=b"a1", metadata=alice)
            self.auth(api, "RoleAdd", root, name="other")
            self.causes("AuthOldRevision", api.put, key=b"a1", metadata=alice)
            self.causes("AuthOldRevision", api.get, key=b"a1", metadata=alice)
            api.put(key=b"a1", metadata=[("token", self.token_of(api, "alice", "a"))])


class OneMemberTest(ErrorCase):
    @classmethod
    def setUpClass(cls):
        cls.member = Member(BINARY, ["--max-txn-ops=4"]).__enter__()
        cls.addClassCleanup(cls.member.__exit__, None, None, None)
        cls.api = Api(cls.member, MODULES)
        cls.addClassCleanup(cls.api.close)

    def test_EmptyKey(self):
        for path, request in (("KV/Range", "RangeRequest"), ("KV/Put", "PutRequest"),
                              ("KV/DeleteRange", "DeleteRangeRequest")):
            self.causes("EmptyKey", self.api.call, path, request)

    def test_KeyNotFound(self):
        self.causes("KeyNotFound", self.api.put, key=b"nobody", ignore_value=True)
        self.causes("KeyNotFound", self.api.put, key=b"nobody", ignore_lease=True)
        self.causes("KeyNotFound", self.api.txn, self.api.rpc.RequestOp())

    def test_ValueProvided(self):
        self.causes("ValueProvided", self.api.put, key=b"a", value=b"v", ignore_value=True)

    def test_LeaseProvided(self):
        self.causes("LeaseProvided", self.api.put, key=b"a", lease=5, ignore_lease=True)

    def test_TooManyOps(self):
        self.causes("TooManyOps", self.api.txn, *(self.api.put_op(b"%d" % i) for i in range(5)))

    def test_DuplicateKey(self):
        self.causes("DuplicateKey", self.api.txn, self.api.put_op(b"a"), self.api.put_op(b"a"))

    def test_InvalidClientAPIVersion(self):
        """Python's client sends no such bytes; curl does."""
        code, text = TABLE["InvalidClientAPIVersion"]
        self.assertEqual(self.curl(b"etcdserverpb.KV/Range", b"client-api-version: \xff3"),
                         (grpc.StatusCode[code].value[0], text))

    def curl(self, method, header):
        """Status and text of a call without a message."""
        if shutil.which("curl") is None:
            self.skipTest("curl is not installed")
        # Without a body: curl forgets an answer that comes before it has sent that.
        answer = subprocess.run(
            [b"curl", b"-s", b"-i", b"--http2-prior-knowledge", b"-X", b"POST",
             b"-H", b"content-type: application/grpc", b"-H", b"te: trailers", b"-H", header,
             self.member.endpoint.encode() + b"/" + method],
            stdout=subprocess.PIPE, timeout=TIMEOUT_S, check=True).stdout.decode()
        found = re.search(r"grpc-status: (\d+)\r\ngrpc-message: (.*)\r\n", answer)
        self.assertIsNotNone(found, answer)
        return int(found[1]), found[2]

    def test_a_deadline_that_has_passed_before_the_call(self):
        """Calls of every kind end before they begin, even those of methods that there are not."""
        for method in (b"etcdserverpb.KV/Range", b"etcdserverpb.KV/Put", b"etcdserverpb.KV/RangeStream",
                       b"etcdserverpb.Watch/Watch", b"etcdserverpb.Lease/LeaseKeepAlive",
                       b"etcdserverpb.Maintenance/Snapshot", b"v3electionpb.Election/Observe", b"no.Service/Method"):
            for timeout in (b"0n", b"0S", b"1n", b"999n"):
                self.assertEqual(self.curl(method, b"grpc-timeout: " + timeout),
                                 (grpc.StatusCode.DEADLINE_EXCEEDED.value[0], "context deadline exceeded"), method)

    def test_InvalidSortOption(self):
        self.causes("InvalidSortOption", self.api.get, key=b"a", sort_order=7)
        self.causes("InvalidSortOption", self.api.get, key=b"a", sort_target=9)

    def test_Compacted_FutureRev(self):
        revision = self.api.put(key=b"c", value=b"1").header.revision
        self.api.put(key=b"c", value=b"2")
        self.api.call("KV/Compact", "CompactionRequest", revision=revision + 1)
        self.causes("Compacted", self.api.get, key=b"c", revision=revision)
        self.causes("Compacted", self.api.call, "KV/Compact", "CompactionRequest", revision=revision)
        self.causes("FutureRev", self.api.get, key=b"c", revision=10**9)
        self.causes("FutureRev", self.api.call, "KV/Compact", "CompactionRequest", revision=10**9)
        self.causes("FutureRev", self.api.call, "Maintenance/HashKV", "HashKVRequest", revision=10**9)

    def test_LeaseNotFound(self):
        self.causes("LeaseNotFound", self.api.put, key=b"a", lease=404)
        self.causes("LeaseNotFound", self.api.call, "Lease/LeaseRevoke", "LeaseRevokeRequest", ID=404)

    def test_LeaseExist(self):
        self.api.call("Lease/LeaseGrant", "LeaseGrantRequest", ID=77, TTL=600)
        self.causes("LeaseExist", self.api.call, "Lease/LeaseGrant", "LeaseGrantRequest", ID=77, TTL=600)

    def test_LeaseTTLTooLarge(self):
        self.causes("LeaseTTLTooLarge", self.api.call, "Lease/LeaseGrant", "LeaseGrantRequest", TTL=9_000_000_001)

    def test_RequestTooLarge(self):
        self.causes("RequestTooLarge", self.api.put, key=b"a", value=b"v" * 1_572_864)

    def test_PeerURLExist(self):
        self.causes("PeerURLExist", self.api.call, "Cluster/MemberAdd", "MemberAddRequest",
                    peerURLs=[self.member.peer_url])

    def test_MemberExist(self):
        """An id is made of its URLs and the second of its making."""
        with Member(BINARY, ["--max-learners=2"]) as member:
            api, said = Api(member, MODULES), []
            for port in range(1, 20):
                url = f"http://127.0.0.9:{port}"
                added = api.call("Cluster/MemberAdd", "MemberAddRequest", peerURLs=[url], isLearner=True).member
                with self.assertRaises(grpc.RpcError) as refused:
                    api.call("Cluster/MemberAdd", "MemberAddRequest", peerURLs=[url], isLearner=True)
                said.append((refused.exception.code().name, refused.exception.details()))
                if said[-1] == TABLE["MemberExist"]:
                    return
                # The second was over in between.
                self.assertEqual(said[-1], TABLE["PeerURLExist"])
                api.call("Cluster/MemberRemove", "MemberRemoveRequest", ID=added.ID)
            self.fail(f"all refused otherwise: {said}")

    def test_MemberBadURLs(self):
        for urls in ([], ["no url"], ["ftp://a:1"]):
            self.causes("MemberBadURLs", self.api.call, "Cluster/MemberAdd", "MemberAddRequest", peerURLs=urls)

    def test_MemberNotFound(self):
        for method, more in (("Remove", {}), ("Promote", {}), ("Update", {"peerURLs": ["http://127.0.0.9:1"]})):
            self.causes("MemberNotFound", self.api.call, f"Cluster/Member{method}", f"Member{method}Request",
                        ID=404, **more)

    def test_MemberNotEnoughStarted(self):
        own = self.api.get(key=b"a").header.member_id
        self.causes("MemberNotEnoughStarted", self.api.call, "Cluster/MemberRemove", "MemberRemoveRequest", ID=own)

    def test_MemberNotLearner(self):
        own = self.api.get(key=b"a").header.member_id
        self.causes("MemberNotLearner", self.api.call, "Cluster/MemberPromote", "MemberPromoteRequest", ID=own)

    def test_ClusterIDMismatch(self):
        """Members say it to each other, with the way out behind it; see wrong_start in test/cluster."""
        channel = grpc.insecure_channel(self.member.peer_url.removeprefix("http://"))
        self.addCleanup(channel.close)
        with self.assertRaises(grpc.RpcError) as raised:
            channel.unary_unary("/quorate.peer.Peer/Ping")(b"", timeout=TIMEOUT_S, metadata=[
                ("quorate-protocol", "1"), ("quorate-cluster-id", "abc"), ("quorate-from", "1"), ("quorate-to", "2")])
        code, text = TABLE["ClusterIDMismatch"]
        self.assertEqual(raised.exception.code().name, code)
        self.assertTrue(raised.exception.details().startswith(text + ": "), raised.exception.details())

    def test_BadLeaderTransferee(self):
        self.causes("BadLeaderTransferee", self.api.call, "Maintenance/MoveLeader", "MoveLeaderRequest", targetID=404)

    def test_WrongDowngradeVersionFormat_InvalidDowngradeTargetVersion_DowngradeInProcess(self):
        def downgrade(action, version=""):
            return self.api.call("Maintenance/Downgrade", "DowngradeRequest", action=action, version=version)
        for version in ("", "3", "x.y", "3.6.x"):
            self.causes("WrongDowngradeVersionFormat", downgrade, "VALIDATE", version)
            self.causes("WrongDowngradeVersionFormat", downgrade, "ENABLE", version)
        for version in ("3.7.0", "3.5", "3.8.0", "2.6"):
            self.causes("InvalidDowngradeTargetVersion", downgrade, "VALIDATE", version)
        answer = downgrade("VALIDATE", "3.6.0")
        self.assertEqual((answer.version, answer.header.member_id != 0), ("3.7", True))
        self.assertEqual(downgrade("CANCEL").version, "3.7")
        self.assertEqual(downgrade("ENABLE", "3.6").version, "3.7")
        wait_for(lambda: self.cluster_version() == "3.6.0", "the lower version")
        status = self.api.call("Maintenance/Status", "StatusRequest")
        self.assertEqual((status.downgradeInfo.enabled, status.downgradeInfo.targetVersion, status.storageVersion),
                         (True, "3.6.0", "3.6.0"))
        # As in etcd, the only target now is one below, and a downgrade is under way.
        self.causes("DowngradeInProcess", downgrade, "ENABLE", "3.5")
        self.causes("InvalidDowngradeTargetVersion", downgrade, "ENABLE", "3.6")
        self.assertEqual(downgrade("CANCEL").version, "3.6")
        wait_for(lambda: self.cluster_version() == "3.7.0", "the version before")
        self.assertFalse(self.api.call("Maintenance/Status", "StatusRequest").downgradeInfo.enabled)

    def cluster_version(self):
        return json.loads(page_of(self.member, "/version")[1])["etcdcluster"]


class AlarmTest(ErrorCase):
    def test_NoSpace(self):
        _, api = self.start("--quota-backend-bytes=100000")
        with self.assertRaises(grpc.RpcError):
            while True:
                api.put(key=b"fill", value=b"v" * 5000)
        self.causes("NoSpace", api.put, key=b"a", value=b"v")
        self.causes("NoSpace", api.call, "Lease/LeaseGrant", "LeaseGrantRequest", TTL=100)
        self.causes("NoSpace", api.txn, api.put_op(b"a"))
        api.call("KV/DeleteRange", "DeleteRangeRequest", key=b"fill")

    def test_Corrupt(self):
        member, api = self.start()
        own = api.get(key=b"a").header.member_id
        api.call("Maintenance/Alarm", "AlarmRequest", action="ACTIVATE", memberID=own, alarm="CORRUPT")
        self.causes("Corrupt", api.put, key=b"a", value=b"v")
        self.causes("Corrupt", api.txn, api.put_op(b"a"))
        self.causes("Corrupt", api.call, "KV/DeleteRange", "DeleteRangeRequest", key=b"a")
        self.causes("Corrupt", api.call, "KV/Compact", "CompactionRequest", revision=1)
        self.causes("Corrupt", api.call, "Lease/LeaseGrant", "LeaseGrantRequest", TTL=100)
        api.get(key=b"a")
        self.assertEqual(list(api.call("Maintenance/Status", "StatusRequest").errors), [f"memberID:{own} alarm:CORRUPT"])
        self.assertEqual(page_of(member, "/health"), (503, '{"health":"false","reason":"ALARM CORRUPT"}\n'))
        self.assertEqual(page_of(member, "/health?exclude=CORRUPT")[0], 200)
        status, body = page_of(member, "/readyz")
        self.assertEqual(status, 503)
        # Each check on a line and, as in etcd, an empty one behind them.
        self.assertEqual(sorted(body.split("\n")), [
            "", "", "[+]linearizable_read ok", "[+]non_learner ok", "[+]serializable_read ok",
            "[-]data_corruption failed: alarm activated: CORRUPT"])
        self.assertEqual(page_of(member, "/readyz?exclude=data_corruption"), (200, "ok\n"))


class ClusterCase(ErrorCase):
    size = 1

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(BINARY, folder.name, self.size,
                               ["--heartbeat-interval=50", "--election-timeout=500"])
        self.addCleanup(self.cluster.__exit__)
        self.cluster.start()
        self.apis = [self.api_of(member) for member in self.cluster.members]


class HalfStartedTest(ErrorCase):
    def test_ClusterVersionUnavailable(self):
        """While a founder is missing, nobody knows what all members can do."""
        with tempfile.TemporaryDirectory() as folder, Cluster(BINARY, folder, 3) as cluster:
            *first, last = cluster.members
            for member in first:
                member.launch()
            api = self.api_of(first[0])

            def downgrade(action, version="", **more):
                return api.call("Maintenance/Downgrade", "DowngradeRequest", action=action, version=version, **more)

            # Answered by a leader that has only just begun, and still waits for the third.
            self.causes("ClusterVersionUnavailable", downgrade, "VALIDATE", "3.6", wait_for_ready=True)
            # Then it takes the founders for the oldest that there can be, as etcd does at once.
            versions = {"etcdserver": "3.7.1", "etcdcluster": "3.0.0", "storage": "3.5.0"}
            wait_for(lambda: json.loads(page_of(first[0], "/version")[1]) == versions, "the oldest version")
            with urllib.request.urlopen(first[0].peer_url + "/version", timeout=TIMEOUT_S) as page:
                self.assertEqual(json.load(page), versions)
            self.assertEqual(api.call("Maintenance/Status", "StatusRequest").storageVersion, "3.5.0")
            self.assertIn('etcd_cluster_version{cluster_version="3.0"} 1\n', page_of(first[0], "/metrics")[1])
            for version in ("2.9", "3.0", "3.6", "3.7"):
                self.causes("InvalidDowngradeTargetVersion", downgrade, "VALIDATE", version)
                self.causes("InvalidDowngradeTargetVersion", downgrade, "ENABLE", version)
            self.causes("WrongDowngradeVersionFormat", downgrade, "VALIDATE", "x")
            self.assertEqual(downgrade("CANCEL").version, "3.0")
            last.launch()
            wait_for(lambda: json.loads(page_of(first[0], "/version")[1])["storage"] == "3.7.0", "the version")
            self.assertEqual(downgrade("VALIDATE", "3.6").version, "3.7")


class LearnerTest(ClusterCase):
    """A member with a learner, which is a cluster of one voter."""

    def add(self, member):
        return self.apis[0].call("Cluster/MemberAdd", "MemberAddRequest", peerURLs=[member.peer_url],
                                 isLearner=True).member.ID

    def test_TooManyLearners_LearnerNotReady(self):
        api = self.apis[0]
        learner = self.add(self.cluster.joining_member("l"))
        self.causes("TooManyLearners", api.call, "Cluster/MemberAdd", "MemberAddRequest",
                    peerURLs=["http://127.0.0.9:1"], isLearner=True)
        # It has not started, so it has nothing of the log.
        self.causes("LearnerNotReady", api.call, "Cluster/MemberPromote", "MemberPromoteRequest", ID=learner)
        self.assertRegex(page_of(self.cluster.members[0], "/metrics")[1],
                         r'(?m)^etcd_server_learner_promote_failures\{Reason="etcdserver: can only promote a learner '
                         r'member which is in sync with leader"\} 1$')

    def test_NotSupportedForLearner(self):
        member = self.cluster.joining_member("l")
        learner = self.add(member)
        self.cluster.members.append(member)
        member.launch()
        api = self.api_of(member)
        wait_for(lambda: api.call("Maintenance/Status", "StatusRequest", timeout=2).isLearner, "the learner")
        for call in (lambda: api.put(key=b"a", value=b"v"), lambda: api.get(key=b"a"), api.txn,
                     lambda: api.call("Lease/LeaseGrant", "LeaseGrantRequest", TTL=100),
                     lambda: api.call("Cluster/MemberList", "MemberListRequest"),
                     lambda: api.call("Maintenance/HashKV", "HashKVRequest"),
                     lambda: list(api.stream("Watch/Watch", [api.rpc.WatchRequest()])),
                     lambda: list(api.stream("Lease/LeaseKeepAlive", [api.rpc.LeaseKeepAliveRequest()])),
                     lambda: list(api.stream("KV/RangeStream", [api.rpc.RangeRequest(key=b"a")]))):
            self.causes("NotSupportedForLearner", call)
        # What a learner does answer.
        api.get(key=b"a", serializable=True)
        self.assertGreater(len(list(api.stream("Maintenance/Snapshot", [api.rpc.SnapshotRequest()]))), 0)
        status, body = page_of(member, "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("[-]non_learner failed: not supported for learner\n", body)
        self.assertEqual(page_of(member, "/livez"), (200, "ok\n"))
        # It catches up, and is one of two.
        wait_for(lambda: self.apis[0].call("Cluster/MemberPromote", "MemberPromoteRequest", ID=learner), "promotion")
        wait_for(lambda: page_of(member, "/readyz") == (200, "ok\n"), "the learner's promotion")


class QuorumTest(ClusterCase):
    size = 3

    def test_Unhealthy_NotLeader_NoLeader_TimeoutDueToLeaderFail_Timeout_RequestTooManyRequests_Stopped(self):
        # Nobody has been connected for five seconds yet.
        self.causes("Unhealthy", self.apis[0].call, "Cluster/MemberAdd", "MemberAddRequest",
                    peerURLs=["http://127.0.0.9:1"])
        leader = self.apis[0].call("Maintenance/Status", "StatusRequest").leader
        ids = [api.call("Maintenance/Status", "StatusRequest").header.member_id for api in self.apis]
        left = next(i for i, one in enumerate(ids) if one != leader)
        api = self.apis[left]
        self.causes("NotLeader", api.call, "Maintenance/MoveLeader", "MoveLeaderRequest", targetID=ids[left])
        wants_leader = [("hasleader", "true")]
        watch = api.stream("Watch/Watch", Endless(
            [api.rpc.WatchRequest(create_request=api.rpc.WatchCreateRequest(key=b"a"))]), wants_leader)
        self.assertTrue(api.rpc.WatchResponse.FromString(next(watch)).created)
        renewals = api.stream("Lease/LeaseKeepAlive", Endless([api.rpc.LeaseKeepAliveRequest(ID=1)]), wants_leader)
        next(renewals)
        api.call("Lease/LeaseGrant", "LeaseGrantRequest", ID=7, TTL=600)
        for i, member in enumerate(self.cluster.members):
            if i != left:
                member.kill()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            put = pool.submit(api.put, key=b"a", value=b"v")
            # Open streams end after three election timeouts; new calls are refused.
            for stream in (watch, renewals):
                self.causes("NoLeader", lambda stream=stream: list(stream))
            self.causes("NoLeader", api.get, key=b"a", serializable=True, metadata=wants_leader)
            self.causes("NoLeader", lambda: list(
                api.stream("Watch/Watch", [api.rpc.WatchRequest()], wants_leader)))
            api.get(key=b"a", serializable=True)
            # The list of leases is the member's own, like etcd's.
            leases = api.call("Lease/LeaseLeases", "LeaseLeasesRequest").leases
            self.assertEqual([lease.ID for lease in leases], [7])
            survivor = self.cluster.members[left]
            self.assertEqual(page_of(survivor, "/health"), (503, '{"health":"false","reason":"RAFT NO LEADER"}\n'))
            self.assertEqual(page_of(survivor, "/health?serializable=true")[0], 200)
            self.assertEqual(page_of(survivor, "/livez"), (200, "ok\n"))
            self.assertIn(api.call("Maintenance/Status", "StatusRequest").errors[0], TABLE["NoLeader"][1])
            self.causes("TimeoutDueToLeaderFail", put.result)
        self.causes("Timeout", api.get, key=b"a")
        self.refuse_more(api)
        self.stop_with_a_request(self.api_of(survivor), survivor)

    def refuse_more(self, api):
        """What can't be brought to an end is kept up to a bound, and the rest refused at once."""
        call = api.channel.unary_unary("/etcdserverpb.KV/Put")
        request = api.rpc.PutRequest(key=b"a", value=b"v" * 1_500_000).SerializeToString()
        waiting = []
        try:
            while not any(one.done() for one in waiting):
                self.assertLess(len(waiting), 2000, "the member takes on whatever comes")
                waiting.append(call.future(request, timeout=TIMEOUT_S))
                time.sleep(0.002)
            refused = next(one for one in waiting if one.done())
            self.causes("RequestTooManyRequests", refused.result)
        finally:
            for one in waiting:
                one.cancel()

    def stop_with_a_request(self, api, member):
        """Whoever still waits when a member is told to stop is told so."""
        with concurrent.futures.ThreadPoolExecutor() as pool:
            before = self.pending(member)
            put = pool.submit(api.put, key=b"a", value=b"v")
            wait_for(lambda: self.pending(member) != before, "the put is there")
            member.process.terminate()
            self.causes("Stopped", put.result)
            member.process.wait(TIMEOUT_S)

    @staticmethod
    def pending(member):
        page = page_of(member, "/metrics")[1]
        return next(line for line in page.splitlines() if line.startswith("etcd_server_proposals_pending "))


class TableTest(unittest.TestCase):
    def test_every_error_is_caused_or_excused(self):
        words = set()
        for case in (OneMemberTest, AuthTest, AlarmTest, HalfStartedTest, LearnerTest, QuorumTest):
            for name in dir(case):
                if name.startswith("test_"):
                    words.update(name.split("_"))
        excused = set(NOT_HERE)
        self.assertEqual([name for name in TABLE if name not in words and name not in excused], [])
        self.assertEqual([name for name in excused if name not in TABLE], [])
        self.assertEqual(len(TABLE), 63)


if __name__ == "__main__":
    run()
