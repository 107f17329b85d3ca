# SPDX-License-Identifier: Apache-2.0
"""Members that are started wrong say what is wrong, with both sides' values and the way out."""

import itertools
import os
import socket
import sys
import time

from clusters import wait_for
from context import check
from servers import spawn

END_TIMEOUT_S = 30
# Of a listener that takes a connection and then does nothing with it.
SILENCE_S = 20
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
HTTP2_SETTINGS = b"\0\0\0\4\0\0\0\0\0"


def said(member):
    """What a member has said since its last start; the line of all its settings is left out, since
    everything is in there."""
    last_start = member.log_text().rpartition("starting quorate")[2]
    return last_start.partition("\n")[2]


def refusal(member):
    """What a member says that must not start."""
    member.launch()
    code = member.process.wait(END_TIMEOUT_S)
    check(code != 0, "it ended as if all were well")
    return said(member)


def says(text, *parts):
    for part in parts:
        check(part in text, f"{part!r} is not in:\n{text[-2000:]}")


def test_wrong_start(context):
    """Lists of members that can't be right are refused before anything is written."""
    cluster = context.cluster()
    one, two, three = cluster.members
    one.initial_cluster["m2"] = one.peer_url
    says(refusal(one), "initial-cluster", one.peer_url)
    one.initial_cluster = {"m2": two.peer_url, "m3": three.peer_url}
    says(refusal(one), "initial-cluster", "m1")
    one.initial_cluster = {"m1": "http://127.0.0.1:1", "m2": two.peer_url}
    says(refusal(one), "initial-cluster", "127.0.0.1:1", one.peer_url)
    one.initial_cluster = {member.member_name: member.peer_url for member in cluster.members}
    one.initial_state = "existing"
    says(refusal(one), "no member of the cluster answers", two.peer_url, three.peer_url,
         "--initial-cluster-state=new")
    one.initial_state = "new"
    with cluster.start():
        context.settle(cluster)


def test_strangers(context):
    """Members of other clusters are turned away, and both sides hear why."""
    with context.cluster().start() as cluster:
        ours = cluster.members[0]
        stranger = cluster.new_member("m4")
        stranger.initial_cluster = {"m4": stranger.peer_url, "m1": ours.peer_url}
        stranger.token = "another"
        stranger.launch()
        wait_for(lambda: "of cluster" in said(stranger), "it says why nobody talks to it")
        says(said(stranger), '\\"test-cluster\\"', "--initial-cluster-token")
        wait_for(lambda: "rejected connection on peer endpoint" in said(ours), "the rejection")
        stranger.kill()
        # It joins with a list that is not the cluster's.
        stranger.wipe()
        stranger.initial_state = "existing"
        says(refusal(stranger), "2 members are given, the cluster has 3", "member add m4")
        stranger.initial_cluster = {member.member_name: member.peer_url
                                    for member in [*cluster.members[1:], stranger]}
        says(refusal(stranger), stranger.peer_url, "is no member of the cluster", "m1")
        # Its data are those of another cluster.
        ours.kill()
        ours.token = "another"
        says(refusal(ours), '\\"test-cluster\\"', '\\"another\\"', "--data-dir")
        ours.token = "test-cluster"
        ours.start()
        context.settle(cluster)


def test_old_data(context):
    """The data directory of a cluster that is gone is no way into a new one."""
    old = context.cluster()
    with old.start():
        context.settle(old)
    new = context.cluster()
    for before, after in zip(old.members, new.members):
        after.client_port, after.peer_port = before.client_port, before.peer_port
        after.initial_cluster = dict(before.initial_cluster)
        after.token = "new-cluster"
    new.members[2].directory = old.members[2].directory
    with new:
        for member in new.members[:2]:
            member.launch()
        for member in new.members[:2]:
            member.wait_ready()
        says(refusal(new.members[2]), '\\"test-cluster\\"', '\\"new-cluster\\"')
        # Without a token to compare, the members find out.
        new.members[2].token = "etcd-cluster"
        new.members[2].launch()
        wait_for(lambda: "of cluster" in said(new.members[2]), "it says why it is alone")
        says(said(new.members[2]), '\\"new-cluster\\"', "--data-dir")
        new.members[2].kill()
        new.members[2].wipe()
        new.members[2].token = "new-cluster"
        new.members[2].start()
        context.settle(new)


def greet(host, port, pieces):
    """How a server meets who speaks HTTP/2 to it: None when it does not listen, else the first bytes
    it sends, none when it hangs up."""
    try:
        with socket.create_connection((host, port), timeout=SILENCE_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                connection.sendall(piece)
            return connection.recv(9)
    except ConnectionRefusedError:
        return None
    except (ConnectionResetError, BrokenPipeError):
        return b""


def test_early_connections(context):
    """Whoever connects while a member starts, on a busy machine, gets SETTINGS or hears no: there is no
    time in which a listener takes connections and leaves them alone."""
    greeting = HTTP2_PREFACE + HTTP2_SETTINGS
    ways = itertools.cycle([[greeting], [HTTP2_PREFACE], [bytes([one]) for one in greeting],
                            [greeting[:20], greeting[20:]]])
    cluster = context.cluster(3)
    member = cluster.members[0]  # alone: there is no leader either
    busy = [spawn([sys.executable, "-c", "while True: pass"]) for _ in range(2 * os.cpu_count())]
    try:
        for _ in range(5):
            member.launch()
            met = {member.client_port: 0, member.peer_port: 0}
            while min(met.values()) < 50:
                check(member.running, member.log_tail())
                for port in met:
                    first = greet(member.host, port, next(ways))
                    if first is not None:
                        check(first == b"" or first[3:5] == b"\4\0", f"no SETTINGS: {first!r}")
                        met[port] += first != b""
            member.kill()
    finally:
        for process in busy:
            process.kill()
            process.wait()


def time_to_leader(context, *arguments):
    """From the start of the first member of a new cluster until all have a leader."""
    begin = time.monotonic()
    with context.cluster(3, *arguments).start():
        return time.monotonic() - begin


def test_first_election(context):
    """A new cluster does not wait for a whole election timeout, unless it is told to."""
    timeout_s, heartbeat_s = 2, 0.2
    timing = (f"--election-timeout={timeout_s * 1000}", f"--heartbeat-interval={heartbeat_s * 1000:.0f}")
    waited = time_to_leader(context, *timing, "--initial-election-tick-advance=false")
    # A member counts the ticks of a clock that it does not set, as etcd's do: the first comes as it
    # starts, so that an election timeout of ten ticks is nine heartbeats at least, and never less.
    check(waited >= timeout_s - heartbeat_s, f"an election after {waited} s, before its time")
    # A machine that is busy may be late, but not every time.
    check(any(time_to_leader(context, *timing) < timeout_s for _ in range(5)),
          "every first election came after a whole timeout")


def test_cluster_version(context):
    """The leader settles what version the cluster has, and all members know, also after a restart."""

    def versions(cluster):
        return {member.get("/version") for member in cluster.members}

    def settled(cluster):
        return all('"etcdcluster":"3.7.0"' in version for version in versions(cluster))

    with context.cluster().start() as cluster:
        wait_for(lambda: settled(cluster), "all know the cluster's version")
        for member in cluster.members:
            member.kill()
        cluster.start()
        wait_for(lambda: settled(cluster), "all know it after a restart")
        joined = cluster.joining_member("m4")
        with context.client(context.leader(cluster)) as client:
            wait_for(lambda: client.member_add(peerURLs=[joined.peer_url]), "a member is added")
        cluster.members.append(joined)
        joined.start()
        wait_for(lambda: settled(cluster), "who joins knows it")
