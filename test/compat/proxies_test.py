#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""etcd's own proxies, `etcd gateway` and `etcd grpc-proxy`, in front of a member, as surface.md promises.

usage: proxies_test.py QUORATE
"""

import os
import subprocess
import sys
import time
import unittest

from member import Member, free_ports, require

BINARY = sys.argv[1]
TIMEOUT_S = 30


class ProxiesTest(unittest.TestCase):
    def start(self, kind):
        """A member behind a proxy of this kind; the proxy's address."""
        member = Member(BINARY).__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        address = f"{member.host}:{free_ports(member.host, 1)[0]}"
        command = ["etcd", kind, "start", f"--endpoints={member.host}:{member.port}", f"--listen-addr={address}"]
        if kind == "grpc-proxy":
            command += [f"--advertise-client-url={address}",
                        f"--data-dir={os.path.join(member.directory, 'proxy')}"]
        with open(os.path.join(member.directory, "proxy-log"), "wb") as log:
            proxy = subprocess.Popen(command, stdout=log, stderr=log)
        self.addCleanup(proxy.wait)
        self.addCleanup(proxy.terminate)
        deadline = time.monotonic() + TIMEOUT_S
        while self.etcdctl(address, "get", "nothing", check=False).returncode != 0:
            self.assertIsNone(proxy.poll(), "the proxy has ended")
            self.assertLess(time.monotonic(), deadline, "the proxy leads nowhere")
        return member, address

    @staticmethod
    def etcdctl(address, *args, check=True):
        return subprocess.run(["etcdctl", f"--endpoints={address}", "--dial-timeout=2s", *args],
                              env={**os.environ, "ETCDCTL_API": "3"}, check=check, text=True,
                              capture_output=True, timeout=TIMEOUT_S)

    def use(self, kind):
        member, address = self.start(kind)
        direct = f"{member.host}:{member.port}"
        self.assertEqual(self.etcdctl(address, "put", "a", "1").stdout, "OK\n")
        self.assertEqual(self.etcdctl(direct, "get", "a").stdout, "a\n1\n")
        self.etcdctl(direct, "put", "b", "2")
        self.assertEqual(self.etcdctl(address, "get", "--consistency=l", "--prefix", "").stdout, "a\n1\nb\n2\n")
        # A watch, from the past on and then live.
        watch = subprocess.Popen(["etcdctl", f"--endpoints={address}", "watch", "c", "--rev=1"],
                                 env={**os.environ, "ETCDCTL_API": "3"}, stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        for value in "12":
            self.etcdctl(direct, "put", "c", value)
            self.assertEqual([watch.stdout.readline() for _ in range(3)], ["PUT\n", "c\n", f"{value}\n"])
        lease = self.etcdctl(address, "lease", "grant", "600").stdout.split()[1]
        self.etcdctl(address, "put", "d", "3", f"--lease={lease}")
        self.assertIn("keepalived with TTL(600)", self.etcdctl(address, "lease", "keep-alive", "--once", lease).stdout)
        self.etcdctl(address, "lease", "revoke", lease)
        self.assertEqual(self.etcdctl(direct, "get", "d").stdout, "")
        self.assertEqual(self.etcdctl(address, "del", "a").stdout, "1\n")

    def test_gateway(self):
        self.use("gateway")

    def test_grpc_proxy(self):
        self.use("grpc-proxy")


if __name__ == "__main__":
    require("etcd", "etcdctl")
    unittest.main(argv=sys.argv[:1], verbosity=2)
