#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the debs in a clean Debian, starts a member as its unit does, upgrades, removes and purges
them; follows the pages of packaging/doc in another, word for word; and builds the rpms, asks rpmlint and rpm about
them and installs them. systemd_test.py does the former where systemd runs.

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

from clean_root import Root, RootServices, Service, bootstrap, build_debs, missing, run
from pages import Pages

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


class DebTest(unittest.TestCase):
    """One story, in the order of its chapters."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.debs = {version: build_debs(PROJECT, BUILD, f"{folder.name}/{version}", version) for version in (OLD, NEW)}
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


class DocTest(Pages, unittest.TestCase):
    """Where no systemd runs."""

    @classmethod
    def setUpClass(cls):
        cls.build(PROJECT, BUILD, NEW)

    def setUp(self):
        self.root = self.make_root(Root, clean_root())

    def install(self, commands):
        self.run_with_network(commands)
        self.systemctl = RootServices(self.root)
        self.addCleanup(self.systemctl.close)

    def stop_all(self):
        self.systemctl.stop_all()


@unittest.skipUnless(shutil.which("rpmbuild") and shutil.which("rpmlint"), "rpm or rpmlint is not installed")
class RpmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-rpm-")
        cls.addClassCleanup(folder.cleanup)
        run(PROJECT / "packaging/build", "rpm", "--from", BUILD, "--out", folder.name)
        cls.folder = pathlib.Path(folder.name)
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

    def test_install_and_go_again(self):
        """In a Debian, whose packages rpm knows nothing of: files, owners and scripts, not the programs."""
        root = Root(clean_root(), self.folder / "root")
        self.addCleanup(root.close)

        def rpm(*arguments):
            return run("rpm", "--root", root.path, "--force-debian", "--nodeps", *arguments)
        some = [self.rpms[f"quorate-{name}"] for name in ("client", "server", "engine-rocksdb")]
        rpm("--install", *some)
        data = root.path / "var/lib/quorate"
        self.assertEqual((data.stat().st_uid, data.stat().st_mode & 0o777), (root.user_id("quorate"), 0o700))
        self.assertEqual(rpm("--verify", "quorate-client", "quorate-server", "quorate-engine-rocksdb"), "")
        conf = root.path / "etc/quorate/quorate.conf"
        conf.write_text(conf.read_text(encoding="utf-8") + KEPT, encoding="utf-8")
        (data / "stored").write_text("a value")
        rpm("--upgrade", "--force", *some)
        self.assertIn(KEPT, conf.read_text(encoding="utf-8"))
        enabled = root.path / "etc/systemd/system/multi-user.target.wants/quorate@m1.service"
        enabled.parent.mkdir(parents=True, exist_ok=True)
        enabled.symlink_to("/usr/lib/systemd/system/quorate@.service")
        rpm("--erase", "quorate-server", "quorate-client", "quorate-engine-rocksdb")
        self.assertFalse((root.path / "usr/bin/quorate").exists())
        self.assertFalse(enabled.is_symlink())
        self.assertIn(KEPT, conf.with_suffix(".conf.rpmsave").read_text(encoding="utf-8"))
        self.assertEqual((data / "stored").read_text(), "a value")


if __name__ == "__main__":
    PROJECT = pathlib.Path(sys.argv[1]).resolve()
    BUILD = pathlib.Path(sys.argv[2]).resolve()
    if reason := missing():
        print("skipped: " + reason)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
