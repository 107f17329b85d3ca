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
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

try:
    import grpc
    import protos
except ImportError:
    print("skipped: python3-grpc-tools is not installed")
    sys.exit(77)

from clusters import Cluster, wait_for  # noqa: E402
from member import Member  # noqa: E402

BINARY = None
MODULES = None
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

AUTH = "of authentication, which has tests of its own"
NOT_HERE = {
    **dict.fromkeys([
        "RootUserNotExist", "RootRoleNotExist", "UserAlreadyExist", "UserEmpty", "UserNotFound",
        "RoleAlreadyExist", "RoleNotFound", "RoleEmpty", "AuthFailed", "PermissionNotGiven", "PermissionDenied",
        "RoleNotGranted", "PermissionNotGranted", "AuthNotEnabled", "InvalidAuthToken", "InvalidAuthMgmt",
        "AuthOldRevision"], AUTH),
    "InvalidClientAPIVersion": "gRPC's clients send no such bytes; test/rpc/router_test.cc does",
    "WatchCanceled": "etcd's server does not send it either: a watch ends with its own reason",
    "MemberExist": "an id holds the time of its making: two are equal only within one second, at one URL, "
                   "and then the URL is refused first",
    "ClusterIDMismatch": "members say it to each other; test/cluster provokes it (wrong_start)",
    "RequestTooManyRequests": "test/soak floods a server until it says so",
    "LeaderChanged": "requests outlive a change of leader here: they are proposed again",
    "NotCapable": "a cluster is founded at a version that can do everything",
    "Stopped": "test/soak stops a server in the midst of requests",
    "TimeoutDueToConnectionLost": "the leader's failure is what a cut-off member notices",
    "TimeoutWaitAppliedIndex": "reads wait within the request's own time",
    "ClusterVersionUnavailable": "a leader sets the version before it answers its first request",
    "NoInflightDowngrade": "etcd's server answers a cancel without a downgrade with success, and so does ours",
    "Canceled": "grpc says \"context canceled\" when a client gives up",
    "DeadlineExceeded": "grpc says \"context deadline exceeded\" when a deadline passes",
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

    def call(self, path, request_name, metadata=(), timeout=TIMEOUT_S, **fields):
        request = getattr(self.rpc, request_name)(**fields)
        response = getattr(self.rpc, request_name.replace("Request", "Response"))
        method = self.channel.unary_unary(f"/etcdserverpb.{path}", request_serializer=lambda m: m.SerializeToString(),
                                          response_deserializer=response.FromString)
        return method(request, timeout=timeout, metadata=metadata)

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

    def causes(self, name, call, *args, **fields):
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
        self.assertEqual(page_of(member, "/health"), (503, '{"health":"false","reason":"ALARM CORRUPT"}'))
        self.assertEqual(page_of(member, "/health?exclude=CORRUPT")[0], 200)
        status, body = page_of(member, "/readyz")
        self.assertEqual(status, 503)
        self.assertIn("[-]data_corruption failed: alarm activated: CORRUPT\n", body)
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

    def test_Unhealthy_NotLeader_NoLeader_TimeoutDueToLeaderFail_Timeout(self):
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
            survivor = self.cluster.members[left]
            self.assertEqual(page_of(survivor, "/health"), (503, '{"health":"false","reason":"RAFT NO LEADER"}'))
            self.assertEqual(page_of(survivor, "/health?serializable=true")[0], 200)
            self.assertEqual(page_of(survivor, "/livez"), (200, "ok\n"))
            self.assertIn(api.call("Maintenance/Status", "StatusRequest").errors[0], TABLE["NoLeader"][1])
            self.causes("TimeoutDueToLeaderFail", put.result)
        self.causes("Timeout", api.get, key=b"a")


class TableTest(unittest.TestCase):
    def test_every_error_is_caused_or_excused(self):
        words = set()
        for case in (OneMemberTest, AlarmTest, LearnerTest, QuorumTest):
            for name in dir(case):
                if name.startswith("test_"):
                    words.update(name.split("_"))
        excused = set(NOT_HERE)
        self.assertEqual([name for name in TABLE if name not in words and name not in excused], [])
        self.assertEqual([name for name in excused if name not in TABLE], [])
        self.assertEqual(len(TABLE), 63)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as folder:
        MODULES = protos.compile_into(folder)
        unittest.main(verbosity=2)
