#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes snapshots between Quorate and etcd with etcd's own tools.

usage: snapshot_test.py QUORATE
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import unittest

from member import Member, require

CALL_TIMEOUT_S = 60
BINARY = None


def run(*command, text=None):
    """Standard output of a command that has to succeed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True,
                          timeout=CALL_TIMEOUT_S, env=dict(os.environ, ETCDCTL_API="3"))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Client:
    """etcdctl against one member."""

    def __init__(self, member):
        self.member = member

    def __call__(self, *args, text=None):
        return run("etcdctl", "--endpoints", self.member.endpoint, *args, text=text)

    def json(self, *args):
        return json.loads(self(*args, "-w", "json"))

    def content(self):
        """All pairs with their revisions, and all leases: what has to survive."""
        answer = self.json("get", "", "--prefix")
        leases = []
        for lease in self.json("lease", "list").get("leases") or []:
            alive = self.json("lease", "timetolive", f"{lease['id']:x}", "--keys")
            leases.append((lease["id"], alive["granted-ttl"], sorted(alive["keys"] or [])))
        return answer.get("kvs", []), sorted(leases)

    def hash(self):
        """What HashKV answers for the newest revision, and the compact revision."""
        answer = self.json("endpoint", "hashkv")[0]["HashKV"]
        return answer["hash"], answer.get("compact_revision", 0)

    def revision(self):
        return self.json("get", "none")["header"]["revision"]


def fill(client, seed):
    """A few hundred changes: overwritten, deleted, leased, long, with bytes of all kinds."""
    random_ = random.Random(seed)
    leases = []
    for ttl in (500, 1000):
        leases.append(client("lease", "grant", str(ttl)).split()[1])
    for i in range(25):
        operations = []
        keys = random_.sample(range(300), 12)
        for key in keys:
            if random_.random() < 0.2:
                operations.append(f'del "k{key}"')
            else:
                lease = f" --lease={random_.choice(leases)}" if random_.random() < 0.2 else ""
                operations.append(f'put "k{key}" "v{i} {"x" * random_.randrange(400)}"{lease}')
        client("txn", text="\n" + "\n".join(operations) + "\n\n\n")
    client("put", "long", text="y" * 1_000_000)
    client("put", "empty", "")
    client("put", "ключ", "значение\n\t\"")
    for _ in range(5):
        client("del", f"k{random_.randrange(300)}")


class SnapshotCase(unittest.TestCase):
    """A directory and members that end with the test."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="quorate-snapshot-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, binary, *args, data_dir=None):
        member = Member(binary, args, data_dir=data_dir).__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        return member


class SnapshotTest(SnapshotCase):
    def test_etcd_restores_what_quorate_saves(self):
        source = Client(self.start(BINARY))
        fill(source, 1)
        source("compaction", str(source.revision() - 15))
        expected = source.content()
        file = self.path("file")
        source("snapshot", "save", file)
        self.assertEqual(os.path.getsize(file) % 512, 32)

        status = json.loads(run("etcdctl", "snapshot", "status", file, "-w", "json"))
        self.assertEqual(status["revision"], source.revision())
        self.assertEqual(status["totalSize"], os.path.getsize(file) - 32)
        self.assertGreater(status["totalKey"], len(expected[0]) + len(expected[1]))

        restored = self.restored_etcd(file)
        self.assertEqual(Client(restored).content(), expected)
        # It goes on from there, and its own snapshot of it all is a good one.
        again = Client(restored)
        again("put", "after", "1")
        self.assertEqual(again.revision(), status["revision"] + 1)
        again("snapshot", "save", self.path("again"))
        run("etcdctl", "snapshot", "status", self.path("again"))

    def restored_etcd(self, file):
        """etcd, started on a data directory that etcdctl has restored."""
        data_dir = self.path("etcd")
        member = Member("etcd", data_dir=data_dir)
        self.addCleanup(member.__exit__, None, None, None)
        run("etcdctl", "snapshot", "restore", file, "--data-dir", data_dir, "--name", "t",
            "--initial-cluster", f"t={member.peer_url}",
            "--initial-advertise-peer-urls", member.peer_url)
        member.start()
        return member

    def test_an_empty_store_is_saved(self):
        source = Client(self.start(BINARY))
        file = self.path("file")
        source("snapshot", "save", file)
        status = json.loads(run("etcdctl", "snapshot", "status", file, "-w", "json"))
        self.assertEqual(status["revision"], 0)
        self.assertEqual(Client(self.restored_etcd(file)).content(), ([], []))

    def test_clients_that_leave_in_the_middle_free_their_places(self):
        source = Client(self.start(BINARY))
        for i in range(24):
            source("put", f"large{i}", text=random.Random(i).randbytes(500_000).hex())
        whole = self.path("whole")
        source("snapshot", "save", whole)
        part = self.path("never.part")
        left = 0
        for _ in range(8):  # more than may run at a time
            with subprocess.Popen(
                    ["etcdctl", "--endpoints", source.member.endpoint, "snapshot", "save",
                     self.path("never")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                    env=dict(os.environ, ETCDCTL_API="3")) as leaving:
                while leaving.poll() is None and not (
                        os.path.exists(part) and os.path.getsize(part) > 0):
                    pass
                leaving.kill()
            left += os.path.exists(part) and 0 < os.path.getsize(part) < os.path.getsize(whole)
            if os.path.exists(part):
                os.remove(part)
        self.assertGreater(left, 4)
        source("snapshot", "save", self.path("file"))
        self.assertEqual(os.path.getsize(self.path("file")), os.path.getsize(whole))
        run("etcdctl", "snapshot", "status", self.path("file"))


if __name__ == "__main__":
    require("etcd", "etcdctl")
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
