#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What starts etcd starts Quorate: one file of etcd's, its variables, and its refusals.

usage: configuration_test.py QUORATE [--etcd ETCD]
"""

import argparse
import os
import shutil
import subprocess
import sys
import unittest

from member import Member, require

OPTIONS = None
TIMEOUT_S = 30

# The shape of the sample that etcd ships, by key; what is in braces is of each member's own.
FILE = """
name: '{name}'
data-dir: {directory}/data
wal-dir:
snapshot-count: 10000
heartbeat-interval: 100
election-timeout: 1000
quota-backend-bytes: 0
listen-peer-urls: {peer}
listen-client-urls: {client}
max-snapshots: 5
max-wals: 5
cors:
initial-advertise-peer-urls: {peer}
advertise-client-urls: {client}
discovery:
discovery-proxy:
discovery-srv:
initial-cluster: {name}={peer}
initial-cluster-token: 'of-the-file'
initial-cluster-state: 'new'
strict-reconfig-check: false
enable-pprof: false
proxy: 'off'
proxy-failure-wait: 5000
proxy-refresh-interval: 30000
proxy-dial-timeout: 1000
proxy-write-timeout: 5000
proxy-read-timeout: 0
client-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false
peer-transport-security:
  cert-file:
  key-file:
  client-cert-auth: false
  trusted-ca-file:
  auto-tls: false
self-signed-cert-validity: 1
log-level: debug
logger: zap
log-outputs: [stderr]
force-new-cluster: false
auto-compaction-mode: periodic
auto-compaction-retention: "1"
max-txn-ops: 3
cipher-suites: [
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
]
"""


class ConfigurationTest(unittest.TestCase):
    def member(self, binary):
        member = Member(binary)
        self.addCleanup(shutil.rmtree, member.directory, ignore_errors=True)
        self.addCleanup(member.stop)
        return member

    @staticmethod
    def fields_of(member):
        return {"name": "t", "directory": member.directory, "peer": member.peer_url, "client": member.endpoint}

    def etcdctl(self, member, *arguments, stdin=""):
        done = subprocess.run(["etcdctl", "--endpoints", member.endpoint, *arguments], capture_output=True,
                              text=True, timeout=TIMEOUT_S, input=stdin, check=False,
                              env=dict(os.environ, ETCDCTL_API="3"))
        return done.stdout + done.stderr

    def serves_as_told(self, member):
        """With the limit of the file or the variables, and under its name."""
        self.assertEqual(self.etcdctl(member, "put", "k", "v"), "OK\n")
        self.assertIn(", t, ", self.etcdctl(member, "member", "list"))
        self.assertIn("too many operations in txn request",
                      self.etcdctl(member, "txn", stdin="\nput a 1\nput b 1\nput c 1\nput d 1\n\n\n"))

    def test_one_file_starts_both(self):
        for binary in (OPTIONS.etcd, OPTIONS.quorate):
            member = self.member(binary)
            file = os.path.join(member.directory, "etcd.conf.yml")
            with open(file, "w") as out:
                out.write(FILE.format(**self.fields_of(member)))
            member.command = [binary, "--config-file", file]
            with self.subTest(binary=binary):
                member.start()
                self.serves_as_told(member)
                member.stop()
        with open(member.log_path) as log:
            text = log.read()
        # What is ignored is said.
        for key in ("proxy", "proxy-read-timeout", "discovery", "discovery-proxy"):
            self.assertIn(f'"msg":"ignoring an unknown key of the configuration file","key":"{key}"', text)
        self.assertNotIn('"key":"max-', text)

    def test_variables_start_both(self):
        for binary in (OPTIONS.etcd, OPTIONS.quorate):
            member = self.member(binary)
            flags = dict(zip(member.command[1::2], member.command[2::2]))
            variables = {"ETCD_" + name[2:].upper().replace("-", "_"): value for name, value in flags.items()}
            variables["ETCD_MAX_TXN_OPS"] = "3"
            before = dict(os.environ)
            os.environ.update(variables)
            try:
                member.command = [binary]
                with self.subTest(binary=binary):
                    member.start()
                    self.serves_as_told(member)
                    member.stop()
                # Said twice it is a mistake, whichever would win.
                done = subprocess.run([binary, "--name", "u"], capture_output=True, text=True, timeout=TIMEOUT_S,
                                      check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("is shadowed by corresponding command-line flag", done.stdout + done.stderr)
            finally:
                os.environ.clear()
                os.environ.update(before)

    def test_flags_beside_a_file_do_not_count(self):
        for binary in (OPTIONS.etcd, OPTIONS.quorate):
            member = self.member(binary)
            file = os.path.join(member.directory, "etcd.conf.yml")
            with open(file, "w") as out:
                out.write(FILE.format(**self.fields_of(member)))
            member.command = [binary, "--name=other", "--max-txn-ops=100", "--config-file", file]
            with self.subTest(binary=binary):
                member.start()
                self.serves_as_told(member)
                member.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("quorate")
    parser.add_argument("--etcd", default="etcd")
    OPTIONS, rest = parser.parse_known_args()
    require("etcdctl", OPTIONS.etcd)
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
