#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""quoratectl's checks under their whole load, and members that it finds by SRV records.

usage: ctl_load_test.py QUORATE

The verdict on speed is the machine's, so it is only held to agree with itself; what is looked at is that
the load comes, is told of and is cleared away. `check perf` takes its minute while the rest runs.
"""

import os
import re
import signal
import subprocess
import sys
import time

from member import Member

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from clusters import Cluster  # noqa: E402
from name_server import NameServer  # noqa: E402

WAIT_S = 120
VERDICTS = (r"(PASS: Throughput is|FAIL: Throughput too low:) \d+ writes/s",
            r"(PASS: Slowest request took|Slowest request took too long:) \d+\.\d{6}s",
            r"(PASS: Stddev is|Stddev too high:) \d+\.\d{6}s",
            r"PASS|FAIL")


def check(good, what):
    if not good:
        raise AssertionError(what)


class Ctl:
    def __init__(self, binary):
        self.command = [binary, "ctl"]
        self.environment = {name: value for name, value in os.environ.items()
                            if not name.startswith(("ETCDCTL_", "QUORATECTL_"))}

    def start(self, *words):
        return subprocess.Popen([*self.command, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, env=self.environment, text=True)

    def run(self, *words):
        done = subprocess.run([*self.command, *words], capture_output=True, stdin=subprocess.DEVNULL,
                              env=self.environment, text=True, timeout=WAIT_S, check=False)
        return done.returncode, done.stdout, done.stderr

    def ok(self, *words):
        code, out, err = self.run(*words)
        check(code == 0, f"{words}: exit code {code}, {err}")
        return out

    def revision(self, endpoint):
        found = re.search(r'"Revision" : (\d+)', self.ok(f"--endpoints={endpoint}", "get", "x", "-w", "fields"))
        return int(found[1])

    def count(self, endpoint, prefix):
        found = re.search(r'"Count" : (\d+)',
                          self.ok(f"--endpoints={endpoint}", "get", prefix, "--prefix", "-w", "fields"))
        return int(found[1])


def perf_is_right(ctl, process, member):
    """After its end: what it said, what it did, what it left."""
    out, err = process.communicate(timeout=WAIT_S)
    endpoint = f"{member.host}:{member.port}"
    lines = out.splitlines()
    # 150 puts a second for a minute, and one revision for the deletion of them all.
    revision = ctl.revision(endpoint)
    check(2 < revision <= 150 * 60 + 2, f"{revision} revisions")
    check(lines[:4] == [f"Compacting with revision {revision}", f"Compacted with revision {revision}",
                        f'Defragmenting "{endpoint}"', f'Defragmented "{endpoint}"'], lines)
    check(len(lines) == 8 and err == "", f"{out}{err}")
    for pattern, line in zip(VERDICTS, lines[4:]):
        check(re.fullmatch(pattern, line), line)
    good = all(line.startswith("PASS") for line in lines[4:7])
    check(lines[7] == ("PASS" if good else "FAIL") and process.returncode == (0 if good else 1), out)
    check(ctl.count(endpoint, "/etcdctl-check-perf/") == 0, "keys are left")


def datascale(ctl, member):
    """10,000 keys, gone afterwards."""
    flags = (f"--endpoints={member.host}:{member.port}", "check", "datascale")
    out = ctl.ok(*flags, "--prefix=/scale/", "--load=small")
    check(re.fullmatch(r"Start data scale check for work load \[10000 key-value pairs, 1024 bytes per "
                       r"key-value, 50 concurrent clients\]\.\n"
                       r"PASS: Approximate system memory used : -?\d+\.\d\d MB\.\n", out), out)
    check(ctl.revision(member.endpoint) == 10_002, "not all of the keys")
    check(ctl.count(member.endpoint, "/scale/") == 0, "keys are left")
    # Keys of somebody else are in the way, and stay.
    ctl.ok(flags[0], "put", "/scale/mine", "kept")
    code, _, err = ctl.run(*flags, "--prefix=/scale/")
    check(code == 3 and 'prefix "/scale/" has keys' in err, err)
    check(ctl.count(member.endpoint, "/scale/") == 1, "keys are lost")
    code, _, err = ctl.run(*flags, "--load=huge")
    check(code == 4 and "unknown load option huge" in err, err)


def interrupted(ctl, member):
    """Ctrl-C ends the load early; what it has put is deleted all the same."""
    flags = (f"--endpoints={member.host}:{member.port}", "check", "perf", "--prefix=/stopped/")
    process = ctl.start(*flags)
    deadline = time.monotonic() + WAIT_S
    while ctl.count(member.endpoint, "/stopped/") == 0:
        check(time.monotonic() < deadline and process.poll() is None, "no load comes")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=WAIT_S)
    check(process.returncode == 5 and "the keys of the check are deleted" in err, err)
    check(ctl.count(member.endpoint, "/stopped/") == 0, "keys are left")


def by_srv(ctl, cluster):
    """Endpoints from a domain; one that is dead is passed by, and none at all is said."""
    addresses = [("localhost", member.client_port) for member in cluster.members]
    with NameServer({"_etcd-client._tcp.example.test": addresses,
                     "_etcd-client-blue._tcp.example.test": [("localhost", 1), addresses[2]],
                     "_etcd-client-ssl-green._tcp.example.test": addresses}) as names:
        dns = ("--discovery-srv=example.test", f"--discovery-dns-server={names.address}")
        ctl.ok(*dns, "put", "found", "by name")
        out = ctl.ok(*dns, "endpoint", "health")
        for _, port in addresses:
            check(f"http://localhost:{port} is healthy" in out, out)
        check(ctl.ok(*dns, "--discovery-srv-name=blue", "get", "found") == "found\nby name\n", "blue")
        # Those of the TLS service are https.
        code, _, err = ctl.run(*dns, "--discovery-srv-name=green", "--command-timeout=1s", "get", "found")
        check(code == 1 and any(f"https://localhost:{port}" in err for _, port in addresses), err)
        # Without TLS is not to be trusted, if that is said: nothing is left but the default.
        _, _, err = ctl.run(*dns, "--insecure-discovery=false", "--command-timeout=1s",
                            "--endpoints=127.0.0.1:1", "get", "found")
        check(err.count("ignoring discovered insecure endpoint") == 3, err)
        code, _, err = ctl.run(*dns, "--discovery-srv-name=red", "get", "found")
        check(code != 0 and "_etcd-client-red._tcp.example.test" in err and "no such name" in err, err)


def main():
    binary = os.path.abspath(sys.argv[1])
    ctl = Ctl(binary)
    with Member(binary) as long, Member(binary) as short:
        perf = ctl.start(f"--endpoints={long.host}:{long.port}", "check", "perf", "--auto-compact",
                         "--auto-defrag")
        try:
            datascale(ctl, short)
            interrupted(ctl, short)
            cluster = Cluster(binary, os.path.join(short.directory, "srv"))
            with cluster.start():
                by_srv(ctl, cluster)
            perf_is_right(ctl, perf, long)
        finally:
            perf.kill()
            perf.wait()
    print("ok")


if __name__ == "__main__":
    main()
