#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Snapshots go both ways between Quorate and one release of etcd, built by Go's own tools from the
modules that etcd publishes (Debian 12 has 3.4 alone).

usage: etcd_release_test.py QUORATE VERSION CACHE

The binaries stay in the folder CACHE. Skipped without Go, or where it can't get the modules.
"""

import json
import os
import sys
import unittest

from member import SKIPPED, Member, require
from snapshot_test import Client, SnapshotCase, fill, run

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from etcd_releases import NotBuilt, build  # noqa: E402

BINARY = None
VERSION = None
ETCD = None
ETCDUTL = None


def util(*args):
    return run(BINARY, "util", *args)


class ReleaseTest(SnapshotCase):
    def saved(self, binary):
        source = Client(self.start(binary))
        fill(source, 7)
        source("compaction", str(source.revision() - 15))
        file = self.path("file")
        source("snapshot", "save", file)
        return source, file

    def restored(self, binary, tool, file, *args):
        """`binary`, on a data directory that `tool` has restored."""
        data_dir = self.path("restored")
        member = Member(binary, data_dir=data_dir)
        self.addCleanup(member.__exit__, None, None, None)
        run(*tool, "snapshot", "restore", file, "--data-dir", data_dir, "--name", "t",
            "--initial-cluster", f"t={member.peer_url}",
            "--initial-advertise-peer-urls", member.peer_url, *args)
        member.start()
        return Client(member)

    def check_same(self, source, restored):
        self.assertEqual(restored.content(), source.content())
        self.assertEqual(restored.revision(), source.revision())
        self.assertEqual(restored.hash(), source.hash())
        restored("put", "after", "1")
        self.assertEqual(restored.revision(), source.revision() + 1)

    def check_status(self, file):
        theirs = json.loads(run(ETCDUTL, "snapshot", "status", file, "-w", "json"))
        ours = json.loads(util("snapshot", "status", file, "-w", "json"))
        if VERSION.startswith("3.5"):  # which counts all rows, and knows no versions of files
            del theirs["totalKey"], ours["totalKey"]
            ours.pop("version")
            theirs.pop("version", None)
        self.assertEqual(ours, theirs)
        for form in ("simple", "fields"):
            if not VERSION.startswith("3.5"):
                self.assertEqual(util("snapshot", "status", file, "-w", form),
                                 run(ETCDUTL, "snapshot", "status", file, "-w", form))

    def test_quorate_goes_on_from_etcd(self):
        source, file = self.saved(ETCD)
        self.check_status(file)
        self.check_same(source, self.restored(BINARY, (BINARY, "util"), file))

    def test_quorate_goes_on_from_a_db_file(self):
        member = self.start(ETCD)
        source = Client(member)
        fill(source, 8)
        content, revision = source.content(), source.revision()
        member.stop()
        db = os.path.join(member.directory, "data", "member", "snap", "db")
        restored = self.restored(BINARY, (BINARY, "util"), db, "--skip-hash-check")
        self.assertEqual((restored.content(), restored.revision()), (content, revision))

    def test_etcd_goes_on_from_quorate(self):
        source, file = self.saved(BINARY)
        self.check_status(file)
        self.check_same(source, self.restored(ETCD, (ETCDUTL,), file))

    def test_etcd_goes_on_from_quorate_with_a_raised_revision(self):
        if VERSION.startswith("3.5"):
            self.skipTest("its etcdutl can't")
        source, file = self.saved(BINARY)
        restored = self.restored(ETCD, (ETCDUTL,), file, "--bump-revision", "1000", "--mark-compacted")
        self.assertEqual(restored.content()[0], source.content()[0])
        self.assertGreaterEqual(restored.revision(), source.revision() + 1000)


if __name__ == "__main__":
    require("etcdctl", "go")
    BINARY, VERSION, CACHE = sys.argv[1:4]
    del sys.argv[1:4]
    try:
        ETCD, ETCDUTL = build(VERSION, CACHE, ("etcd", "etcdutl"))
    except NotBuilt as reason:
        print(f"skipped: etcd {VERSION} can't be built here: {reason}")
        sys.exit(SKIPPED)
    unittest.main(verbosity=2)
