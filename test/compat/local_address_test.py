#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where members call each other from, with and without the feature gate SetMemberLocalAddr. Runs in a network of
its own, since loopback addresses do not count; skipped where that can't be had.

usage: local_address_test.py QUORATE
"""

import ipaddress
import os
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from member import SKIPPED, Member, require

BINARY = None
INSIDE = "QUORATE_TEST_NETWORK"
HOSTS = {"m1": "10.99.0.1", "m2": "10.99.0.2"}
PEER_PORT, CLIENT_PORT = 2380, 2379
TIMEOUT_S = 30
ESTABLISHED = "01"


def callers(host, port):
    """The addresses that connections to this one come from."""
    found = set()
    with open("/proc/net/tcp", encoding="ascii") as table:
        for line in table.readlines()[1:]:
            local, remote, state = line.split()[1:4]
            if state == ESTABLISHED and end_of(remote) == (host, port):
                found.add(end_of(local)[0])
    return found


def end_of(text):
    """Address and port of an end as the kernel writes it: 0200630A:094C."""
    address, port = text.split(":")
    number = int.from_bytes(bytes.fromhex(address), sys.byteorder)
    return str(ipaddress.ip_address(number)), int(port, 16)


class LocalAddressTest(unittest.TestCase):
    def member(self, name, *extra):
        member = Member(BINARY)
        self.addCleanup(shutil.rmtree, member.directory, ignore_errors=True)
        self.addCleanup(member.stop)
        member.host, member.port = HOSTS[name], CLIENT_PORT
        member.endpoint = f"http://{member.host}:{CLIENT_PORT}"
        cluster = ",".join(f"{one}=http://{host}:{PEER_PORT}" for one, host in HOSTS.items())
        peer_url = f"http://{member.host}:{PEER_PORT}"
        member.command = [
            BINARY, f"--name={name}", f"--data-dir={member.directory}/data", f"--initial-cluster={cluster}",
            f"--listen-client-urls={member.endpoint}", f"--advertise-client-urls={member.endpoint}",
            f"--listen-peer-urls={peer_url}", f"--initial-advertise-peer-urls={peer_url}", *extra]
        return member

    def calls(self, *extra):
        """Who calls which member, once they are a cluster."""
        members = [self.member(name, *extra) for name in HOSTS]
        for member in members:
            member.launch()
        for member in members:
            member.wait_until_healthy()
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            found = {name: callers(host, PEER_PORT) for name, host in HOSTS.items()}
            if all(found.values()) or time.monotonic() > deadline:
                break
            time.sleep(0.05)
        logs = []
        for member in members:
            member.stop()
            with open(member.log_path, encoding="utf-8") as log:
                logs.append(log.read())
        return found, logs

    def test_calls_come_from_the_advertised_address(self):
        # Between two addresses of one machine the system takes the one that is called.
        found, _ = self.calls()
        self.assertEqual(found, {name: {host} for name, host in HOSTS.items()})
        found, logs = self.calls("--feature-gates=SetMemberLocalAddr=true")
        self.assertEqual(found, {"m1": {HOSTS["m2"]}, "m2": {HOSTS["m1"]}})
        for host, log in zip(HOSTS.values(), logs):
            self.assertIn(f'"msg":"setting member local address","LocalAddr":"{host}"', log)

    def test_an_address_that_is_not_ours(self):
        with tempfile.TemporaryDirectory() as directory:
            def refused(url):
                arguments = [f"--data-dir={directory}/data", "--name=m3", f"--initial-advertise-peer-urls={url}",
                             f"--initial-cluster=m3={url},m1=http://{HOSTS['m1']}:1",
                             "--initial-cluster-state=existing", "--feature-gates=SetMemberLocalAddr=true"]
                done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=TIMEOUT_S,
                                      check=False)
                self.assertEqual(done.returncode, 1, done.stderr)
                return done.stderr
            self.assertIn("the local address that calls are to come from: Cannot assign requested address",
                          refused("http://10.99.0.77:2380"))
            said = refused("http://m3.example.org:2380")
            self.assertIn("unable to set a member local address due to lack of suitable local addresses", said)
            self.assertNotIn("calls are to come from", said)


def in_a_network():
    """Runs this again in a network of its own."""
    command = ["unshare", "--net"] if os.getuid() == 0 else ["unshare", "--user", "--map-root-user", "--net"]
    setup = "; ".join(["set -e", "ip link set lo up"] + [f"ip address add {host}/32 dev lo" for host in HOSTS.values()])
    if subprocess.run([*command, "sh", "-c", setup], capture_output=True, check=False).returncode != 0:
        print("skipped: a network of its own can't be had")
        sys.exit(SKIPPED)
    again = subprocess.run([*command, "sh", "-c", f'{setup}; exec "$@"', "sh", sys.executable, *sys.argv],
                           env=dict(os.environ, **{INSIDE: "1"}), check=False)
    sys.exit(again.returncode)


if __name__ == "__main__":
    require("ip", "unshare")
    if INSIDE not in os.environ:
        in_a_network()
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
