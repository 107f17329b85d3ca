# SPDX-License-Identifier: Apache-2.0
"""The pages of packaging/doc as they are printed, followed by root in a Debian where nothing but the packages
is installed."""

import pathlib
import re
import shutil
import tempfile

from clean_root import build_debs
from walk import Walk


class Pages:
    """For a TestCase with a `root`, which says how packages are installed there and members stopped."""

    BLOCK = re.compile(r'^<!-- test: (run etcd|run|shell|config|output) -->\n```\w*\n(.*?)^```$', re.S | re.M)

    @classmethod
    def build(cls, project, build, version):
        folder = tempfile.TemporaryDirectory(prefix="quorate-debs-")
        cls.addClassCleanup(folder.cleanup)
        cls.doc = pathlib.Path(project) / "packaging/doc"
        cls.debs = folder.name
        build_debs(project, build, cls.debs, version)

    def make_root(self, kind, clean):
        folder = tempfile.TemporaryDirectory(prefix="quorate-walk-")
        self.addCleanup(folder.cleanup)
        root = kind(clean, f"{folder.name}/root")
        self.addCleanup(root.close)
        shutil.copytree(self.debs, root.path / "root/quorate/packages")
        return root

    def run_with_network(self, commands):
        self.root.run("bash", "-e", "-c", "cd /root/quorate\n" + commands, network=True)

    def shell(self, commands):
        return self.root.run("bash", "-e", "-o", "pipefail", "-c", "cd /root\n" + commands)

    def blocks(self, page):
        return self.BLOCK.findall((self.doc / page).read_text(encoding="utf-8"))

    def test_first_cluster(self):
        """From the built debs to three members with TLS, users and backups, by one page alone."""
        page = Walk(self.doc / "first-cluster.md")
        self.install(page.install)
        self.assertEqual(page.differences(self.shell(page.script())), [])

    def test_other_pages(self):
        self.install("apt-get install -y ./packages/quorate-client_*.deb ./packages/quorate-server_*.deb "
                     "openssl curl etcd-client etcd-server\n")
        fresh = (self.root.path / "etc/quorate/quorate.conf").read_text(encoding="utf-8")
        for page in ("install.md", "configure.md", "secure.md", "auth.md", "backup.md", "migrate.md", "monitor.md",
                     "tls.md"):
            with self.subTest(page):
                self.follow(page)
            self.stop_all()
            self.shell("rm -rf /var/lib/quorate/* /etc/quorate/*")
            (self.root.path / "etc/quorate/quorate.conf").write_text(fresh, encoding="utf-8")

    def start_etcd(self):
        """Beside Quorate, until the test has ended."""
        number = self.shell("""
            etcd --name=etcd --data-dir=/root/etcd.data \\
                --listen-client-urls=http://localhost:12379 --advertise-client-urls=http://localhost:12379 \\
                --listen-peer-urls=http://localhost:12380 --initial-advertise-peer-urls=http://localhost:12380 \\
                --initial-cluster=etcd=http://localhost:12380 >/root/etcd.log 2>&1 &
            echo $!
            until curl -s http://localhost:12379/health | grep -q true; do sleep 0.1; kill -0 $!; done""")
        self.addCleanup(self.shell, f"kill {number}")

    def follow(self, page):
        printed = script = ""
        blocks = self.blocks(page)
        if any(kind == "run etcd" for kind, _ in blocks):
            self.start_etcd()
        for kind, block in blocks:
            if kind.startswith("run"):
                printed = self.shell(block)
            elif kind == "output":
                self.assertEqual(printed, block)
            elif kind == "config" and page == "tls.md":
                (self.root.path / "etc/quorate/quorate.conf").write_text(block, encoding="utf-8")
            elif kind == "shell":
                script += block
        if script:
            self.root.run("ip", "address", "add", "10.0.0.1/32", "dev", "lo", host=True)
            self.assertEqual(self.shell(script).count("greeting\nhello\n"), 1)
