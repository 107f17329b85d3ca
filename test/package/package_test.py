#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the debs in a clean Debian, starts a member as its unit does, upgrades, removes and purges
them; follows packaging/doc/first-cluster.md in another, word for word; and builds the rpms and asks rpmlint
and rpm about them.

usage: package_test.py PROJECT BUILD

Needs root, debootstrap and a mirror of Debian: ./dev test package. Ends with 77 (skipped) without.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from clean_root import Root, RootServices, Service, bootstrap, mirror, run, SUITE
from walk import Walk

PROJECT = BUILD = None
OLD, NEW = "0.1.0~test1", "0.1.0~test2"
KEPT = "# what the administrator wrote\n"
CLEAN = None


def clean_root():
    """A fresh Debian to copy, made once."""
    global CLEAN
    if CLEAN is None:
        folder = tempfile.TemporaryDirectory(prefix="quorate-debian-")
        unittest.addModuleCleanup(folder.cleanup)
        bootstrap(f"{folder.name}/root")
        CLEAN = f"{folder.name}/root"
    return CLEAN


def build_debs(out, version):
    run(PROJECT / "packaging/build", "deb", "--from", BUILD, "--out", out, "--version", version)
    return {deb.name.split("_")[0]: deb for deb in pathlib.Path(out).glob("*.deb")}


class DebTest(unittest.TestCase):
    """One story, in the order of its chapters."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.debs = {version: build_debs(f"{folder.name}/{version}", version) for version in (OLD, NEW)}
        cls.root = Root(clean_root(), f"{folder.name}/root")
        cls.addClassCleanup(cls.root.close)

    def install(self, version, *packages):
        self.root.install([self.debs[version][name] for name in packages])

    def ctl(self, *arguments):
        return self.root.run("quoratectl", *arguments)

    def start_member(self):
        member = Service("quorate", self.root)
        self.addCleanup(member.stop)
        return member.start()

    @property
    def conf(self):
        return self.root.path / "etc/quorate/quorate.conf"

    @property
    def data(self):
        return self.root.path / "var/lib/quorate"

    def test_0_the_client_alone(self):
        self.install(OLD, "quorate-client")
        with self.assertRaisesRegex(AssertionError, "127.0.0.1:2379.*refused"):
            self.ctl("--command-timeout=1s", "get", "x")

    def test_1_installs(self):
        self.install(OLD, "quorate-server")
        uid = self.root.user_id("quorate")
        self.assertLess(uid, 1000)
        self.assertEqual((self.data.stat().st_uid, self.data.stat().st_mode & 0o777), (uid, 0o700))
        self.assertEqual(list(self.data.iterdir()), [])
        plugins = next(self.root.path.glob("usr/lib/*/quorate/plugins"))
        for path in (plugins, *plugins.iterdir()):
            self.assertEqual((path.stat().st_uid, path.stat().st_mode & 0o022), (0, 0), path)
        self.assertIn("configuration is valid", self.root.run(
            "quorate", "--config-file", "/etc/quorate/quorate.conf", "--check-config", user="quorate"))
        listed = self.root.run("quorate", "--list-plugins", user="quorate")
        self.assertIn("leveldb", listed)
        self.assertNotIn("can't be used", listed)

    def test_2_starts_by_the_unit(self):
        with open(self.conf, "a", encoding="utf-8") as conf:
            conf.write(KEPT)
        member = self.start_member()
        self.assertEqual(self.ctl("put", "survives", "upgrades").strip(), "OK")
        member.end()
        self.assertTrue((self.data / "default/member/identity").exists())
        self.assertEqual((self.data / "default").stat().st_uid, self.root.user_id("quorate"))

    def test_3_upgrades(self):
        before = self.conf.read_text(encoding="utf-8")
        self.install(NEW, "quorate-client", "quorate-server", "quorate-engine-rocksdb",
                     "quorate-engine-lmdb", "quorate-engine-wiredtiger")
        self.assertEqual(self.root.run("dpkg-query", "-W", "-f=${Version}", "quorate-server"), NEW)
        self.assertEqual(self.conf.read_text(encoding="utf-8"), before)
        member = self.start_member()
        self.assertEqual(self.ctl("get", "survives").split(), ["survives", "upgrades"])
        member.end()

    def test_4_moves_to_another_engine(self):
        listed = self.root.run("quorate", "--list-plugins")
        self.assertEqual(set(re.findall(r'^storage +(\w+)', listed, re.M)),
                         {"mem", "leveldb", "rocksdb", "lmdb", "wiredtiger"})
        self.root.run("quorateutl", "migrate", "--data-dir", "/var/lib/quorate/default",
                      "--from-storage", "leveldb", "--to-storage", "rocksdb", user="quorate")
        with open(self.conf, "r+", encoding="utf-8") as conf:
            text = conf.read().replace("#storage = leveldb\n", "storage = rocksdb\n")
            conf.seek(0)
            conf.write(text)
        member = self.start_member()
        self.assertEqual(self.ctl("get", "survives").split(), ["survives", "upgrades"])
        member.end()

    def test_5_takes_etcds_names(self):
        self.install(NEW, "quorate-etcd-compat")
        self.assertIn("etcd Version: 3.", self.root.run("etcd", "--version"))
        self.assertIn("  snapshot restore ", self.root.run("etcdutl", "--help"))
        self.assertIn("etcdctl version: 3.", self.root.run("etcdctl", "version"))
        self.root.apt_get("purge", "quorate-etcd-compat")

    def test_6_removal_keeps_what_is_the_administrators(self):
        self.root.apt_get("remove", "quorate-server", "quorate-client", "quorate-engine-rocksdb",
                          "quorate-engine-lmdb", "quorate-engine-wiredtiger")
        self.assertFalse((self.root.path / "usr/bin/quorate").exists())
        self.assertIn(KEPT, self.conf.read_text(encoding="utf-8"))
        self.assertTrue((self.data / "default/member/identity").exists())

    def test_7_purge_leaves_nothing(self):
        self.root.apt_get("purge", "quorate-server")
        self.assertFalse(self.conf.parent.exists())
        self.assertFalse(self.data.exists())


class DocTest(unittest.TestCase):
    """The pages as they are printed, by root in a Debian where nothing but the packages is installed."""

    BLOCK = re.compile(r'^<!-- test: (run|shell|config|output) -->\n```\w*\n(.*?)^```$', re.S | re.M)

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-debs-")
        cls.addClassCleanup(folder.cleanup)
        cls.debs = folder.name
        build_debs(cls.debs, NEW)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorate-walk-")
        self.addCleanup(folder.cleanup)
        self.root = Root(clean_root(), f"{folder.name}/root")
        self.addCleanup(self.root.close)
        shutil.copytree(self.debs, self.root.path / "root/quorate/packages")

    def install(self, commands):
        self.root.run("bash", "-e", "-c", "cd /root/quorate\n" + commands, network=True)
        systemctl = RootServices(self.root)
        self.addCleanup(systemctl.close)
        return systemctl

    def shell(self, commands):
        return self.root.run("bash", "-e", "-o", "pipefail", "-c", "cd /root\n" + commands)

    def blocks(self, page):
        return self.BLOCK.findall((PROJECT / "packaging/doc" / page).read_text(encoding="utf-8"))

    def test_first_cluster(self):
        """From the built debs to three members with TLS, users and backups, by one page alone."""
        page = Walk(PROJECT / "packaging/doc/first-cluster.md")
        self.install(page.install)
        self.assertEqual(page.differences(self.shell(page.script())), [])

    def test_other_pages(self):
        systemctl = self.install("apt-get install -y ./packages/quorate-client_*.deb "
                                 "./packages/quorate-server_*.deb openssl curl\n")
        fresh = (self.root.path / "etc/quorate/quorate.conf").read_text(encoding="utf-8")
        for page in ("install.md", "configure.md", "secure.md", "backup.md", "monitor.md", "tls.md"):
            with self.subTest(page):
                self.follow(page)
            systemctl.stop_all()
            self.shell("rm -rf /var/lib/quorate/* /etc/quorate/*")
            (self.root.path / "etc/quorate/quorate.conf").write_text(fresh, encoding="utf-8")

    def follow(self, page):
        printed = script = ""
        for kind, block in self.blocks(page):
            if kind == "run":
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


@unittest.skipUnless(shutil.which("rpmbuild") and shutil.which("rpmlint"), "rpm or rpmlint is not installed")
class RpmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-rpm-")
        cls.addClassCleanup(folder.cleanup)
        run(PROJECT / "packaging/build", "rpm", "--from", BUILD, "--out", folder.name)
        cls.rpms = {re.match(r'quorate-(?!\d)[a-z-]*[a-z]', rpm.name).group(): rpm
                    for rpm in pathlib.Path(folder.name).glob("*.rpm")}

    def test_rpmlint_has_nothing_to_say(self):
        said = run("rpmlint", "--rpmlintrc", PROJECT / "packaging/rpm/rpmlintrc", *self.rpms.values())
        self.assertIn("0 errors, 0 warnings", said)

    def test_what_is_in_them(self):
        self.assertEqual(set(self.rpms), {
            "quorate-client", "quorate-server", "quorate-devel", "quorate-etcd-compat",
            "quorate-engine-lmdb", "quorate-engine-rocksdb", "quorate-engine-wiredtiger"})
        server = self.rpms["quorate-server"]
        files = run("rpm", "-qp", "--queryformat",
                    "[%{FILENAMES} %{FILEUSERNAME} %{FILEMODES:perms}\n]", server).splitlines()
        self.assertIn("/var/lib/quorate quorate drwx------", files)
        self.assertIn("/etc/quorate/quorate.conf root -rw-r--r--", files)
        self.assertEqual(run("rpm", "-qp", "--configfiles", server).split(), ["/etc/quorate/quorate.conf"])
        self.assertIn("storage_leveldb.so", "".join(files))
        self.assertNotIn("storage_rocksdb.so", "".join(files))

    def test_scripts_are_shell(self):
        text = run("rpm", "-qp", "--scripts", self.rpms["quorate-server"])
        parts = re.split(r'^\w+ scriptlet \(using /bin/sh\):\n', text, flags=re.M)[1:]
        self.assertEqual(len(parts), 4)
        for part in parts:
            done = subprocess.run(["sh", "-n"], input=part, text=True, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), part)


def missing():
    if os.geteuid() != 0:
        return "only root can make a clean root"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        return "no network namespaces can be made"
    for program in ("debootstrap", "dh", "dpkg-buildpackage", "ip"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not mirror():
        return f"apt knows no mirror of {SUITE}"
    return None


if __name__ == "__main__":
    PROJECT = pathlib.Path(sys.argv[1]).resolve()
    BUILD = pathlib.Path(sys.argv[2]).resolve()
    if reason := missing():
        print("skipped: " + reason)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
