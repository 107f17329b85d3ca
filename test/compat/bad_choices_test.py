#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plugins that can't be had, options that they don't take and addresses that are taken: one line with what,
where and the way out, and nothing is left on the disk.

usage: bad_choices_test.py QUORATE
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

from member import Member

BINARY = None
TIMEOUT_S = 60


class BadChoicesTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="quorate-choices-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.data_dir = os.path.join(self.directory, "data")
        self.plugins = os.path.join(os.path.dirname(os.path.abspath(BINARY)), "plugins")

    def refused(self, *args, says):
        """Both the start and the check of the configuration end with one line beside the log (which is JSON);
        the start leaves the data directory as it was, which is not there."""
        for command in ([], ["--check-config"]):
            done = subprocess.run([BINARY, f"--data-dir={self.data_dir}", *args, *command],
                                  capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
            self.assertNotEqual(done.returncode, 0, (args, command, done.stdout))
            # The check is read by people: no log beside its answer.
            lines = [line for line in done.stderr.splitlines() if command or not line.startswith("{")]
            self.assertEqual(len(lines), 1, done.stderr)
            for text in says:
                self.assertIn(text, lines[0])
            self.assertFalse(os.path.exists(self.data_dir), (args, command))

    def own_plugins(self):
        """A plugin folder with everything but leveldb."""
        folder = os.path.join(self.directory, "plugins")
        os.mkdir(folder)
        for name in os.listdir(self.plugins):
            if name.endswith(".so") and name != "storage_leveldb.so":
                os.symlink(os.path.join(self.plugins, name), os.path.join(folder, name))
        return folder

    def test_an_engine_that_is_not_there(self):
        self.refused("--storage=nosuch", says=["storage_nosuch.so", "storage plugins there:", "leveldb"])
        folder = self.own_plugins()
        self.refused(f"--plugin-dir={folder}", says=[f"{folder}/storage_leveldb.so", "no such plugin",
                                                     "example"])
        self.refused(f"--plugin-dir={self.directory}/none", says=[f"{self.directory}/none"])

    def test_a_file_that_is_something_else(self):
        folder = self.own_plugins()
        file = os.path.join(folder, "storage_leveldb.so")
        shutil.copy(os.path.join(self.plugins, "storage_example.so"), file)
        self.refused(f"--plugin-dir={folder}", says=[file, '"example"', '"leveldb"'])
        shutil.copy(os.path.join(self.plugins, "transport_http.so"), file)
        self.refused(f"--plugin-dir={folder}", says=[file, "transport"])
        with open(file, "w", encoding="ascii") as text:
            text.write("no library\n")
        self.refused(f"--plugin-dir={folder}", says=[file, "can't be loaded"])
        with open(os.path.join(self.plugins, "storage_example.so"), "rb") as whole:
            content = whole.read()
        with open(file, "wb") as half:
            half.write(content[:5000])
        self.refused(f"--plugin-dir={folder}", says=[file, "can't be loaded"])

    def test_options_that_an_engine_does_not_take(self):
        self.refused("--storage=mem,cache_bytes=1", says=["storage.mem.cache_bytes", "no options"])
        self.refused("--storage=leveldb,cash_bytes=1", says=['"cash_bytes"', "known: cache_bytes"])
        self.refused("--storage=leveldb,cache_bytes=lots", says=['cache_bytes = "lots"', "number"])
        self.refused("--storage=leveldb,compression=zip", says=['compression = "zip"', "snappy"])
        config = os.path.join(self.directory, "quorate.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(f"data-dir = {self.data_dir}\nstorage = leveldb\n"
                      "[storage.leveldb]\nblock_bites = 1\n")
        self.refused(f"--config-file={config}", says=[f'{config}:4: ', '"block_bites"', "known:"])
        with open(config, "w", encoding="ascii") as out:
            out.write(f"data-dir = {self.data_dir}\n[storage.leveldb]\ncache_bytes = lots\n[storage.mem]\ncache_bytes = 1\n")
        self.refused(f"--config-file={config}", says=[f"{config}:3: ", 'cache_bytes = "lots"'])
        # The command line wins, and is to blame then.
        self.refused(f"--config-file={config}", "--storage=leveldb,cache_bytes=more",
                     says=['quorate: storage plugin leveldb: ', 'cache_bytes = "more"'])
        with open(config, "w", encoding="ascii") as out:
            out.write("[transport.http]\nthreads = many\n")
        done = subprocess.run([BINARY, f"--data-dir={self.data_dir}", f"--config-file={config}", "--check-config"],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        self.assertEqual((done.returncode, done.stdout), (4, ""))
        self.assertRegex(done.stderr, rf"^quorate: {config}:2: transport plugin http: option threads .*\n$")

    def tree(self):
        """All there is, with the content of files."""
        found = {}
        for folder, _, files in os.walk(self.directory):
            found[folder] = None
            for name in files:
                with open(os.path.join(folder, name), "rb") as file:
                    found[os.path.join(folder, name)] = file.read()
        return found

    def fails(self, *args, code, says):
        """A start that ends with this code and line."""
        done = subprocess.run([BINARY, *args], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        self.assertEqual((done.returncode, len(lines)), (code, 1), done.stderr)
        self.assertIn(says, lines[0])

    def test_options_that_a_transport_does_not_take(self):
        self.refused("--transport=nosuch", says=["transport_nosuch.so"])
        config = os.path.join(self.directory, "quorate.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(f"data-dir = {self.data_dir}\n[transport.http]\nthreats = 2\n")
        self.refused(f"--config-file={config}", says=[f'{config}:3: ', '"threats"'])

    def test_a_first_start_that_fails_late_leaves_nothing(self):
        """An address is taken when everything else is there: identity, certificates, engine and log."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            free = "http://127.0.0.1:0"
            ways = [
                [f"--listen-client-urls={url}", f"--listen-peer-urls={free}"],
                [f"--listen-client-urls={free}", f"--listen-peer-urls={url}", "--storage=rocksdb"],
                [f"--listen-client-urls={free}", f"--listen-peer-urls={free}", f"--listen-metrics-urls={url}"],
                [f"--listen-client-urls={free}", f"--listen-peer-urls={url}", "--auto-tls", "--peer-auto-tls"],
                [f"--listen-client-urls={url}", f"--listen-peer-urls={free}", "--storage=mem"],
            ]
            data_dir = os.path.join(self.directory, "deep", "down", "data")
            wal_dir = os.path.join(self.directory, "log", "here")
            before = self.tree()

            def all_fail():
                for way in ways:
                    if "--storage=rocksdb" in way and not os.path.exists(
                            os.path.join(self.plugins, "storage_rocksdb.so")):
                        continue
                    for wal in ([], [f"--wal-dir={wal_dir}"]):
                        self.fails(f"--data-dir={data_dir}", f"--advertise-client-urls={free}", *way, *wal, code=6,
                                   says=f"can't listen on {url}")
                        self.assertEqual(self.tree(), before, (way, wal))
            all_fail()
            # Folders that were made for it stay, and so does what somebody has put there.
            os.makedirs(data_dir)
            os.makedirs(wal_dir)
            with open(os.path.join(data_dir, "notes"), "w", encoding="ascii") as out:
                out.write("of its owner\n")
            before = self.tree()
            all_fail()

    def test_a_later_start_that_fails_takes_nothing_away(self):
        with Member(BINARY) as member:
            def etcdctl(*args):
                return subprocess.run([BINARY, "ctl", "--endpoints", member.endpoint, *args], capture_output=True,
                                      text=True, timeout=TIMEOUT_S, check=False).stdout
            self.assertEqual(etcdctl("put", "k", "v"), "OK\n")
            # Beside the one that runs.
            data = os.path.join(member.directory, "data")
            self.fails(*member.command[1:], code=1, says="in use by another process")
            self.assertEqual(etcdctl("put", "l", "w"), "OK\n")
            member.stop()
            with socket.socket() as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind((member.host, member.port))
                taken.listen()
                for _ in range(2):
                    self.fails(*member.command[1:], code=6, says=f"can't listen on {member.endpoint}")
                self.fails(*member.command[1:], "--transport=http,threats=2", code=4, says='"threats"')
            self.assertTrue(os.path.exists(os.path.join(data, "member", "identity")))
            member.start()
            self.assertEqual(etcdctl("get", "", "--prefix"), "k\nv\nl\nw\n")

    def test_the_right_choice_after_a_wrong_one(self):
        """A first start that failed has decided nothing."""
        self.refused("--storage=leveldb,cash_bytes=1", says=["cash_bytes"])
        done = subprocess.run([BINARY, f"--data-dir={self.data_dir}", "--storage=example",
                               "--check-config"], capture_output=True, text=True,
                              timeout=TIMEOUT_S, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual((done.stdout, done.stderr), ("configuration is valid\n", ""))
        done = subprocess.run([BINARY, f"--data-dir={self.data_dir}", "--max-wals=3", "--check-config"],
                              capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        self.assertRegex(done.stderr, r"^\S+\twarn\t.*an option has no effect.*max-wals.*\n$")

    def test_a_list_that_counts_at_the_first_start_only(self):
        """What a start goes on with is no mistake for the check either."""
        with Member(BINARY) as member:
            data = os.path.join(member.directory, "data")

            def check(*args):
                return subprocess.run(
                    [BINARY, "--name=t", f"--data-dir={data}", *args, "--check-config"],
                    capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
            stale = "--initial-cluster=other=http://10.0.0.9:2380"
            self.assertEqual(check(stale).returncode, 0)
            other = check("--initial-cluster-token=other")
            self.assertEqual(other.returncode, 5)
            self.assertIn("data of another cluster", other.stderr)
            data = self.data_dir
            fresh = check(stale)
            self.assertEqual(fresh.returncode, 3)
            self.assertIn("initial-cluster: this member is --name", fresh.stderr)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
