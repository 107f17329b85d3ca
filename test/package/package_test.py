#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the debs in a clean Debian, starts a member as its unit does, upgrades, removes and purges
them; and builds the rpms and asks rpmlint and rpm about them.

usage: package_test.py PROJECT BUILD

Needs root, debootstrap and a mirror of Debian: ./dev test package. Ends with 77 (skipped) without.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from servers import free_ports  # noqa: E402

PROJECT = BUILD = None
SUITE = "bookworm"
START_S = 120
OLD, NEW = "0.1.0~test1", "0.1.0~test2"
KEPT = "# what the administrator wrote\n"


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                             f"{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def mirror():
    uris = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
               f"Codename: {SUITE}").split()
    return uris[0] if uris else None


class Root:
    """A Debian of its own, without anything of ours."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        run("debootstrap", "--variant=minbase", SUITE, self.path, mirror())
        # Nothing is to be started by packages, as in an image that is being built.
        policy = self.path / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        run("mount", "--bind", "/proc", self.path / "proc")

    def close(self):
        subprocess.run(["umount", self.path / "proc"], check=False)

    def run(self, *command, user=None):
        return run("chroot", *([f"--userspec={user}:{user}"] if user else []), self.path, *command,
                   env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive",
                        "LC_ALL": "C.UTF-8"})

    def install(self, debs):
        inside = self.path / "debs"
        shutil.rmtree(inside, ignore_errors=True)
        inside.mkdir()
        for deb in debs:
            shutil.copy(deb, inside)
        self.run("apt-get", "install", "-y", "-q", "--no-install-recommends",
                 *[f"/debs/{deb.name}" for deb in debs])

    def user_id(self, name):
        line = next(line for line in (self.path / "etc/passwd").read_text().splitlines()
                    if line.startswith(name + ":"))
        return int(line.split(":")[2])


class Member:
    """Started as the unit says, but by hand: ExecStart, User and WorkingDirectory."""

    def __init__(self, root):
        unit = (root.path / "lib/systemd/system/quorate.service").read_text()
        settings = dict(re.findall(r'^(\w+)=(.*)$', unit, re.M))
        notify = root.path / "tmp/notify"
        notify.unlink(missing_ok=True)
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(notify))
        notify.chmod(0o777)
        self.notify.settimeout(START_S)
        directory = settings["WorkingDirectory"].replace("%S", "/var/lib")
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", "chroot",
             f"--userspec={settings['User']}:{settings['Group']}", root.path, "/bin/sh", "-c",
             f"cd {directory} && umask {settings['UMask']} && exec {settings['ExecStart']}"],
            env={"NOTIFY_SOCKET": "/tmp/notify"}, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)

    def wait_ready(self):
        assert self.notify.recv(65536).startswith(b"READY=1"), "not ready"

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=START_S)
        self.notify.close()
        assert self.process.returncode == 0, errors.decode()


class DebTest(unittest.TestCase):
    """One story, in the order of its chapters."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.debs = {}
        for version in (OLD, NEW):
            out = pathlib.Path(folder.name) / version
            run(PROJECT / "packaging/build", "deb", "--from", BUILD, "--out", out, "--version", version)
            cls.debs[version] = {deb.name.split("_")[0]: deb for deb in out.glob("*.deb")}
        cls.root = Root(pathlib.Path(folder.name) / "root")
        cls.addClassCleanup(cls.root.close)
        cls.client_port, cls.peer_port = free_ports(2)

    def install(self, version, *packages):
        self.root.install([self.debs[version][name] for name in packages])

    def etcdctl(self, *arguments):
        return run("etcdctl", f"--endpoints=127.0.0.1:{self.client_port}", *arguments,
                   env={**os.environ, "ETCDCTL_API": "3"})

    @property
    def conf(self):
        return self.root.path / "etc/quorate/quorate.conf"

    @property
    def data(self):
        return self.root.path / "var/lib/quorate"

    def test_1_installs(self):
        self.install(OLD, "quorate-client", "quorate-server")
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
        text = self.conf.read_text(encoding="utf-8")
        client, peer = (f"http://127.0.0.1:{port}" for port in (self.client_port, self.peer_port))
        for key, value in {"listen-client-urls": client, "advertise-client-urls": client,
                           "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
                           "initial-cluster": f"default={peer}"}.items():
            text, count = re.subn(rf"^#{key} = .*$", f"{key} = {value}", text, flags=re.M)
            self.assertEqual(count, 1, key)
        self.conf.write_text(text + KEPT, encoding="utf-8")
        member = Member(self.root)
        member.wait_ready()
        self.assertEqual(self.etcdctl("put", "survives", "upgrades").strip(), "OK")
        member.stop()
        self.assertTrue((self.data / "default/member/identity").exists())
        self.assertEqual((self.data / "default").stat().st_uid, self.root.user_id("quorate"))

    def test_3_upgrades(self):
        before = self.conf.read_text(encoding="utf-8")
        self.install(NEW, "quorate-client", "quorate-server", "quorate-engine-rocksdb",
                     "quorate-engine-lmdb", "quorate-engine-wiredtiger")
        self.assertEqual(self.root.run("dpkg-query", "-W", "-f=${Version}", "quorate-server"), NEW)
        self.assertEqual(self.conf.read_text(encoding="utf-8"), before)
        member = Member(self.root)
        member.wait_ready()
        self.assertEqual(self.etcdctl("get", "survives").split(), ["survives", "upgrades"])
        member.stop()

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
        member = Member(self.root)
        member.wait_ready()
        self.assertEqual(self.etcdctl("get", "survives").split(), ["survives", "upgrades"])
        member.stop()

    def test_5_takes_etcds_names(self):
        self.install(NEW, "quorate-etcd-compat")
        self.assertIn("etcd Version: 3.", self.root.run("etcd", "--version"))
        self.assertIn("quorate util", self.root.run("etcdutl", "--help"))
        self.root.run("apt-get", "purge", "-y", "-q", "quorate-etcd-compat")

    def test_6_removal_keeps_what_is_the_administrators(self):
        self.root.run("apt-get", "remove", "-y", "-q", "quorate-server", "quorate-client",
                      "quorate-engine-rocksdb", "quorate-engine-lmdb", "quorate-engine-wiredtiger")
        self.assertFalse((self.root.path / "usr/bin/quorate").exists())
        self.assertIn(KEPT, self.conf.read_text(encoding="utf-8"))
        self.assertTrue((self.data / "default/member/identity").exists())

    def test_7_purge_leaves_nothing(self):
        self.root.run("apt-get", "purge", "-y", "-q", "quorate-server")
        self.assertFalse(self.conf.parent.exists())
        self.assertFalse(self.data.exists())


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
    for program in ("debootstrap", "dh", "dpkg-buildpackage", "etcdctl"):
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
