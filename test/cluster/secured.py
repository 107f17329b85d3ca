# SPDX-License-Identifier: Apache-2.0
"""Members that talk to each other over TLS."""

import os
import shutil
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from certificates import Authority
from clusters import wait_for
from context import Skipped, check


def authority_in(directory):
    if shutil.which("openssl") is None:
        raise Skipped("openssl is not installed")
    return Authority(os.path.join(directory, "ca"))


ADDRESS = "IP:127.0.0.1"  # all members' own


def secured(context, authority, common_names, host_names=None):
    """A cluster, not started, whose members show certificates with these common names and let no
    name in but "member"; or else with these host names, and none but "member.example"."""

    def place(name):
        if host_names is None:
            pair = authority.issue(name, common_names.get(name, "member"))
            rule = "--peer-cert-allowed-cn=member"
        else:
            pair = authority.issue(name, name, f"{ADDRESS},DNS:{host_names.get(name, 'member.example')}")
            rule = "--peer-cert-allowed-hostname=member.example"
        return {"peer_scheme": "https", "own_args": [
            f"--peer-cert-file={pair.cert}", f"--peer-key-file={pair.key}",
            "--peer-client-cert-auth", f"--peer-trusted-ca-file={authority.cert}",
            f"--peer-crl-file={authority.crl}", rule]}

    return context.cluster(place=place)


def test_mutual_tls(context):
    """Three members with certificates, which are replaced while clients write."""
    authority = authority_in(context.directory)
    with secured(context, authority, {}).start() as cluster, context.load(cluster) as load:
        load.wait_for_more(60)
        for member in cluster.members:
            authority.issue(member.member_name, "member")
        for member in cluster.members:
            wait_for(lambda one=member: "read changed TLS files" in one.log_text(),
                     f"{member.name} reads its new certificate")
        load.wait_for_more(30)
        # Every link is dialled again at some point of this.
        for member in cluster.members:
            member.kill()
            load.wait_for_more(30)
            member.start()
        load.wait_for_more(30)
        context.finish(cluster, load)


def test_wrong_certificate(context):
    """A member with a certificate for somebody else stays outside; both sides say why."""
    authority = authority_in(context.directory)
    with secured(context, authority, {"m3": "intruder"}) as cluster:
        for member in cluster.members:
            member.launch()
        for member in cluster.members[:2]:
            member.wait_ready()
        outside = cluster.members[2]
        wait_for(lambda: any("rejected connection on peer endpoint" in one.log_text()
                             and 'common name \\"intruder\\" is none of those allowed'
                             in one.log_text() for one in cluster.members[:2]),
                 "the members name the intruder")
        wait_for(lambda: "the other side does not accept this side's certificate"
                 in outside.log_text(), "the intruder hears why")
        check(not outside._ready(), "the intruder serves")
        # With the right one it comes in, without a restart.
        authority.issue("m3", "member")
        wait_for(outside._ready, "the member with the right certificate serves")
        context.settle(cluster)


def test_wrong_host_name(context):
    """Nor does one come in whose certificate is for another host than those allowed."""
    authority = authority_in(context.directory)
    with secured(context, authority, {}, {"m3": "intruder.example"}) as cluster:
        for member in cluster.members:
            member.launch()
        for member in cluster.members[:2]:
            member.wait_ready()
        outside = cluster.members[2]
        wait_for(lambda: any("rejected connection on peer endpoint" in one.log_text()
                             for one in cluster.members[:2]), "the members refuse the intruder")
        wait_for(lambda: "the other side does not accept this side's certificate"
                 in outside.log_text(), "the intruder hears why")
        check(not outside._ready(), "the intruder serves")
        authority.issue("m3", "m3", f"{ADDRESS},DNS:member.example")
        wait_for(outside._ready, "the member with the right certificate serves")
        context.settle(cluster)


def test_revoked_member(context):
    """A member's certificate is taken back while all run: its links stay until they end, and then it is
    outside. The list is read without a signal."""
    authority = authority_in(context.directory)
    with secured(context, authority, {}).start() as cluster, context.load(cluster) as load:
        load.wait_for_more(30)
        revoked = cluster.members[2]
        kept = authority.issue("kept", "member")  # what will be shown again afterwards
        pair = authority.issue("m3", "member")
        wait_for(lambda: "read changed TLS files" in revoked.log_text(), "its new certificate is read")
        authority.revoke(pair)
        for member in cluster.members[:2]:
            wait_for(lambda one=member: one.log_text().count("read changed TLS files") > 0,
                     f"{member.name} reads the list")
        load.wait_for_more(30)
        revoked.kill()
        revoked.launch()
        wait_for(lambda: any("rejected connection on peer endpoint" in one.log_text() and "revoked" in one.log_text()
                             for one in cluster.members[:2]), "the others refuse it")
        check(not revoked._ready(), "a revoked member serves")
        load.wait_for_more(30)
        os.replace(kept.cert, pair.cert + ".new")
        os.replace(kept.key, pair.key)
        os.replace(pair.cert + ".new", pair.cert)
        wait_for(revoked._ready, "the member with another certificate serves")
        load.wait_for_more(30)
        context.finish(cluster, load)


def test_peer_auto_tls(context):
    """Three members that make their certificates up."""

    def place(_):
        return {"peer_scheme": "https", "own_args": ["--peer-auto-tls"]}

    with context.cluster(place=place).start() as cluster, context.load(cluster) as load:
        load.wait_for_more(60)
        leader = context.leader(cluster)
        leader.kill()
        load.wait_for_more(30)
        leader.start()
        context.finish(cluster, load)
        for member in cluster.members:
            files = os.listdir(os.path.join(member.data_dir, "fixtures", "peer"))
            check(sorted(files) == ["cert.pem", "key.pem"], f"{member.name} keeps {files}")
