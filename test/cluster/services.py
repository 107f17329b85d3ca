# SPDX-License-Identifier: Apache-2.0
"""Services that members do together: locks, elections, alarms, and the way down to an older version."""

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
from clusters import wait_for
from context import check

NO_SPACE = "etcdserver: mvcc: database space exceeded"


def test_locks_and_elections(context):
    """Holders and waiters are at different members, and the one that leads the cluster goes."""
    with context.cluster(3).start() as cluster, ThreadPoolExecutor() as pool:
        leader = context.leader(cluster)
        one, other = context.followers(cluster)
        with context.client(one) as holder, context.client(other) as waiter:
            leases = [holder.lease_grant(TTL=600).ID for _ in range(4)]
            held = holder.lock(name=b"lock", lease=leases[0]).key
            chosen = holder.campaign(name=b"election", lease=leases[1], value=b"first").leader
            lock = pool.submit(waiter.lock, name=b"lock", lease=leases[2], timeout_s=60)
            election = pool.submit(waiter.campaign, name=b"election", lease=leases[3], value=b"second", timeout_s=60)
            wait_for(lambda: holder.range(key=b"lock/", range_end=b"lock0").count == 2
                     and holder.range(key=b"election/", range_end=b"election0").count == 2, "both wait")
            leader.kill()
            context.leader(cluster)
            check(waiter.leader(name=b"election").kv.value == b"first", "another one is elected")
            check(not lock.done() and not election.done(), "a waiter was let in")
            holder.unlock(key=held)
            holder.resign(leader=chosen)
            check(lock.result().key != held, "the same key")
            check(election.result().leader.lease == leases[3], "somebody else's lease")
            check(holder.leader(name=b"election").kv.value == b"second", "nobody has followed")
            leader.start()
            with context.client(leader) as back:
                check(back.leader(name=b"election").kv.value == b"second", "the one that was away sees another")
        context.settle(cluster)


def refusal(call, **fields):
    try:
        call(**fields)
    except grpc.RpcError as error:
        return error.details()
    return ""


def test_space_alarm(context):
    """One member's lack of room is everybody's alarm, until it is lifted."""
    with context.cluster(3, "--quota-backend-bytes=300000").start() as cluster:
        clients = [context.client(member) for member in cluster.members]
        try:
            number = 0
            while not (said := refusal(clients[number % 3].put, key=b"fill/%d" % number, value=b"v" * 10_000)):
                number += 1
            check(said == NO_SPACE, f"refused with {said}")
            alarms = []
            for client in clients:
                wait_for(lambda one=client: one.alarm(action="GET").alarms, "the alarm is known")
                alarms.append(sorted((alarm.memberID, alarm.alarm) for alarm in client.alarm(action="GET").alarms))
                check(refusal(client.put, key=b"a", value=b"v") == NO_SPACE, "a member takes puts")
                check(refusal(client.lease_grant, TTL=100) == NO_SPACE, "a member grants leases")
                check(client.range(key=b"fill/0").count == 1, "a member does not read")
                status = client.status()
                check(any("NOSPACE" in error for error in status.errors), f"status says {status.errors}")
            check(alarms[0] == alarms[1] == alarms[2], f"the members know of other alarms: {alarms}")
            revision = clients[0].delete_range(key=b"fill/", range_end=b"fill0").header.revision
            clients[1].compact(revision=revision, physical=True)
            for member, _ in alarms[0]:
                clients[2].alarm(action="DEACTIVATE", memberID=member, alarm="NOSPACE")
            for client in clients:
                wait_for(lambda one=client: not one.alarm(action="GET").alarms, "the alarm is over")
                client.put(key=b"a", value=b"v")
        finally:
            for client in clients:
                client.close()
        context.settle(cluster)


def test_downgrade(context):
    """Asked of a follower, the version goes down on every member, over a change of leaders, and up again."""
    with context.cluster(3).start() as cluster:
        follower = context.followers(cluster)[0]

        def everywhere(version):
            wait_for(lambda: all(json.loads(member.get("/version"))["etcdcluster"] == version
                                 for member in cluster.members), f"version {version} on all")

        everywhere("3.7.0")
        with context.client(follower) as client:
            check(client.downgrade(action="VALIDATE", version="3.6.0").version == "3.7", "another version")
            client.downgrade(action="ENABLE", version="3.6.0")
            everywhere("3.6.0")
            leader = context.leader(cluster)
            leader.kill()
            context.leader(cluster)
            leader.start()
            everywhere("3.6.0")
            for member in cluster.members:
                info = context.status(member).downgradeInfo
                check((info.enabled, info.targetVersion) == (True, "3.6.0"), f"{member.name} says {info}")
            client.downgrade(action="CANCEL")
            everywhere("3.7.0")
            for member in cluster.members:
                check(not context.status(member).downgradeInfo.enabled, f"{member.name} goes down still")
        context.settle(cluster)
