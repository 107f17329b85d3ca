# SPDX-License-Identifier: Apache-2.0
"""Members that crash, hang, lose their disk or fall behind, under load."""

import os
import re
import subprocess

from clusters import wait_for
from context import Skipped, check

SMALL_DISK_MIB = 100
# A log that is cut soon, so that who was away needs the state itself.
SHORT_LOG = ("--snapshot-count=100", "--snapshot-catchup-entries=50")


def test_kill_leader(context):
    """kill -9 of whoever leads, again and again."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        for _ in range(3):
            leader = context.leader(cluster)
            leader.kill()
            load.wait_for_more(60)
            leader.start()
            load.wait_for_more(30)
        context.finish(cluster, load)


def test_kill_follower(context):
    """kill -9 of a follower, and of all members at once."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        for follower in context.followers(cluster):
            follower.kill()
            load.wait_for_more(60)
            follower.start()
        for member in cluster.members:
            member.kill()
        for member in cluster.members:
            member.launch()
        for member in cluster.members:
            member.wait_ready()
        load.wait_for_more(60)
        context.finish(cluster, load)


def test_five_members(context):
    """Two of five crash, the leader among them; three go on."""
    with context.cluster(5).start() as cluster, context.load(cluster) as load:
        for _ in range(2):
            leader = context.leader(cluster)
            other = context.random.choice([one for one in cluster.members if one is not leader])
            leader.kill()
            other.kill()
            load.wait_for_more(60)
            leader.start()
            other.start()
        load.wait_for_more(30)
        context.finish(cluster, load)


def test_hang(context):
    """SIGSTOP: who hangs is replaced, and when it goes on it knows that it leads no more."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        for hung in (context.leader(cluster), context.followers(cluster)[0]):
            hung.pause()
            load.wait_for_more(60)
            hung.resume()
            load.wait_for_more(30)
        context.finish(cluster, load)


def test_rolling_restart(context):
    """Every member is stopped in order and started again; leadership is handed over first."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        for _ in range(2):
            for member in [*context.followers(cluster), context.leader(cluster)]:
                term = context.status(member).raftTerm
                led = context.leader(cluster) is member
                member.stop()
                check(member.process.returncode == 0,
                      f"{member.name} ended with {member.process.returncode}")
                others = [one for one in cluster.members if one is not member]
                if led:
                    # The next term, without an election that waits for a silence or is repeated.
                    wait_for(lambda: context.leader(cluster) in others, "a successor")
                    after = context.status(others[0]).raftTerm
                    check(after == term + 1, f"term {term} was followed by {after}")
                load.wait_for_more(20)
                member.start()
        context.finish(cluster, load)


def snapshots_received(member):
    """By the metrics: how many, and of how many it is told how long they took."""
    page = member.metrics()
    return tuple(sum(int(count) for count in re.findall(
        rf'(?m)^etcd_network_snapshot_receive_{name}{{From="[0-9a-f]+"}} (\d+)$', page))
        for name in ("success", "total_duration_seconds_count"))


def test_lagging_follower(context):
    """A follower that was away for longer than the log reaches gets the state."""
    with context.cluster(3, *SHORT_LOG).start() as cluster, context.load(cluster) as load:
        for follower in context.followers(cluster):
            follower.kill()
            load.wait_for_more(400)
            follower.start()
            load.wait_for_more(50)
            wait_for(lambda one=follower: "snapshot" in one.log_text().split("starting quorate")[-1],
                     "a snapshot for the follower")
            # The start that takes it over counts it.
            wait_for(lambda one=follower: snapshots_received(one) == (1, 1), "the follower counts a snapshot")
        context.finish(cluster, load)


def test_lost_disk(context):
    """A member whose disk is gone is removed, added again under its name, and filled."""
    with context.cluster(3, *SHORT_LOG).start() as cluster, context.load(cluster) as load:
        lost = context.leader(cluster)
        identity = context.member_id(lost)
        lost.kill()
        lost.wipe()
        load.wait_for_more(200)
        with context.client(context.leader(cluster)) as client:
            client.member_remove(ID=identity)
            # The others must have been together for a while, or it is refused.
            wait_for(lambda: client.member_add(peerURLs=[lost.peer_url]), "it can be added")
        lost.initial_state = "existing"
        lost.start()
        load.wait_for_more(50)
        check(context.member_id(lost) != identity, "it came back as the one that was removed")
        context.finish(cluster, load)


class SmallDisk:
    """A file system of its own that can be made larger."""

    def __init__(self, path, mib):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self.mount(f"size={mib}m")

    def grow(self, mib):
        self.mount(f"remount,size={mib}m")

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)

    def mount(self, options):
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise Skipped(f"no small file system can be mounted: {done.stderr.strip()}")


def fill(disk):
    """Takes what is left."""
    with open(os.path.join(disk.path, "filler"), "wb") as filler:
        try:
            while True:
                filler.write(bytes(1 << 16))
                filler.flush()
        except OSError:
            pass


def test_full_disk(context):
    """A member without space is one that is away; with space it comes back."""
    cluster = context.cluster()
    disks = {}
    try:
        for member in cluster.members:
            disks[member] = SmallDisk(member.data_dir, SMALL_DISK_MIB)
        with cluster.start(), context.load(cluster) as load:
            full = context.leader(cluster)
            fill(disks[full])
            others = [one for one in cluster.members if one is not full]
            # Its log has room for a while: it goes on until it needs more.
            write_until(context, load, others, lambda: not full.running)
            check("No space left" in full.log_text() or "full" in full.log_text(),
                  f"it does not say why:\n{full.log_tail()}")
            load.wait_for_more(50)
            os.remove(os.path.join(disks[full].path, "filler"))
            disks[full].grow(10 * SMALL_DISK_MIB)
            full.start()
            load.wait_for_more(50)
            context.finish(cluster, load)
    finally:
        for disk in disks.values():
            disk.close()


def write_until(context, load, others, condition):
    """Large values beside the load, as many as it takes (they are no part of its keys)."""
    del load
    for other in others:
        disk = os.path.join(other.data_dir)
        subprocess.run(["mount", "-o", f"remount,size={10 * SMALL_DISK_MIB}m", disk], check=True)
    with context.client(others[0]) as client:
        for number in range(600):
            if condition():
                return
            client.put(key=b"large/%d" % (number % 8), value=os.urandom(500_000))
    check(condition(), "the disk never became full")
