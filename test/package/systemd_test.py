#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The debs where systemd runs: a Debian is booted in a container, a member is started, reloaded, killed, hung,
upgraded, removed and purged there by systemctl and apt, what its unit forbids is tried, and the pages of
packaging/doc are followed word for word in another.

usage: systemd_test.py PROJECT BUILD

Needs what package_test.py needs, and systemd-nspawn: ./dev test package. Ends with 77 (skipped) without.
"""

import json
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

from booted_root import PACKAGES, BootedRoot, why_not
from clean_root import bootstrap, build_debs, missing
from clusters import wait_for
from pages import Pages

PROJECT = BUILD = CLEAN = None
OLD, NEW = "0.1.0~test1", "0.1.0~test2"
CONF, UNIT = "etc/quorate/quorate.conf", "quorate.service"

# Each line is something that the unit forbids; it is told when it works all the same.
FORBIDDEN = r"""
forbid() { if "$@" 2>/dev/null; then echo "not forbidden: $*"; fi; }
forbid touch /usr/bin/written
forbid touch /etc/quorate/written
forbid touch /var/written
forbid touch /root/written
forbid touch /dev/shm/written
forbid ls /root /home
forbid test -e /dev/kmsg
forbid mount -t tmpfs none /var/lib/quorate
forbid unshare --user true
forbid unshare --mount true
forbid hostname other
forbid dmesg
forbid chmod u+s /var/lib/quorate/probe
forbid setpriv --reuid=0 true
forbid sh -c 'echo 1 >/proc/sys/kernel/printk'
forbid test -r /proc/1/status
forbid ls /run/credentials/systemd-sysusers.service
forbid python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)'
forbid python3 -c 'import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)'
forbid python3 -c 'import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)'
forbid python3 -c 'import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)'
"""
# And what it must not.
ALLOWED = """
touch /var/lib/quorate/probe
python3 -c 'import socket; socket.socket(socket.AF_INET6)'
[ "$(id -un)" = quorate ]
[ "$(umask)" = 0077 ]
grep -q '^NoNewPrivs:.1$' /proc/self/status
grep -q '^CapBnd:.0000000000000000$' /proc/self/status
"""


def setUpModule():
    global CLEAN
    folder = tempfile.TemporaryDirectory(prefix="quorate-debian-")
    unittest.addModuleCleanup(folder.cleanup)
    CLEAN = f"{folder.name}/root"
    bootstrap(CLEAN, *PACKAGES, "python3-minimal", "curl", "openssl")
    # Where not even an empty Debian starts, nothing is said about ours.
    try:
        BootedRoot(CLEAN, f"{folder.name}/try").close()
    except AssertionError as error:
        raise unittest.SkipTest(str(error)) from error


class SystemdTest(unittest.TestCase):
    """One story, in the order of its chapters."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="quorate-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.debs = {version: build_debs(PROJECT, BUILD, f"{folder.name}/{version}", version)
                    for version in (OLD, NEW)}
        cls.root = BootedRoot(CLEAN, f"{folder.name}/root")
        cls.addClassCleanup(cls.root.close)

    def install(self, version, *packages):
        self.root.install([self.debs[version][name] for name in packages])

    def upgrade(self):
        """As the page says, with all packages of the new version at hand."""
        page = (PROJECT / "packaging/doc/upgrade.md").read_text(encoding="utf-8")
        command = re.search(r"^apt-get install --only-upgrade [^#\n]+", page, re.M).group()
        folder = self.root.path / "root/packages"
        folder.mkdir()
        for deb in self.debs[NEW].values():
            shutil.copy(deb, folder)
        self.root.run("sh", "-ec", f"cd /root; {command} -y -q", network=True)
        there = self.sh("dpkg-query -W -f='${Package} ${Version}\n' 'quorate*'").splitlines()
        self.assertEqual({line for line in there if line.split()[1:]},
                         {f"quorate-{name} {NEW}" for name in ("client", "server", "engine-rocksdb")})

    def sh(self, script):
        return self.root.run("sh", "-ec", script)

    def refused(self, script):
        """What a command says that must fail."""
        with self.assertRaises(AssertionError) as failed:
            self.sh(script)
        return str(failed.exception)

    def show(self, key, unit=UNIT):
        return self.root.show(unit, key)

    def wait_until(self, key, wanted):
        wait_for(lambda: self.show(key) == wanted, f"{key}={wanted}")

    def value(self):
        return self.sh("quoratectl get survives --print-value-only").strip()

    def drop_in(self, text):
        """Settings of the unit, until the test has ended."""
        folder = self.root.path / f"etc/systemd/system/{UNIT}.d"
        folder.mkdir(parents=True)
        (folder / "test.conf").write_text("[Service]\n" + text, encoding="utf-8")
        self.sh("systemctl daemon-reload")
        self.addCleanup(self.sh, f"rm -r /etc/systemd/system/{UNIT}.d; systemctl daemon-reload; "
                                 f"systemctl reset-failed {UNIT} || true; systemctl restart {UNIT}")

    def conf(self, change):
        """Changes the configuration; gives back what it was."""
        path = self.root.path / CONF
        text = path.read_text(encoding="utf-8")
        path.write_text(change(text), encoding="utf-8")
        return text

    def journal(self, *words):
        lines = self.root.run("journalctl", "--output=json", "--no-pager", f"--unit={UNIT}", *words)
        return [json.loads(line) for line in lines.splitlines()]

    def said(self, text, *words):
        return any(text in str(entry["MESSAGE"]) for entry in self.journal(*words))

    def test_00_installs_and_starts_nothing(self):
        self.install(OLD, "quorate-client", "quorate-server", "quorate-engine-rocksdb")
        self.assertEqual((self.show("ActiveState"), self.show("UnitFileState")), ("inactive", "disabled"))
        self.assertEqual(self.sh("stat -c '%U %G %a' /var/lib/quorate").split(), ["quorate", "quorate", "700"])
        self.conf(lambda text: text.replace("#storage = leveldb\n", "storage = rocksdb\n"))

    def test_01_starts_when_it_is_ready(self):
        self.sh("systemctl start quorate; quoratectl put survives everything")
        self.assertEqual((self.show("ActiveState"), self.show("StatusText")), ("active", "serving"))
        self.assertEqual(self.sh(f"ps -o user= {self.show('MainPID')}").strip(), "quorate")

    def test_02_journal_has_fields(self):
        identity = self.sh("quoratectl endpoint status -w fields | sed -n 's/^\"MemberID\" : //p'").strip()
        entries = self.journal(f"QUORATE_MEMBER_ID={int(identity):x}", "--priority=info")
        entry = next(entry for entry in entries if "ready to serve client requests" in entry["MESSAGE"])
        self.assertEqual((entry["PRIORITY"], entry["CODE_FILE"], entry["_TRANSPORT"]), ("6", "serve.cc", "journal"))

    def test_03_is_rated_well(self):
        rating = self.sh("systemd-analyze security --no-pager quorate.service")
        # Debian's prometheus.service has 3.9.
        self.assertLess(float(re.search(r"exposure level for quorate.service: (\S+)", rating).group(1)), 1.5)

    def test_04_forbids_what_the_unit_says(self):
        """The unit with another program in it."""
        unit = (self.root.path / "lib/systemd/system" / UNIT).read_text(encoding="utf-8")
        unit = re.sub(r"^ExecStart=.*", "ExecStart=/bin/sh /usr/local/lib/probe", unit, flags=re.M)
        unit = re.sub(r"^(ExecReload|WatchdogSec|Restart\w*)=.*\n", "", unit.replace("Type=notify", "Type=oneshot"),
                      flags=re.M)
        (self.root.path / "usr/local/lib/probe").write_text(f"set -e\n{ALLOWED}set +e\n{FORBIDDEN}")
        (self.root.path / "etc/systemd/system/probe.service").write_text(unit)
        self.addCleanup(self.sh, "rm /etc/systemd/system/probe.service; systemctl daemon-reload")
        self.sh("chmod 644 /usr/local/lib/probe; systemctl daemon-reload; systemctl start probe || "
                "{ journalctl -u probe -n 20 --no-pager; exit 1; }")
        said = self.root.run("journalctl", "--unit=probe", "--output=cat", "--no-pager")
        self.assertNotIn("not forbidden", said)
        # Where nothing is forbidden they do not fail for another reason.
        worked = self.sh(f"set +e\n{FORBIDDEN}\numount /var/lib/quorate\n"
                         "rm -f /usr/bin/written /etc/quorate/written /var/written /root/written /dev/shm/written "
                         "/var/lib/quorate/probe")
        self.assertGreater(worked.count("not forbidden"), 15, worked)

    def test_05_reload_takes_over_the_log(self):
        before = self.conf(lambda text: "log-level = debug\n" + text)
        self.addCleanup(self.conf, lambda _: before)
        pid = self.show("MainPID")
        self.sh("systemctl reload quorate")
        wait_for(lambda: self.sh("quoratectl get x") or self.journal("--priority=debug..debug"), "lines of level debug")
        self.assertEqual(self.show("MainPID"), pid)
        self.conf(lambda _: before)
        self.sh("systemctl reload quorate")

    def test_06_reload_refuses_half_a_file(self):
        before = self.conf(lambda text: text + "log-lev")
        self.addCleanup(self.conf, lambda _: before)
        self.sh("systemctl reload quorate")
        wait_for(lambda: 'reload refused: /etc/quorate/quorate.conf:' in self.show("StatusText"), "a refusal")
        self.assertIn('expected key = value, found "log-lev"', self.show("StatusText"))
        self.assertEqual((self.show("ActiveState"), self.value()), ("active", "everything"))
        self.conf(lambda _: before)
        self.sh("systemctl reload quorate")
        self.wait_until("StatusText", "serving")

    def test_07_comes_back_after_a_crash(self):
        self.sh("systemctl kill --signal=KILL quorate")
        self.wait_until("NRestarts", "1")
        wait_for(lambda: self.value() == "everything", "the member")

    def test_08_comes_back_when_it_hangs(self):
        self.drop_in("WatchdogSec=2s\n")
        self.sh("systemctl restart quorate")
        # It is fed: twice the time goes by.
        begin = int(self.show("WatchdogTimestampMonotonic"))
        wait_for(lambda: int(self.show("WatchdogTimestampMonotonic")) > begin + 4_000_000, "signs of life")
        self.assertEqual(self.show("NRestarts"), "0")
        self.sh("systemctl kill --signal=STOP quorate")
        self.wait_until("NRestarts", "1")
        wait_for(lambda: self.value() == "everything", "the member")
        self.assertTrue(self.said("Watchdog timeout"))

    def test_09_tries_a_wrong_configuration_once(self):
        before = self.conf(lambda text: text.replace("\nstorage = rocksdb\n", "\nstorage = nosuch\n"))
        self.addCleanup(self.conf, lambda _: before)
        self.refused("systemctl restart quorate")
        self.assertEqual([self.show(key) for key in ("ActiveState", "ExecMainStatus", "NRestarts")],
                         ["failed", "4", "0"])
        self.assertTrue(self.said("storage_nosuch.so: no such plugin"))
        self.conf(lambda _: before)
        self.sh("systemctl start quorate")
        self.assertEqual(self.value(), "everything")

    def test_10_gets_keys_that_only_root_can_read(self):
        self.sh("""
            mkdir -p /etc/quorate/tls; cd /etc/quorate/tls
            openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -noenc -days 1 -subj /CN=localhost \
                -addext subjectAltName=DNS:localhost -keyout server.key -out server.crt 2>/dev/null
            chmod 600 server.key; cp server.key peer.key; chmod 644 server.crt""")
        self.refused("runuser -u quorate -- cat /etc/quorate/tls/server.key")
        self.sh(f"mkdir -p /etc/systemd/system/{UNIT}.d; cp "
                f"/usr/share/doc/quorate-server/examples/tls-credentials.conf /etc/systemd/system/{UNIT}.d/; "
                "systemctl daemon-reload")
        before = self.conf(lambda text: f"""
listen-client-urls = https://localhost:2379
advertise-client-urls = https://localhost:2379
cert-file = /etc/quorate/tls/server.crt
key-file = /run/credentials/{UNIT}/server.key
""" + text)
        self.addCleanup(self.conf, lambda _: before)
        self.sh("systemctl restart quorate")
        ask = "quoratectl --endpoints=https://localhost:2379 --cacert=/etc/quorate/tls/server.crt get survives"
        self.assertIn("everything", self.sh(ask))
        self.sh("systemctl reload quorate")
        wait_for(lambda: self.said("read the TLS files again"), "a reload")
        self.assertEqual(self.show("StatusText"), "serving")
        self.assertIn("everything", self.sh(ask))
        self.conf(lambda _: before)
        self.sh(f"rm -r /etc/systemd/system/{UNIT}.d /etc/quorate/tls; systemctl daemon-reload; "
                "systemctl restart quorate")

    def test_11_upgrade_starts_the_new_one(self):
        (self.root.path / "etc/quorate/extra.conf").write_text(
            "name = extra\ndata-dir = /var/lib/quorate/extra\nlisten-client-urls = http://localhost:22379\n"
            "advertise-client-urls = http://localhost:22379\nlisten-peer-urls = http://localhost:22380\n"
            "initial-advertise-peer-urls = http://localhost:22380\ninitial-cluster = extra=http://localhost:22380\n")
        self.sh("systemctl enable --now quorate@extra; quoratectl --endpoints=localhost:22379 put a b")
        before = [self.show("MainPID", unit) for unit in (UNIT, "quorate@extra")]
        self.upgrade()
        self.assertEqual((self.show("ActiveState"), self.value()), ("active", "everything"))
        after = [self.show("MainPID", unit) for unit in (UNIT, "quorate@extra")]
        self.assertNotEqual(after[0], before[0])
        self.assertEqual(after[1], before[1])  # one after the other, by the administrator
        self.sh("systemctl restart quorate@extra; quoratectl --endpoints=localhost:22379 get a")

    def test_12_removal_stops_members_and_keeps_their_data(self):
        self.root.apt_get("remove", "quorate-server", "quorate-engine-rocksdb")
        self.assertEqual(self.sh("ps -C quorate -o args= || true"), "")
        self.assertEqual(self.sh("systemctl list-units --no-legend --state=active 'quorate*'"), "")
        self.assertEqual(self.sh("ls /var/lib/quorate").split(), ["default", "extra"])
        self.install(NEW, "quorate-server", "quorate-engine-rocksdb")
        self.sh("systemctl start quorate quorate@extra")
        self.assertEqual(self.value(), "everything")

    def test_13_purge_leaves_nothing(self):
        self.root.apt_get("purge", "quorate-server", "quorate-client", "quorate-engine-rocksdb")
        self.assertEqual(self.sh("ps -C quorate -o args= || true"), "")
        left = self.sh("ls -d /var/lib/quorate /etc/systemd/system/*/quorate* /etc/quorate/quorate.conf "
                       "2>/dev/null || true")
        self.assertEqual(left, "")
        self.assertEqual(self.sh("ls /etc/quorate").split(), ["extra.conf"])  # not the package's


class PagesTest(Pages, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.build(PROJECT, BUILD, NEW)

    def setUp(self):
        self.root = self.make_root(BootedRoot, CLEAN)

    def install(self, commands):
        self.run_with_network(commands)
        if "etcd-server" in commands:
            self.shell("systemctl disable --now etcd 2>/dev/null")  # which Debian starts on our port

    def stop_all(self):
        self.root.run("systemctl", "stop", UNIT, "quorate@*.service")


if __name__ == "__main__":
    PROJECT = pathlib.Path(sys.argv[1]).resolve()
    BUILD = pathlib.Path(sys.argv[2]).resolve()
    if reason := missing() or why_not():
        print("skipped: " + reason)
        sys.exit(77)
    unittest.main(argv=sys.argv[:1] + sys.argv[3:], failfast=False)
