# SPDX-License-Identifier: Apache-2.0
"""Data that are not what they should be."""

import os
import subprocess

from clusters import wait_for
from context import check

EXIT_TIMEOUT_S = 60
CHECKED = "--corrupt-check-time=1s"


def damage(context, member, text, other):
    """Changes a stored value of a member that is stopped, past its engine's checksums."""
    build = os.path.dirname(context.binary)
    subprocess.run([os.path.join(build, "test", "cluster", "damage-value"),
                    os.path.join(build, "plugins"), "leveldb",
                    os.path.join(member.data_dir, "member", "leveldb"), text, other], check=True)


def write_some(context, member):
    with context.client(member) as client:
        for number in range(20):
            wait_for(lambda n=number: client.put(key=b"key/%d" % n, value=b"the truth %d" % n),
                     "writes")


def test_damaged_data(context):
    """One member's data are changed behind its back: it finds out, says so, and can be rebuilt."""
    with context.cluster(3, CHECKED).start() as cluster:
        damaged = context.followers(cluster)[0]
        identity = context.member_id(damaged)
        write_some(context, context.leader(cluster))
        context.settle(cluster)
        damaged.stop()
        damage(context, damaged, "the truth 7", "the lies! 7")
        damaged.launch()
        code = damaged.process.wait(EXIT_TIMEOUT_S)
        check(code != 0, "it ended as if all were well")
        said = damaged.log_text().splitlines()[-1]
        for text in ("differs from a majority of the others at revision", "its hash is",
                     f"etcdctl member remove {identity:x}"):
            check(text in said, f"{text!r} is not in {said!r}")
        damaged.launch()
        check(damaged.process.wait(EXIT_TIMEOUT_S) != 0, "it started again")
        said = damaged.log_text().splitlines()[-1]
        check("differs from a majority" in said, f"it does not say why: {said!r}")

        # The others go on, and have nothing to complain about.
        healthy = [member for member in cluster.members if member is not damaged]
        with context.client(context.leader(cluster)) as client:
            wait_for(lambda: client.put(key=b"after", value=b"all"), "writes")
            check(not client.alarm(action="GET").alarms, "an alarm is on")
            wait_for(lambda: client.member_remove(ID=identity), "it can be removed")
            cluster.members = healthy
            rebuilt = cluster.joining_member(damaged.member_name)
            rebuilt.wipe()
            wait_for(lambda: client.member_add(peerURLs=[rebuilt.peer_url]), "it is added again")
        cluster.members = [*healthy, rebuilt]
        rebuilt.start()
        context.settle(cluster)
        with context.client(rebuilt) as client:
            check(client.range(key=b"key/7").kvs[0].value == b"the truth 7", "it still lies")


def test_disputed_data(context):
    """Three members with three truths: nobody knows who is right, so writes stop."""
    with context.cluster(3, CHECKED).start() as cluster:
        write_some(context, context.leader(cluster))
        context.settle(cluster)
        for member in cluster.members:
            member.stop()
        damage(context, cluster.members[0], "the truth 3", "the lies! 3")
        damage(context, cluster.members[1], "the truth 4", "the lies! 4")
        for member in cluster.members:
            member.launch()
        for member in cluster.members:
            with context.client(member) as client:
                alarms = wait_for(lambda c=client: c.alarm(action="GET").alarms, "the alarm is on")
                check({one.alarm for one in alarms} == {2}, f"alarms {alarms}")
                wait_for(lambda c=client: refuses_to_write(c), "writes are refused")
                check(client.range(key=b"key/5", serializable=True).kvs[0].value == b"the truth 5",
                      "a local read is refused")


def refuses_to_write(client):
    try:
        client.put(key=b"a", value=b"b")
    except Exception as error:
        return "etcdserver: corrupt cluster" in str(error)
    return False


def test_checked_before_ready(context):
    """With the gate InitialCorruptCheck a damaged member is never ready."""
    with context.cluster(3).start() as cluster:
        damaged = context.followers(cluster)[0]
        write_some(context, context.leader(cluster))
        context.settle(cluster)
        damaged.stop()
        damage(context, damaged, "the truth 9", "the lies! 9")
        damaged.extra_args.append("--feature-gates=InitialCorruptCheck=true")
        starts = damaged.log_text().count("ready to serve client requests")
        damaged.launch()
        check(damaged.process.wait(EXIT_TIMEOUT_S) != 0, "it ended as if all were well")
        check(damaged.log_text().count("ready to serve client requests") == starts,
              "it was ready before it had compared its data")
        check("differs from a majority" in damaged.log_tail(2), damaged.log_tail(5))
        # One whose data are right is ready as ever.
        other = next(member for member in cluster.members if member is not damaged)
        other.stop()
        other.extra_args.append("--feature-gates=InitialCorruptCheck=true")
        with context.client(other) as client:
            other.launch()
            wait_for(lambda: client.range(key=b"key/1").kvs, "it has the data")
        wait_for(lambda: other.log_text().count("ready to serve client requests") == 2, "ready")
