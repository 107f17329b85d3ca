#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the offline tool on what etcd and Quorate have written.

usage: util_test.py QUORATE
"""

import json
import os
import random
import subprocess
import sys
import unittest

from member import Member, free_ports, require
from snapshot_test import CALL_TIMEOUT_S, Client, SnapshotCase, fill, run

BINARY = None


def util(*args):
    return run(BINARY, "util", *args)


def refused(*args):
    """Exit code and the one line of an error."""
    done = subprocess.run([BINARY, "util", *args], capture_output=True, text=True,
                          timeout=CALL_TIMEOUT_S)
    lines = done.stderr.splitlines()
    assert done.returncode != 0, done.stdout
    assert len(lines) == 1, done.stderr
    return done.returncode, lines[0]


class UtilTest(SnapshotCase):
    def saved(self, binary, seed=1):
        """A store that lived in `binary`: its content, revision and hash, and its snapshot."""
        source = Client(self.start(binary))
        fill(source, seed)
        source("compaction", str(source.revision() - 15))
        file = self.path("file")
        source("snapshot", "save", file)
        return source, file

    def restored(self, file, *args, start=True):
        """Quorate, on a data directory that the tool has restored."""
        data_dir = self.path("restored")
        member = Member(BINARY, data_dir=data_dir)
        self.addCleanup(member.__exit__, None, None, None)
        util("snapshot", "restore", file, "--data-dir", data_dir, "--name", "t",
             "--initial-cluster", f"t={member.peer_url}",
             "--initial-advertise-peer-urls", member.peer_url, *args)
        if start:
            member.start()
        return member

    def test_status_prints_what_etcdctl_prints(self):
        """But for the number of keys: 3.4 counts the rows of all buckets, newer ones the live keys (see
        etcd_release_test.py)."""
        for binary in ("etcd", BINARY):
            source, file = self.saved(binary)
            theirs = json.loads(run("etcdctl", "snapshot", "status", file, "-w", "json"))
            ours = json.loads(util("snapshot", "status", file, "-w", "json"))
            self.assertEqual(ours.pop("version"), "" if binary == "etcd" else "3.6.0")
            keys = len(source.content()[0])
            self.assertEqual(ours.pop("totalKey"), keys)
            rows = theirs.pop("totalKey")
            self.assertEqual(ours, theirs)
            first = run("etcdctl", "snapshot", "status", file).strip()
            first = first.replace(f", {rows}, ", f", {keys}, ")
            self.assertTrue(util("snapshot", "status", file).startswith(first + ", "))
            fields = run("etcdctl", "snapshot", "status", file, "-w", "fields")
            for line in fields.replace(f'"Keys" : {rows}\n', f'"Keys" : {keys}\n').splitlines():
                self.assertIn(line, util("snapshot", "status", file, "-w", "fields").splitlines())
            table = util("snapshot", "status", file, "-w", "table").splitlines()
            self.assertTrue(all(line.startswith(("+-", "| ")) for line in table), table)
            self.assertIn(f" {keys} ", table[3])
            os.remove(file)

    def test_quorate_goes_on_from_what_etcd_saved(self):
        source, file = self.saved("etcd")
        restored = Client(self.restored(file))
        self.assertEqual(restored.content(), source.content())
        self.assertEqual(restored.revision(), source.revision())
        self.assertEqual(restored.hash(), source.hash())
        restored("put", "after", "1")
        self.assertEqual(restored.revision(), source.revision() + 1)
        # What was compacted there is compacted here.
        with self.assertRaisesRegex(AssertionError, "has been compacted"):
            restored("get", "k1", "--rev", str(source.revision() - 20))

    def test_quorate_goes_on_from_a_db_file(self):
        member = self.start("etcd")
        source = Client(member)
        fill(source, 3)
        expected = source.content()
        member.stop()
        db = os.path.join(member.directory, "data", "member", "snap", "db")
        code, line = refused("snapshot", "restore", db, "--data-dir", self.path("x"))
        self.assertEqual(code, 1)
        self.assertIn("--skip-hash-check", line)
        self.assertFalse(os.path.exists(self.path("x")))
        restored = Client(self.restored(db, "--skip-hash-check"))
        self.assertEqual(restored.content(), expected)

    def test_the_revision_is_raised(self):
        source, file = self.saved("etcd")
        revision = source.revision()
        member = self.restored(file, "--bump-revision", "1000000", "--mark-compacted")
        restored = Client(member)
        self.assertEqual(restored.content()[0], source.content()[0])
        self.assertEqual(restored.revision(), revision + 1000000)
        with self.assertRaisesRegex(AssertionError, "has been compacted"):
            restored("get", "k1", "--rev", str(revision))
        self.assertEqual(refused("snapshot", "restore", file, "--bump-revision", "5")[0], 2)

    def test_three_members_begin_with_one_file(self):
        source, file = self.saved("etcd")
        host = f"127.0.0.{random.randint(10, 250)}"
        ports = free_ports(host, 6)
        peers = {f"m{i}": f"http://{host}:{ports[2 * i]}" for i in range(3)}
        cluster = ",".join(f"{name}={url}" for name, url in peers.items())
        members = []
        for i, (name, url) in enumerate(peers.items()):
            data_dir = self.path(name)
            util("snapshot", "restore", file, "--data-dir", data_dir, "--name", name,
                 "--initial-cluster", cluster, "--initial-cluster-token", "again",
                 "--initial-advertise-peer-urls", url)
            client = f"http://{host}:{ports[2 * i + 1]}"
            member = Member(BINARY, data_dir=data_dir, extra_args=(
                "--name", name, "--initial-cluster", cluster, "--initial-cluster-token", "again",
                "--listen-peer-urls", url, "--initial-advertise-peer-urls", url,
                "--listen-client-urls", client, "--advertise-client-urls", client))
            # The later ones of two equal options count.
            member.endpoint = client
            self.addCleanup(member.__exit__, None, None, None)
            members.append(member)
        for member in members:
            member.launch()
        for member in members:
            member.wait_until_healthy()
        clients = [Client(member) for member in members]
        clients[0]("put", "after", "1")
        for client in clients:
            self.assertEqual(client.revision(), source.revision() + 1)
            self.assertEqual([kv for kv in client.content()[0] if kv["mod_revision"]
                              <= source.revision()], source.content()[0])
        listed = clients[0].json("member", "list")["members"]
        self.assertEqual(sorted(member["name"] for member in listed), sorted(peers))

    def test_what_is_not_restored_leaves_nothing_behind(self):
        target = self.path("target")
        bad = self.path("bad")
        # Ours says where the damage is; etcd's files only have a hash over all.
        for binary, where in (("etcd", "SHA-256"), (BINARY, "page")):
            _, file = self.saved(binary)
            with open(file, "rb") as whole:
                content = whole.read()
            flipped = bytearray(content)
            flipped[len(content) // 2] ^= 4
            for damaged, expected in ((bytes(flipped), where), (content[:-5000], "cut short"),
                                      (content[:100], "cut short"), (b"", bad),
                                      (b"no database, a text\n" * 1000, "no snapshot")):
                with open(bad, "wb") as out:
                    out.write(damaged)
                code, line = refused("snapshot", "restore", bad, "--data-dir", target)
                self.assertEqual(code, 1)
                self.assertIn(bad, line)
                self.assertIn(expected, line)
                self.assertFalse(os.path.exists(target))
        self.assertIn("not-there", refused("snapshot", "status", self.path("not-there"))[1])
        os.mkdir(target)
        with open(os.path.join(target, "somebodys"), "w", encoding="ascii") as other:
            other.write("1")
        code, line = refused("snapshot", "restore", file, "--data-dir", target)
        self.assertIn('"somebodys"', line)
        self.assertEqual(os.listdir(target), ["somebodys"])

    def test_data_directories(self):
        member = self.start(BINARY, data_dir=self.path("data"))
        source = Client(member)
        fill(source, 4)
        source("compaction", str(source.revision() - 15))
        content, revision = source.content(), source.revision()
        hashes = source.hash()
        file = self.path("file")
        source("snapshot", "save", file)
        data = ("--data-dir", self.path("data"))
        code, line = refused("verify", *data)
        self.assertEqual(code, 1)
        self.assertIn("a server runs on", line)
        member.stop()

        verified = json.loads(util("verify", *data, "-w", "json"))
        self.assertEqual(verified["revision"], revision)
        self.assertEqual(verified["keys"], len(content[0]))
        self.assertEqual(verified["leases"], len(content[1]))
        verified = json.loads(util("verify", file, "-w", "json"))
        self.assertEqual(verified["revision"], revision)
        self.assertIn(f"{file} is whole: revision {revision}, records ", util("verify", file))
        self.assertRegex(util("verify", *data),
                         rf"^{data[1]} is whole: storage leveldb, rows \d+, keys {len(content[0])}, "
                         rf"revision {revision}, .*torn bytes \d+\n$")
        for where in ((file,), data):
            ours = json.loads(util("hashkv", *where, "-w", "json"))
            self.assertEqual((ours["hash"], ours["compactRevision"]), hashes)
        util("defrag", *data)
        self.assertIn(" put, ", util("wal", "dump", *data))
        entries = [json.loads(line) for line in
                   util("wal", "dump", *data, "-w", "json", "--limit", "10").splitlines()]
        self.assertEqual(len(entries), 10)
        self.assertEqual([e["index"] for e in entries], sorted(e["index"] for e in entries))

        util("compact", str(revision - 3), *data)
        code, line = refused("compact", str(revision - 3), *data)
        self.assertEqual(code, 1)
        self.assertIn(f"the newest revision is {revision}", line)
        member.start()
        self.assertEqual(source.content(), content)
        with self.assertRaisesRegex(AssertionError, "has been compacted"):
            source("get", "k1", "--rev", str(revision - 4))
        member.stop()

        # A byte of what the log had synced.
        wal = os.path.join(self.path("data"), "member", "wal")
        segment = os.path.join(wal, next(n for n in sorted(os.listdir(wal)) if n.endswith(".wal")))
        with open(segment, "r+b") as log:
            log.seek(4096 + 40)
            byte = log.read(1)
            log.seek(4096 + 40)
            log.write(bytes([byte[0] ^ 1]))
        code, line = refused("verify", *data)
        self.assertEqual(code, 1)
        self.assertIn(segment, line)

    def test_engines_are_exchanged(self):
        plugins = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "plugins")
        others = [name for name in ("lmdb", "rocksdb", "wiredtiger")
                  if os.path.exists(os.path.join(plugins, f"storage_{name}.so"))]
        member = self.start(BINARY, data_dir=self.path("data"))
        source = Client(member)
        fill(source, 5)
        content, revision = source.content(), source.revision()
        member.stop()
        data = ("--data-dir", self.path("data"))
        code, line = refused("migrate", *data, "--to-storage", "leveldb")
        self.assertEqual(code, 2)
        code, line = refused("migrate", *data, "--to-storage", "nosuch")
        self.assertEqual(code, 1)
        self.assertIn("nosuch", line)
        code, line = refused("migrate", *data, "--to-storage", "mem")
        self.assertIn("keeps nothing", line)
        self.assertEqual(json.loads(util("verify", *data, "-w", "json"))["storage"], "leveldb")
        for name in [*others, "leveldb"] if others else []:
            util("migrate", *data, "--to-storage", name, "--remove-source")
            self.assertEqual(json.loads(util("verify", *data, "-w", "json"))["storage"], name)
            member.command += ["--storage", name]
            member.start()
            self.assertEqual((source.content(), source.revision()), (content, revision))
            member.stop()

    def test_the_tool_by_its_name(self):
        link = self.path("quorateutl")
        os.symlink(os.path.abspath(BINARY), link)
        self.assertEqual(run(link, "--help"), util("--help"))
        for command in ("snapshot status", "snapshot restore", "migrate", "verify", "hashkv",
                        "defrag", "compact", "wal dump"):
            self.assertIn(f"  {command} ", util("--help"))
            self.assertIn(f"quorate util {command}", util(*command.split(), "--help"))
        self.assertEqual(refused("nosuch")[0], 2)
        self.assertEqual(refused("verify", "--nosuch")[0], 2)
        self.assertEqual(refused("snapshot", "status")[0], 2)
        self.assertEqual(refused("verify")[0], 2)


if __name__ == "__main__":
    require("etcd", "etcdctl")
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
