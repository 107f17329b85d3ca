# SPDX-License-Identifier: Apache-2.0
"""Clusters whose members find each other at a registry or by DNS."""

import os
import signal

from clusters import Member, wait_for
from context import Skipped, check
from name_server import NameServer
from servers import Server, free_ports

EXIT_TIMEOUT_S = 60
CONFIG_KEY = b"/_etcd/registry/%s/_config/size"
MEMBERS_KEY = b"/_etcd/registry/%s/members/"


class Finder(Member):
    """A member that is started with how it finds the others, and not with who they are."""

    how = ()

    def cluster_args(self):
        return [*self.how, f"--initial-cluster-token={self.token}"]


def finders(context, cluster, *how):
    """The cluster's members as ones that find each other."""
    cluster.members = [Finder(member.member_name, member.binary, member.directory)
                       for member in cluster.members]
    for member in cluster.members:
        member.how = how
    return cluster


def refused_start(member, *texts):
    """It must end by itself and say all of this in its last line."""
    member.launch()
    code = member.process.wait(EXIT_TIMEOUT_S)
    check(code != 0, "it should have been refused")
    last = member.log_text().splitlines()[-1]
    for text in texts:
        check(text in last, f"{text!r} is not in {last!r}")


def test_discovery(context):
    """Three members meet at a registry; a fourth one is too late."""
    registry = Server("registry", context.binary, os.path.join(context.directory, "registry"))
    meet_at(context, registry, b"token-1")


def test_discovery_at_etcd(context):
    """The same at an etcd."""
    binary = "/usr/bin/etcd"
    if not os.path.exists(binary):
        raise Skipped("there is no etcd")
    registry = Server("registry", binary, os.path.join(context.directory, "registry"))
    meet_at(context, registry, b"token-2")


def meet_at(context, registry, token):
    registry.start()
    how = (f"--discovery-endpoints=127.0.0.1:{free_ports(1)[0]},http://{registry.endpoint}",
           f"--discovery-token={token.decode()}")
    try:
        with finders(context, context.cluster(), *how) as cluster, context.client(registry) as client:
            found_at(context, cluster, client, token)
    finally:
        registry.stop()


def found_at(context, cluster, client, token):
    refused_start(cluster.members[0], "size key not found",
                  "etcdctl put /_etcd/registry/%s/_config/size SIZE" % token.decode())
    client.put(key=CONFIG_KEY % token, value=b"many")
    refused_start(cluster.members[0], "size key is bad", "must be a whole number from 1 to 1000")
    client.put(key=CONFIG_KEY % token, value=b"3")

    registered = MEMBERS_KEY % token
    cluster.members[0].launch()
    entry = wait_for(lambda: client.range(key=registered, range_end=registered[:-1] + b"0").kvs,
                     "the first one is registered")[0]
    check(entry.value.decode() == f"m1={cluster.members[0].peer_url}", f"registered as {entry}")
    int(entry.key[len(registered):], 16)  # the id, as etcd writes it
    # One that waits can be stopped, and comes back to its place.
    cluster.members[0].process.send_signal(signal.SIGTERM)
    cluster.members[0].process.wait(EXIT_TIMEOUT_S)
    cluster.start()
    context.leader(cluster)
    with context.client(cluster.members[2]) as member:
        wait_for(lambda: member.put(key=b"a", value=b"b"), "writes")
        names = {one.name for one in member.member_list().members}
    check(names == {"m1", "m2", "m3"}, f"the members are {names}")

    late = Finder("m4", context.binary, os.path.join(context.directory, "late"))
    late.how = cluster.members[0].how
    refused_start(late, "discovery: cluster is full", "etcdctl member add")
    # Who has data needs no registry any more.
    with context.client(cluster.members[1]) as member:
        member.put(key=b"c", value=b"d")
    client.delete_range(key=b"/_etcd/registry/", range_end=b"/_etcd/registry0")
    cluster.members[1].kill()
    cluster.members[1].start()
    context.settle(cluster)


def test_discovery_unreachable(context):
    """Endpoints at which nobody answers are named, each with its reason."""
    ports = free_ports(2)
    cluster = finders(context, context.cluster(1),
                      f"--discovery-endpoints=127.0.0.1:{ports[0]},http://127.0.0.1:{ports[1]}",
                      "--discovery-token=t")
    refused_start(cluster.members[0], "no endpoint answers", f"127.0.0.1:{ports[0]}: ",
                  f"http://127.0.0.1:{ports[1]}: ", "check --discovery-endpoints")


def test_discovery_srv(context):
    """Three members that are SRV records of one domain."""
    with NameServer({}) as names:
        cluster = finders(context, context.cluster(), "--discovery-srv=example.test",
                          "--discovery-srv-name=blue", f"--discovery-dns-server={names.address}")
        refused_start(cluster.members[0], "no SRV records list the members",
                      "_etcd-server-blue._tcp.example.test", "there is no such name")
        name = "_etcd-server-blue._tcp.example.test"
        names.records[name] = [("localhost", cluster.members[1].peer_port)]
        refused_start(cluster.members[0], 'cannot find local etcd member "m1" in SRV records',
                      f"http://localhost:{cluster.members[1].peer_port}",
                      cluster.members[0].peer_url)
        names.records[name] = [("localhost", member.peer_port) for member in cluster.members]
        with cluster.start():
            context.leader(cluster)
            with context.client(cluster.members[0]) as client:
                wait_for(lambda: client.put(key=b"a", value=b"b"), "writes")
                wait_for(lambda: {one.name for one in client.member_list().members}
                         == {"m1", "m2", "m3"}, "all have told their names")
            context.settle(cluster)
