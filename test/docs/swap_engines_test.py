#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Follows packaging/doc/swap-engines.md on three members, while clients write, read and write down what
they were told: the engine of every member is exchanged twice, and nothing may be lost.

The commands are run as they stand there, but for the folders of a member, and with stand-ins for
systemctl and runuser: members are processes of this test.

swap_engines_test.py <project folder> <quorate> : ends with 77 (skipped) without the engines.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
PROGRAM = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "build/quorate").resolve()
for folder in ("support", "cluster"):
    sys.path.insert(0, str(ROOT / "test" / folder))

import protos as proto_modules  # noqa: E402
from client import Client  # noqa: E402
from clusters import wait_for  # noqa: E402
from load import Load  # noqa: E402
from servers import Server  # noqa: E402

PAGE = ROOT / "packaging" / "doc" / "swap-engines.md"
BLOCK = re.compile(r"^( *)<!-- test: (\w+) -->\n *```\w*\n(.*?)^ *```$", re.S | re.M)
NAMES = ("one", "two", "three")
COMMAND_TIMEOUT_S = 120
STAND_INS = {
    # Asks the test, and returns when it is done.
    "systemctl": '#!/bin/sh\necho "$1 $2" >"$CONTROL/ask" && read -r done <"$CONTROL/answer" && [ "$done" = ok ]\n',
    "runuser": '#!/bin/sh\n[ "$1 $2 $3" = "-u quorate --" ] && shift 3 && exec "$@"\n',
}


class Member(Server):
    """A server whose settings are all in its file."""

    def __init__(self, name, directory):
        super().__init__(name, str(PROGRAM), directory)
        self.config = os.path.join(directory, "quorate.conf")

    def write_config(self, initial_cluster):
        client = f"http://{self.endpoint}"
        pathlib.Path(self.config).write_text(f"""name = {self.name}
data-dir = {self.data_dir}
listen-client-urls = {client}
advertise-client-urls = {client}
listen-peer-urls = {self.peer_url}
initial-advertise-peer-urls = {self.peer_url}
initial-cluster = {initial_cluster}
initial-cluster-state = new
# The log is cut soon: who comes back late needs a snapshot.
snapshot-count = 100
snapshot-catchup-entries = 50
storage = leveldb
""")

    def command(self):
        return [str(PROGRAM), f"--config-file={self.config}"]


class Host:
    """Where a member's commands are typed: its folders, its systemctl."""

    def __init__(self, member, directory, endpoints):
        self.member = member
        self.control = os.path.join(directory, f"control-{member.name}")
        os.mkdir(self.control)
        for fifo in ("ask", "answer"):
            os.mkfifo(os.path.join(self.control, fifo))
        self.directory = directory
        self.endpoints = endpoints
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        """Does what systemctl asks for, like systemd, which waits until a server says that it is ready."""
        while True:
            with open(os.path.join(self.control, "ask")) as ask:
                asked = ask.read().strip()
            answer = "ok"
            try:
                {"stop quorate": self.member.stop, "start quorate": self.member.start}[asked]()
            except Exception as error:  # the shell is waiting for an answer
                answer = f"{asked}: {error}".replace("\n", " ")
            with open(os.path.join(self.control, "answer"), "w") as out:
                out.write(answer + "\n")

    def run(self, block):
        """What the commands print; they must succeed."""
        block = block.replace("/etc/quorate/quorate.conf", self.member.config)
        block = block.replace("/var/lib/quorate", self.member.data_dir)
        environment = {
            **os.environ,
            "PATH": f"{self.directory}/bin:{os.environ['PATH']}",
            "QUORATECTL_ENDPOINTS": ",".join(self.endpoints),
            "CONTROL": self.control,
            "NAME": self.member.name,
            "HOST": self.member.endpoint,
            "PEER_URL": self.member.peer_url,
        }
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail"], input=block, text=True, capture_output=True,
            env=environment, cwd=self.directory, timeout=COMMAND_TIMEOUT_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"on {self.member.name}:\n{block}\n{done.stdout}{done.stderr}\n"
                                 f"{self.member.log_tail()}")
        return done.stdout


class SwapEnginesTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proto_directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.proto_directory.cleanup)
        cls.protos = proto_modules.compile_into(cls.proto_directory.name)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorate-swap-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        os.mkdir(f"{self.folder}/bin")
        for name in ("quorate", "quoratectl"):
            os.symlink(PROGRAM, f"{self.folder}/bin/{name}")
        for name, text in STAND_INS.items():
            stand_in = pathlib.Path(self.folder, "bin", name)
            stand_in.write_text(text)
            stand_in.chmod(0o755)
        self.members = [Member(name, f"{self.folder}/{name}") for name in NAMES]
        for member in self.members:
            member.write_config(",".join(f"{one.name}={one.peer_url}" for one in self.members))
            self.addCleanup(member.stop)
        self.endpoints = [member.endpoint for member in self.members]
        self.hosts = [Host(member, self.folder, self.endpoints) for member in self.members]
        self.blocks = {}
        for indent, kind, text in BLOCK.findall(PAGE.read_text()):
            self.blocks.setdefault(kind, []).append(re.sub(f"^{indent}", "", text, flags=re.M))

    def run_all(self, kind, host):
        return [host.run(block) for block in self.blocks[kind]]

    def engines_of(self, member):
        """The folders of engines that a member has, whole or not."""
        return {name for name in os.listdir(f"{member.data_dir}/member")
                if os.path.exists(f"{member.data_dir}/member/{name}/ENGINE")}

    def same_hashes(self):
        lines = self.run_all("after", self.hosts[0])[0].split("\n")
        hashes = [line.split(", ")[1] for line in lines if line]
        return len(hashes) == len(NAMES) and len(set(hashes)) == 1

    def leads(self, host):
        with Client(host.member.endpoint, self.protos) as client:
            status = client.status()
            return status.leader == status.header.member_id

    def refused(self, text, command):
        """The command fails with this text, which the page explains."""
        done = subprocess.run([PROGRAM, *command], capture_output=True, text=True,
                              timeout=COMMAND_TIMEOUT_S, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(text, done.stdout + done.stderr)
        explained = [line for line in PAGE.read_text().splitlines() if line.startswith("| `")]
        self.assertTrue(any(re.search(re.escape(line.split("`")[1]).replace(r"\.\.\.", ".*"),
                                      done.stdout + done.stderr) for line in explained), text)

    def test_walk_through(self):
        for member in self.members:
            member.launch()
        for member in self.members:
            member.wait_ready()
        with Load(self.endpoints, self.protos) as load:
            self.run_all("before", self.hosts[0])
            for host in sorted(self.hosts, key=self.leads):
                self.run_all("migrate", host)
                self.assertEqual(self.engines_of(host.member), {"rocksdb"})
                load.wait_for_more(50)
            for host in sorted(self.hosts, key=self.leads):
                self.run_all("rejoin", host)
                self.assertEqual(self.engines_of(host.member), {"lmdb"})
                load.wait_for_more(50)
            wait_for(self.same_hashes, "the same hash on all members")
            load.wait_for_more(50)
        for member in self.members:
            load.verify(member.endpoint)
        self.assertGreater(load.history.acknowledged_changes(), 400)
        for member in self.members:
            member.stop()
            self.assertEqual(member.process.returncode, 0)

    def test_what_it_says_when_something_goes_wrong(self):
        member = self.members[0]
        member.write_config(f"one={member.peer_url}")
        config = f"--config-file={member.config}"
        migrate = ["util", "migrate", config, "--to-storage=rocksdb"]
        store = f"{member.data_dir}/member"
        member.start()
        with Load([member.endpoint], self.protos) as load:
            load.wait_for_more(200)
            self.refused("a server runs on", migrate)
        member.stop()
        self.choose(member, "rocksdb")
        self.refused("holds the data of storage engine leveldb and none of rocksdb", [config])
        self.choose(member, "leveldb")
        os.mkdir(f"{store}/rocksdb")
        self.refused("/member/rocksdb is there already", migrate)
        os.rmdir(f"{store}/rocksdb")
        subprocess.run([PROGRAM, *migrate], check=True, stdout=subprocess.DEVNULL)
        # The way back, as long as the server has not run.
        os.rename(f"{store}/rocksdb", f"{store}/rocksdb.aside")
        os.rename(f"{store}/leveldb.migrated", f"{store}/leveldb")
        member.start()
        load.verify(member.endpoint)
        member.stop()
        subprocess.run([PROGRAM, *migrate], check=True, stdout=subprocess.DEVNULL)
        self.choose(member, "rocksdb")
        member.start()
        with Load([member.endpoint], self.protos) as load:
            load.wait_for_more(500)  # five times what lies between two marks in the log
        member.stop()
        os.rename(f"{store}/leveldb.migrated", f"{store}/leveldb")
        self.choose(member, "leveldb")
        self.refused("the engine's files are older than the log", [config])

    @staticmethod
    def choose(member, engine):
        text = pathlib.Path(member.config).read_text()
        pathlib.Path(member.config).write_text(re.sub("^storage = .*", f"storage = {engine}", text, flags=re.M))


if __name__ == "__main__":
    plugins = PROGRAM.parent / "plugins"
    wanted = [name for name in ("leveldb", "rocksdb", "lmdb")
              if not (plugins / f"storage_{name}.so").exists()]
    if wanted:
        print(f"no plugin is built for {wanted}")
        sys.exit(77)
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
