#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store that is full, on every engine: what is still taken, and that compaction alone gives room back.

usage: quota_test.py QUORATE
"""

import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from clusters import wait_for  # noqa: E402
from member import require  # noqa: E402
from snapshot_test import Client, SnapshotCase  # noqa: E402

BINARY = None
ENGINES = ("leveldb", "lmdb", "rocksdb", "wiredtiger")
QUOTA = 4 << 20
VALUE = "x" * 400_000
FULL = "etcdserver: mvcc: database space exceeded"


class QuotaTest(SnapshotCase):
    def test_every_engine(self):
        plugins = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "plugins")
        for engine in ("mem", *ENGINES):
            if engine == "mem" or os.path.exists(os.path.join(plugins, f"storage_{engine}.so")):
                with self.subTest(engine):
                    self.check_engine(engine)

    def check_engine(self, engine):
        member = self.start(BINARY, "--storage", engine, "--quota-backend-bytes", str(QUOTA),
                            data_dir=self.path(engine))
        client = Client(member)
        client("put", "gone", "1")
        lease = client("lease", "grant", "1000").split()[1]
        client("put", "leased", "1", f"--lease={lease}")
        self.assertEqual(self.fill(client), QUOTA // len(VALUE))

        # What needs room is refused, small as it may be.
        self.refused(client, "put", "one", "more")
        self.refused(client, "lease", "grant", "10")
        self.refused(client, "txn", text="\n" + 'put "one" "more"\n\n\n')
        # What makes room is taken, and everything is read.
        self.assertEqual(client("del", "gone").strip(), "1")
        self.assertIn("SUCCESS", client("txn", text='\ndel "large0"\n\n\n'))
        client("lease", "revoke", lease)
        self.assertEqual(client.json("get", "leased").get("count", 0), 0)
        self.assertEqual(client.json("get", "large1")["count"], 1)
        client("snapshot", "save", self.path("file"))

        # No defragmentation: what compaction takes away counts no more at once.
        self.make_room(client)
        self.assertGreaterEqual(self.fill(client), QUOTA // len(VALUE) - 2)
        client("defrag")
        self.make_room(client)
        if engine != "mem":
            member.stop()
            member.start()
            self.assertLess(self.in_use(client), len(VALUE))
        client("put", "one", "more")
        member.stop()

    def fill(self, client):
        """How many large values there was room for."""
        for i in range(100):
            done = self.call(client, "put", f"large{i}", text=VALUE)
            if done.returncode != 0:
                self.assertIn(FULL, done.stderr)
                # The refusal is there at once, the alarm when the log has it; refusals within a second
                # of the last alarm raise none.
                wait_for(lambda: self.call(client, "put", "large", text=VALUE).returncode != 0
                         and "NOSPACE" in client("alarm", "list"), "an alarm")
                return i
        self.fail("the store never became full")

    def make_room(self, client):
        client("del", "large", "--prefix")
        client("compaction", str(client.revision()), "--physical")
        self.assertLess(self.in_use(client), len(VALUE))
        client("alarm", "disarm")
        self.assertEqual(client("alarm", "list"), "")

    @staticmethod
    def in_use(client):
        return client.json("endpoint", "status")[0]["Status"].get("dbSizeInUse", 0)

    @staticmethod
    def call(client, *args, text=None):
        return subprocess.run(["etcdctl", "--endpoints", client.member.endpoint, *args], input=text,
                              capture_output=True, text=True, timeout=60, check=False,
                              env=dict(os.environ, ETCDCTL_API="3"))

    def refused(self, client, *args, text=None):
        done = self.call(client, *args, text=text)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(FULL, done.stderr)


if __name__ == "__main__":
    require("etcdctl")
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
