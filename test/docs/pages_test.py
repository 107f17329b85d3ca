#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Follows the pages of packaging/doc: their commands are run as they stand there, but for folders and
ports, with stand-ins for systemctl and runuser; their links lead somewhere; and the page on start-up
failures has the text of each that the code can give.

Blocks behind <!-- test: run --> are run one after the other, each page in a machine of its own; behind
<!-- test: run etcd --> with Debian's etcd on port 12379 beside. <!-- test: output --> is what the block
before must print, <!-- test: config --> a configuration file to check. A page with <!-- test: walk --> is
followed in one shell.

pages_test.py <project folder> <quorate>
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
PROGRAM = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "build/quorate").resolve()
sys.path.insert(0, str(ROOT / "packaging"))

import services  # noqa: E402
from installed_conf import installed  # noqa: E402
from servers import Server, free_ports  # noqa: E402
from walk import Walk  # noqa: E402

DOC = ROOT / "packaging" / "doc"
BLOCK = re.compile(r'^<!-- test: ([\w ]+) -->\n```\w*\n(.*?)^```$', re.S | re.M)
BLOCK_S = 240
PORTS = ("2379", "2380", "22379", "22380", "32379", "32380", "12379")


class Machine:
    """What a page finds: Quorate as it is installed, and nothing stored yet."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.ports = dict(zip(PORTS, map(str, free_ports(len(PORTS)))))
        for part in ("bin", "etc/quorate", "etc/systemd/system", "root", "usr/local/sbin", "var/lib/quorate"):
            (self.folder / part).mkdir(parents=True)
        for name in ("quorate", "quoratectl", "quorateutl"):
            (self.folder / "bin" / name).symlink_to(PROGRAM)
        for name, text in {"install": services.INSTALL, "runuser": services.RUNUSER,
                           "systemctl": services.SYSTEMCTL}.items():
            (self.folder / "bin" / name).write_text(text)
            (self.folder / "bin" / name).chmod(0o755)
        conf = installed((ROOT / "conf/quorate.conf").read_text(encoding="utf-8"), PROGRAM.parent / "plugins")
        # As installed, but on ports that are free here.
        for key, port in {"listen-client-urls": 2379, "advertise-client-urls": 2379, "listen-peer-urls": 2380,
                          "initial-advertise-peer-urls": 2380}.items():
            conf = conf.replace(f"#{key} = ", f"{key} = ")
            assert f"\n{key} = http://localhost:{port}\n" in conf, key
        conf = conf.replace("#initial-cluster = ", "initial-cluster = ")
        (self.folder / "etc/quorate/quorate.conf").write_text(self.here(conf), encoding="utf-8")
        self.services = services.Services(self.folder, PROGRAM)

    def here(self, text):
        """The text with the folders and ports of this machine."""
        for path in ("/etc/quorate", "/etc/systemd/", "/root/", "/usr/local/sbin/", "/var/backups/",
                     "/var/lib/quorate"):
            text = text.replace(path, f"{self.folder}{path}")
        return re.sub(r'localhost:(\d+)', lambda port: "localhost:" + self.ports.get(port.group(1), port.group(1)),
                      text)

    def start_etcd(self):
        etcd = Server("etcd", "etcd", str(self.folder / "etcd"))
        etcd.client_port = int(self.ports["12379"])
        return etcd.start()

    def run(self, block):
        # Groups of the installed system are not there.
        block = re.sub(r'^chgrp quorate ', "chgrp $(id -g) ", self.here(block), flags=re.M)
        environment = {**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                       "SERVICES": self.services.path,
                       # The port that clients call of themselves.
                       "QUORATECTL_ENDPOINTS": "localhost:" + self.ports["2379"]}
        done = subprocess.run(["bash", "-e", "-o", "pipefail"], input=block, text=True, capture_output=True,
                              env=environment, cwd=self.folder, timeout=BLOCK_S, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{block}\nended with {done.returncode}:\n{done.stdout}{done.stderr}")
        return done.stdout


class PagesTest(unittest.TestCase):
    def follow(self, page):
        blocks = BLOCK.findall((DOC / page).read_text(encoding="utf-8"))
        self.assertTrue(any(kind.startswith("run") for kind, _ in blocks))
        with tempfile.TemporaryDirectory(prefix="quorate-doc-") as folder:
            machine = Machine(folder)
            etcd = None
            try:
                if any(kind == "run etcd" for kind, _ in blocks):
                    etcd = machine.start_etcd()
                printed = None
                for kind, block in blocks:
                    if kind.startswith("run"):
                        printed = machine.run(block)
                    elif kind == "output":
                        self.assertEqual(printed.rstrip(), machine.here(block).rstrip(), page)
                    elif kind == "config":
                        (machine.folder / "page.conf").write_text(block, encoding="utf-8")
                        machine.run("quorate --config-file page.conf --check-config")
                    else:
                        self.fail(f"{page}: what is a block of kind {kind}?")
            finally:
                machine.services.close()
                if etcd is not None:
                    etcd.stop()

    def test_install(self):
        self.follow("install.md")

    def test_configure(self):
        self.follow("configure.md")

    def test_secure(self):
        self.follow("secure.md")

    def test_auth(self):
        self.follow("auth.md")

    def test_backup(self):
        self.follow("backup.md")

    def test_first_cluster(self):
        page = Walk(DOC / "first-cluster.md")
        with tempfile.TemporaryDirectory(prefix="quorate-doc-") as folder:
            machine = Machine(folder)
            try:
                printed = machine.run(page.script())
            finally:
                machine.services.close()
        self.assertEqual(page.differences(printed), [])

    @unittest.skipUnless(shutil.which("etcd") and shutil.which("etcdctl"), "etcd or etcdctl is not installed")
    def test_migrate(self):
        self.follow("migrate.md")

    def test_monitor(self):
        self.follow("monitor.md")

    def test_every_page_with_commands_is_followed(self):
        with_commands = {page.stem for page in DOC.glob("*.md")
                         if re.search("<!-- test: (run|walk)", page.read_text(encoding="utf-8"))}
        followed = {name.removeprefix("test_").replace("_", "-") for name in dir(self) if name.startswith("test_")}
        self.assertEqual(with_commands - followed, set())

    def test_links_lead_somewhere(self):
        for page in DOC.glob("*.md"):
            for target in re.findall(r'\]\(([^)#]+)[^)]*\)', page.read_text(encoding="utf-8")):
                self.assertTrue((DOC / target).exists(), f"{page.name}: {target}")


class TroubleshootTest(unittest.TestCase):
    maxDiff = None

    # Every source is looked at, but for those where no start fails for good, and those whose texts come behind
    # words that the page explains.
    NO_START = ("ctl/", "util/", "raft/", "rpc/", "transport/", "node/peer_link.cc", "node/snapshot_receiver.cc")
    BEHIND = {
        "invalid value": ("base/duration.cc", "base/log_levels.cc", "base/url.cc", "config/feature_gates.cc",
                          "config/initial_cluster.cc", "config/options_clustering.cc", "config/options_member.cc",
                          "config/options_program.cc", "config/options_security.cc", "config/options_service.cc",
                          "config/values.cc"),
        "FILE:LINE: ...": ("config/config_file.cc", "config/etcd_file.cc", "config/file_options.cc", "config/yaml.cc"),
        "discovery-srv: ...": ("base/dns.cc",),
        "i/o error: ...": ("base/file.cc",),
        "...: byte offset ...: ...": ("wal/segment.cc", "wal/replay.cc"),
        "auth: ...": ("auth/auth_store.cc",),
        ".../member/snapshot/....db: ...": ("snapshot/",),
    }
    FAILURE = re.compile(r'(?:errors::k(?:Config|Plugin|Damaged|ForeignData|NewerFormat|Address|Unavailable|Usage)'
                         r'\b|\b(?:refuse|fail|damaged|usage)\()(.*?);', re.S)

    def setUp(self):
        self.page = (DOC / "troubleshoot.md").read_text(encoding="utf-8")
        self.told = " ".join(re.findall(r'`([^`]+)`', self.page))

    def test_has_every_text_of_the_code(self):
        elsewhere = self.NO_START + tuple(name for names in self.BEHIND.values() for name in names)
        count, missing = 0, []
        for path in sorted((ROOT / "src").rglob("*.cc")):
            name = str(path.relative_to(ROOT / "src"))
            if name.startswith(elsewhere):
                continue
            for texts in self.failures(path):
                count += 1
                if not any(self.begins_alike(text, self.told) for text in texts):
                    missing.append(f"{name}: {' ... '.join(texts)}")
        self.assertEqual(missing, [], "troubleshoot.md does not tell of them")
        self.assertGreater(count, 100)

    def test_has_what_other_texts_come_behind(self):
        for words in self.BEHIND:
            self.assertIn(words, self.told)

    def test_passes_nothing_by_that_is_gone(self):
        for name in self.NO_START + tuple(name for names in self.BEHIND.values() for name in names):
            self.assertTrue((ROOT / "src" / name).exists(), name)

    def failures(self, path):
        """The texts between values of each failure, without what the compiler puts together."""
        for statement in self.FAILURE.findall(path.read_text(encoding="utf-8")):
            statement = re.sub(r'"\s*\n\s*"', "", statement)
            texts = [text.replace('\\"', '"').strip(' ":;') for text in
                     re.findall(r'"((?:[^"\\]|\\.)*)"', statement)]
            texts = [text for text in texts if len(text) >= 8 and "%s" not in text]
            if texts:
                yield texts

    @staticmethod
    def begins_alike(text, told):
        """Whether the page has the text, or its first words when it is long."""
        return " ".join(text.split()[:5]).rstrip(";,:(") in told

    def test_has_every_kind(self):
        kinds = re.findall(r'^    k\w+ = (\d),', (ROOT / "src/config/load.h").read_text(encoding="utf-8"), re.M)
        self.assertEqual(len(kinds), 6)
        manual = (ROOT / "packaging/man/quorate.8").read_text(encoding="utf-8")
        for kind in kinds:
            self.assertIn(f"\n| {kind} |", self.page)
            self.assertIn(f"\n## {kind}: ", self.page)
            self.assertIn(f"\n.B {kind}\n", manual)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
