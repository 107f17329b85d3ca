# SPDX-License-Identifier: Apache-2.0
"""Members in network namespaces of their own, whose links are cut and slowed down."""

import json
import os
import subprocess

import grpc
from clusters import wait_for
from context import Failed, Skipped, check

NETWORK = "10.213.77"
NARROW = "256kbit"


def ip(*words, may_fail=False):
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0 and not may_fail:
        raise Failed(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.returncode == 0


def tc(*words):
    try:
        return subprocess.run(["tc", "qdisc", *words], capture_output=True, check=False).returncode == 0
    except FileNotFoundError as error:
        raise Skipped("there is no tc") from error


class Network:
    """A bridge, and a namespace on it for each member; clients stay where they are."""

    def __init__(self):
        self.tag = f"q{os.getpid() % 100000}"
        self.names = {}
        if os.geteuid() != 0 or not ip("netns", "add", f"{self.tag}x", may_fail=True):
            raise Skipped("network namespaces need root")
        # Not in a chroot, whose root is no mount.
        enters = ip("netns", "exec", f"{self.tag}x", "true", may_fail=True)
        ip("netns", "del", f"{self.tag}x")
        if not enters:
            raise Skipped("network namespaces can't be entered here")
        if not ip("link", "add", f"{self.tag}b", "type", "bridge", may_fail=True):
            raise Skipped("no bridge can be made")
        ip("addr", "add", f"{NETWORK}.1/24", "dev", f"{self.tag}b")
        ip("link", "set", f"{self.tag}b", "up")

    def place(self, name):
        number = len(self.names) + 10
        space = f"{self.tag}{name}"
        outside, inside = f"{self.tag}o{number}", f"{self.tag}i{number}"
        ip("netns", "add", space)
        self.names[name] = (space, outside, f"{NETWORK}.{number}")
        ip("link", "add", outside, "type", "veth", "peer", "name", inside)
        ip("link", "set", inside, "netns", space)
        ip("link", "set", outside, "master", f"{self.tag}b", "up")
        inner = ("netns", "exec", space, "ip")
        ip(*inner, "addr", "add", f"{NETWORK}.{number}/24", "dev", inside)
        ip(*inner, "link", "set", inside, "up")
        ip(*inner, "link", "set", "lo", "up")
        return {"host": f"{NETWORK}.{number}", "wrapper": ("ip", "netns", "exec", space)}

    def cut(self, one, other):
        """Nothing gets from one member to the other or back; clients reach both."""
        for here, there in ((one, other), (other, one)):
            ip("netns", "exec", self.names[here.name][0], "ip", "route", "add", "blackhole",
               f"{self.names[there.name][2]}/32")

    def cut_calls(self, caller, called):
        """`called` still reaches `caller`, from an address of its own for that; the other way nothing opens."""
        caller_space, _, caller_address = self.names[caller.name]
        space, outside, address = self.names[called.name]
        device, own = outside.replace("o", "i"), f"{NETWORK}.{int(address.split('.')[-1]) + 100}"
        inner = ("netns", "exec", space, "ip")
        ip(*inner, "addr", "add", f"{own}/24", "dev", device)
        ip(*inner, "route", "add", f"{caller_address}/32", "dev", device, "src", own)
        ip("netns", "exec", caller_space, "ip", "route", "add", "blackhole", f"{address}/32")

    def heal(self):
        for space, _, _ in self.names.values():
            ip("netns", "exec", space, "ip", "route", "flush", "type", "blackhole", may_fail=True)

    def unplug(self, member, plugged):
        ip("link", "set", self.names[member.name][1], "up" if plugged else "down")

    def slow(self, member, delay_ms):
        """What is sent to the member takes so long. Returns how that was done, for the reader."""
        device = self.names[member.name][1]
        if tc("add", "dev", device, "root", "netem", "delay", f"{delay_ms}ms"):
            return f"{delay_ms} ms later"
        # A kernel without netem: the link is so narrow that what comes has to queue, and drops the rest.
        narrow = ("tbf", "rate", NARROW, "burst", "4kb", "latency", f"{delay_ms}ms")
        if tc("add", "dev", device, "root", *narrow):
            return f"{NARROW}, up to {delay_ms} ms later"
        raise Skipped("this kernel slows no link")

    def dropped(self, member):
        """Packets that a narrow link had no room for."""
        shown = subprocess.run(["tc", "-s", "-j", "qdisc", "show", "dev", self.names[member.name][1], "root"],
                               capture_output=True, text=True, check=True)
        return json.loads(shown.stdout)[0]["drops"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for space, outside, _ in self.names.values():
            ip("link", "del", outside, may_fail=True)
            ip("netns", "del", space, may_fail=True)
        ip("link", "del", f"{self.tag}b", may_fail=True)


def test_partition(context):
    """A leader cut off from the others steps down, and nobody is told what is not so."""
    with Network() as network:
        cluster = context.cluster(place=network.place)
        with cluster.start(), context.load(cluster) as load:
            for _ in range(2):
                leader = context.leader(cluster)
                others = [one for one in cluster.members if one is not leader]
                for other in others:
                    network.cut(leader, other)
                load.wait_for_more(60)
                wait_for(lambda one=leader: context.status(one).leader == 0, "it leads no more")
                with context.client(leader) as client:
                    try:
                        client.range(timeout_s=1, key=b"key/0")
                        raise Failed("a linearizable read without a majority")
                    except grpc.RpcError:
                        pass
                    client.range(key=b"key/0", serializable=True)
                network.heal()
                wait_for(lambda one=leader: context.status(one).leader != 0, "it follows again")
            context.finish(cluster, load)


def test_half_partition(context):
    """Two members that do not reach each other: the third keeps the cluster going, and its term."""
    with Network() as network:
        cluster = context.cluster(place=network.place)
        with cluster.start(), context.load(cluster) as load:
            leader = context.leader(cluster)
            one, other = context.followers(cluster)
            term = context.status(leader).raftTerm
            network.cut(one, other)
            load.wait_for_more(100)
            check(context.status(leader).raftTerm == term, "followers disturbed their leader")
            network.heal()
            # Now a follower does not reach the leader, but the other follower does.
            network.cut(leader, one)
            load.wait_for_more(100)
            network.heal()
            context.finish(cluster, load)


def test_one_way(context):
    """A follower that hears its leader and does not reach it: its clients are told of the connection."""
    with Network() as network:
        cluster = context.cluster(3, "--heartbeat-interval=50", "--election-timeout=500", place=network.place)
        with cluster.start():
            leader, follower = context.leader(cluster), context.followers(cluster)[0]
            network.cut_calls(follower, leader)
            leader_id = context.member_id(leader)

            def told_by(call):
                wait_for(lambda: context.status(follower).leader == leader_id, "the leader is heard")
                try:
                    call()
                except grpc.RpcError as error:
                    return error.code().name, error.details()
                return None

            expected = ("UNAVAILABLE", "etcdserver: request timed out, possibly due to connection lost")
            with context.client(follower) as client:
                for call in (lambda: client.put(timeout_s=30, key=b"a", value=b"v"),
                             lambda: client.range(timeout_s=30, key=b"a")):
                    # At first the loss of the leader may count: the connections there were break, too.
                    answers = [told_by(call)]
                    while answers[-1] != expected and len(answers) < 3:
                        answers.append(told_by(call))
                    check(answers[-1] == expected, f"told of {answers}")
                client.range(key=b"a", serializable=True)
            network.heal()


def test_unplugged(context):
    """A member whose cable is out, and back in; the majority without it, then all."""
    with Network() as network:
        cluster = context.cluster(5, place=network.place)
        with cluster.start(), context.load(cluster) as load:
            leader = context.leader(cluster)
            other = context.followers(cluster)[0]
            for member in (leader, other):
                network.unplug(member, False)
            load.wait_for_more(60)
            for member in (leader, other):
                network.unplug(member, True)
            load.wait_for_more(60)
            context.finish(cluster, load)


def test_slow_link(context):
    """A follower behind a slow link: the others do not wait for it, and it comes along."""
    with Network() as network:
        cluster = context.cluster(place=network.place)
        with cluster.start(), context.load(cluster) as load:
            leader, follower = context.leader(cluster), context.followers(cluster)[0]
            term = context.status(leader).raftTerm
            how = network.slow(follower, 50)
            load.wait_for_more(200)
            check(context.status(leader).raftTerm == term, f"the leader changed ({how})")
            context.finish(cluster, load)
            if how.startswith(NARROW):
                check(network.dropped(follower) > 0, "the link was wide enough for all")
