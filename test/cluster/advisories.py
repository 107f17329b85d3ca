# SPDX-License-Identifier: Apache-2.0
"""What etcd's security advisories of 2026 let users do beyond their rights, asked of every member of three,
over gRPC and the JSON gateway. (The one about revoked certificates is in ../compat/tls_test.py.)"""

import base64
import json
import os
import urllib.error
import urllib.request

import grpc
from authentication import CHEAP, DENIED, log_in, set_up
from clusters import wait_for
from context import Asks, check

NAMELESS = "etcdserver: user name is empty"


def outcome(call, **fields):
    """The text that a call is refused with; "ok" when it is not."""
    try:
        call(**fields)
    except grpc.RpcError as error:
        return error.details()
    return "ok"


def denied(client, name, **fields):
    said = outcome(getattr(client, name), **fields)
    check(said == (DENIED if client.token else NAMELESS), f"{name}({fields}): {said}")


def test_advisories(context):
    """Every member refuses, whichever way it is asked."""
    with context.cluster(3, *CHEAP).start() as cluster:
        leader = context.leader(cluster)
        set_up(context, leader)
        root_token = log_in(context, leader, "root", "r")
        with context.client(leader, root_token) as root:
            root.put(key=b"secret", value=b"hidden")
            root.put(key=b"b", value=b"behind alice's keys")
            foreign = root.lease_grant(TTL=600).ID
            root.put(key=b"secret/leased", value=b"x", lease=foreign)
            root.put(key=b"a1", value=b"alice's")
        for member in cluster.members:
            token = log_in(context, member, "alice", "a")
            for who in (token, None):
                with context.client(member, who) as client:
                    management_is_roots(client)
                    nested_transactions(client)
                    puts_in_transactions(client, foreign)
            with context.client(member, token) as alice:
                watches(alice)
                check(outcome(alice.txn, success=[put_of(alice, b"a1", prev_kv=True)]) == "ok", "alice may not")
            over_json(member, token, foreign)
        with context.client(leader, root_token) as root:
            check(root.range(key=b"secret").kvs[0].value == b"hidden", "a secret was changed")
            check(root.range(key=b"secret/leased").count == 1, "a lease that was root's has ended")
            root.auth_disable()
        context.settle(cluster)


def management_is_roots(client):
    """CVE-2026-33413: methods that anybody could call."""
    denied(client, "member_add", peerURLs=["http://127.0.0.9:1"])
    denied(client, "member_remove", ID=1)
    denied(client, "member_update", ID=1, peerURLs=["http://127.0.0.9:1"])
    denied(client, "member_promote", ID=1)
    denied(client, "move_leader", targetID=1)
    denied(client, "downgrade", action="ENABLE", version="3.6")
    denied(client, "alarm", action="ACTIVATE", memberID=1, alarm="NOSPACE")
    denied(client, "alarm", action="DEACTIVATE", memberID=1, alarm="NOSPACE")
    denied(client, "compact", revision=1)
    denied(client, "defragment")
    denied(client, "hash")
    denied(client, "hash_kv")
    denied(client, "user_list")
    denied(client, "role_list")
    denied(client, "auth_disable")
    if client.token is None:
        denied(client, "member_list")
        denied(client, "lease_grant", TTL=100)
        denied(client, "lease_leases")
        denied(client, "alarm", action="GET")


def put_of(client, key, **fields):
    return client.pb.RequestOp(request_put=client.pb.PutRequest(key=key, **fields))


def nested_transactions(client):
    """CVE-2026-33343: what a transaction within a transaction asks for."""
    pb = client.pb
    for inner in (put_of(client, b"secret"), pb.RequestOp(request_range=pb.RangeRequest(key=b"secret")),
                  pb.RequestOp(request_delete_range=pb.DeleteRangeRequest(key=b"secret"))):
        for branch in ("success", "failure"):
            for depth in (1, 2, 3):
                request = pb.TxnRequest(**{branch: [inner]})
                for _ in range(depth - 1):
                    request = pb.TxnRequest(success=[pb.RequestOp(request_txn=request)])
                denied(client, "txn", success=[pb.RequestOp(request_txn=request)])
    guarded = pb.TxnRequest(compare=[pb.Compare(key=b"secret", target="VALUE", value=b"hidden")])
    denied(client, "txn", success=[pb.RequestOp(request_txn=guarded)])
    denied(client, "txn", compare=[pb.Compare(key=b"a", range_end=b"z", target="VERSION", version=1)])


def puts_in_transactions(client, foreign):
    """CVE-2026-44283: the pair before, and a lease that holds keys of others."""
    denied(client, "txn", success=[put_of(client, b"a1", lease=foreign)])
    denied(client, "txn", failure=[put_of(client, b"a1", lease=foreign)])
    denied(client, "put", key=b"a1", lease=foreign)
    denied(client, "txn", success=[put_of(client, b"b", prev_kv=True)])
    denied(client, "lease_revoke", ID=foreign)
    denied(client, "lease_time_to_live", ID=foreign, keys=True)
    denied(client, "lease_leases")


def watches(alice):
    """GHSA-xg4h-6gfc-h4m8: more than the range that is granted."""
    pb = alice.pb
    for key, end in ((b"a", b"\0"), (b"a1", b"\0"), (b"", b"\0"), (b"\0", b"\0"), (b"a", b"c"), (b"A", b"b"),
                     (b"b", b""), (b"secret", b"")):
        asks = Asks(pb.WatchRequest(create_request=pb.WatchCreateRequest(
            key=key, range_end=end, start_revision=1)))
        stream = alice.watch(asks, timeout_s=10)
        try:
            answer = next(stream)
            check(answer.canceled and not answer.events and DENIED in answer.cancel_reason,
                  f"a watch of {key} to {end}: {answer}")
        finally:
            asks.close()
            stream.cancel()


def over_json(member, token, foreign):
    def text(key):
        return base64.b64encode(key).decode()

    secret = {"request_range": {"key": text(b"secret")}}
    for path, content in (
            ("kv/range", {"key": text(b"secret")}),
            ("kv/txn", {"success": [{"request_txn": {"failure": [secret]}}]}),
            ("kv/txn", {"success": [{"request_put": {"key": text(b"a1"), "lease": str(foreign)}}]}),
            ("kv/compaction", {"revision": 1}),
            ("kv/lease/revoke", {"ID": str(foreign)}),
            ("maintenance/defragment", {}),
            ("maintenance/transfer-leadership", {"targetID": 1}),
            ("cluster/member/add", {"peerURLs": ["http://127.0.0.9:1"]})):
        for authorization, expected in ((token, (403, DENIED)), (None, (400, NAMELESS))):
            request = urllib.request.Request(f"http://{member.endpoint}/v3/{path}", json.dumps(content).encode(),
                                             {"Authorization": authorization} if authorization else {})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    said = (answer.status, answer.read().decode())
            except urllib.error.HTTPError as error:
                said = (error.code, json.loads(error.read())["message"])
            check(said == expected, f"{path} {content}: {said}")


def test_auth_signed(context):
    """Signed tokens: what one member issues holds on all that have the key, and over their restarts; what
    users may do is asked anew for each request."""
    key = os.path.join(context.directory, "key")
    with open(key, "w") as out:
        out.write("what the members share")
    option = f"--auth-token=jwt,priv-key={key},sign-method=HS256,ttl=10m"
    with context.cluster(3, *CHEAP, option).start() as cluster:
        set_up(context, context.followers(cluster)[0])
        tokens = [log_in(context, member, "alice", "a") for member in cluster.members]
        for member in cluster.members:
            member.kill()
        for member in cluster.members:
            member.launch()
        for member in cluster.members:
            member.wait_ready()
        for member in cluster.members:
            for token in tokens:
                with context.client(member, token) as alice:
                    alice.put(key=b"a1", value=b"v")
                    denied(alice, "put", key=b"b")
                    altered = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
                    with context.client(member, altered) as forger:
                        said = outcome(forger.range, key=b"a1")
                        check(said == "etcdserver: invalid auth token", f"a forged token: {said}")
        root_token = log_in(context, cluster.members[1], "root", "r")
        with context.client(cluster.members[1], root_token) as root:
            root.role_add(name="other")
        # Every member knows that these are of before.
        for member in cluster.members:
            with context.client(member, tokens[0]) as alice:
                wait_for(lambda one=alice: outcome(one.range, key=b"a1")
                         == "etcdserver: revision of auth store is old", "the change is known")
                check(outcome(alice.put, key=b"a1") == "etcdserver: revision of auth store is old", "an old token")
        with context.client(cluster.members[0], log_in(context, cluster.members[2], "root", "r")) as root:
            root.auth_disable()
        context.settle(cluster)
