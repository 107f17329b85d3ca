#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs what README.md tells a new user to type against a real server, and compares what it prints.

A block behind <!-- test: run --> is run by bash; the block behind <!-- test: output -->, where there is
one, is what it must print. A block behind <!-- test: config --> is a configuration file to check.

readme_test.py <project folder> <quorate> : ends with 77 (skipped) without etcdctl or curl.
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
import time
import unittest
import urllib.error
import urllib.request

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")
PROGRAM = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "build/quorate").resolve()
LINES_MAX = 120
START_SECONDS = 60

BLOCK = re.compile(r'<!-- test: (\w+) -->\n```\w*\n(.*?)^```$', re.S | re.M)


def free_ports(host, count):
    """Ports that nobody listens on now; all are held until the last is found."""
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind((host, 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


class Server:
    def __init__(self, folder):
        host = f"127.0.0.{os.getpid() % 250 + 2}"
        client, peer = free_ports(host, 2)
        self.address = f"{host}:{client}"
        self.log = open(pathlib.Path(folder) / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [PROGRAM, "--data-dir", pathlib.Path(folder) / "data",
             f"--listen-client-urls=http://{self.address}",
             f"--advertise-client-urls=http://{self.address}",
             f"--listen-peer-urls=http://{host}:{peer}",
             f"--initial-advertise-peer-urls=http://{host}:{peer}"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, cwd=folder)

    def wait_until_healthy(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with urllib.request.urlopen(f"http://{self.address}/health", timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                time.sleep(0.05)
        self.log.seek(0)
        raise AssertionError("the server did not become healthy:\n" + self.log.read())

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(START_SECONDS)
        self.log.close()
        return code


class ReadmeTest(unittest.TestCase):
    def setUp(self):
        self.text = (ROOT / "README.md").read_text(encoding="utf-8")
        self.blocks = BLOCK.findall(self.text)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_is_short(self):
        self.assertLessEqual(self.text.count("\n"), LINES_MAX)

    def test_names_files_that_exist(self):
        for name in re.findall(r'`((?:src|conf|plugins|test|bench)/[\w./-]+|[A-Z]+\.md)`', self.text):
            self.assertTrue((ROOT / name).exists(), name)

    def test_session(self):
        server = Server(self.folder)
        try:
            server.wait_until_healthy()
            environment = {**os.environ, "ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": server.address}
            ran = 0
            for position, (kind, block) in enumerate(self.blocks):
                if kind != "run":
                    continue
                done = subprocess.run(
                    ["bash", "-e", "-o", "pipefail"],
                    input=block.replace("localhost:2379", server.address), text=True,
                    capture_output=True, env=environment, cwd=self.folder, timeout=60, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                ran += 1
                following = self.blocks[position + 1:position + 2]
                if following and following[0][0] == "output":
                    self.assertEqual(done.stdout.rstrip(), following[0][1].rstrip())
            self.assertGreater(ran, 0)
        finally:
            code = server.stop()
        self.assertEqual(code, 0)

    def test_configuration_is_accepted(self):
        configs = [block for kind, block in self.blocks if kind == "config"]
        self.assertTrue(configs)
        for config in configs:
            path = pathlib.Path(self.folder) / "q.conf"
            path.write_text(config, encoding="utf-8")
            done = subprocess.run([PROGRAM, "--config-file", path, "--check-config"],
                                  capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    if not shutil.which("etcdctl") or not shutil.which("curl"):
        print("etcdctl or curl is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
