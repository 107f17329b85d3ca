# SPDX-License-Identifier: Apache-2.0
"""Starts one member, Quorate or etcd, for a test, and stops it again."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

START_TIMEOUT_S = 30
STOP_TIMEOUT_S = 20
SKIPPED = 77  # what meson takes for a skipped test


def require(*programs):
    """Ends the test as skipped unless all these programs are installed."""
    for program in programs:
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed")
            sys.exit(SKIPPED)


def free_ports(host, count):
    """Ports nobody listens on now, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for s in sockets:
            s.bind((host, 0))
        return [s.getsockname()[1] for s in sockets]
    finally:
        for s in sockets:
            s.close()


class Member:
    """A running member; use it in a with statement."""

    def __init__(self, binary, extra_args=(), data_dir=None):
        self.host = f"127.0.0.{random.randint(10, 250)}"
        client_port, peer_port = free_ports(self.host, 2)
        self.port = client_port
        self.endpoint = f"http://{self.host}:{client_port}"
        self.peer_url = f"http://{self.host}:{peer_port}"
        self.directory = tempfile.mkdtemp(prefix="quorate-compat-")
        self.log_path = os.path.join(self.directory, "log")
        self.command = [
            binary,
            "--name", "t",
            "--data-dir", data_dir or os.path.join(self.directory, "data"),
            "--listen-client-urls", self.endpoint,
            "--advertise-client-urls", self.endpoint,
            "--listen-peer-urls", self.peer_url,
            "--initial-advertise-peer-urls", self.peer_url,
            "--initial-cluster", f"t={self.peer_url}",
            *extra_args,
        ]
        self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def start(self):
        self.launch()
        self.wait_until_healthy()

    def launch(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=log)

    def wait_until_healthy(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self.healthy():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.command[0]} ended at start:\n{self.log()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.command[0]} does not become healthy:\n{self.log()}")
            time.sleep(0.05)

    def stop(self):
        """Ends the member as an init system does; what it exited with."""
        if self.process is None or self.process.poll() is not None:
            return None
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"{self.command[0]} did not stop:\n{self.log()}") from None

    def get(self, path):
        """HTTP status and body of a GET."""
        try:
            with urllib.request.urlopen(self.endpoint + path, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def healthy(self):
        try:
            status, body = self.get("/health")
        except OSError:
            return False
        return status == 200 and '"true"' in body

    def log(self):
        with open(self.log_path, errors="replace") as log:
            return log.read()[-4000:]
