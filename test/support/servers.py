# SPDX-License-Identifier: Apache-2.0
"""Starts and ends servers for tests and benches: etcd from the distribution, or quorate.

Both take etcd's flags, so one class serves; clusters.py puts several together. Ports are free ones
of 127.0.0.1, data lives in a directory of the caller's, and only processes started here are ended.
"""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
import urllib.request

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
PORT_MIN = 10_000


def spawn(command, **popen_options):
    """Starts a process that ends with this one: a test that is killed must not leave its servers
    behind. Without a preexec_fn, so that Python takes vfork: the handlers that gRPC installs for
    fork end the whole test when they meet one of its thread pools at the wrong moment (1.51)."""
    return subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], **popen_options)


def free_ports(count):
    """Ports that were free a moment ago, all different. Below those that the system gives to
    connections: one of these may take any port of its range before the server does."""
    with open("/proc/sys/net/ipv4/ip_local_port_range") as limits:
        end = int(limits.read().split()[0])
    sockets = []
    try:
        while len(sockets) < count:
            one = socket.socket()
            try:
                one.bind(("127.0.0.1", random.randrange(PORT_MIN, end)))
                sockets.append(one)
            except OSError:
                one.close()  # somebody has it
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class ServerFailed(Exception):
    """A server that did not start or ended by itself; carries the end of its log."""


class Server:
    """One single-member server. `start` may be called again after `kill` or `stop`: the data and
    the ports stay."""

    host = "127.0.0.1"
    member_name = "one"
    peer_scheme = "http"
    wrapper = ()  # what runs the server, as "ip netns exec NAME"

    def __init__(self, name, binary, directory, extra_args=(), env=None):
        self.name = name
        self.binary = os.path.abspath(shutil.which(binary) or binary)
        self.directory = directory
        self.extra_args = list(extra_args)
        self.env = dict(os.environ, **(env or {}))
        self.client_port, self.peer_port = free_ports(2)
        self.process = None
        os.makedirs(directory, exist_ok=True)
        self.log_path = os.path.join(directory, "log")

    @property
    def endpoint(self):
        return f"{self.host}:{self.client_port}"

    @property
    def peer_url(self):
        """Where other members find this one."""
        return f"{self.peer_scheme}://{self.host}:{self.peer_port}"

    @property
    def pid(self):
        return self.process.pid

    @property
    def data_dir(self):
        return os.path.join(self.directory, "data")

    def cluster_args(self):
        return [f"--initial-cluster={self.member_name}={self.peer_url}"]

    def command(self):
        client = f"http://{self.host}:{self.client_port}"
        return [
            *self.wrapper,
            self.binary,
            f"--name={self.member_name}",
            f"--data-dir={self.data_dir}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={self.peer_url}",
            f"--initial-advertise-peer-urls={self.peer_url}",
        ] + self.cluster_args() + self.extra_args

    def launch(self):
        """Starts the process and waits for nothing."""
        with open(self.log_path, "ab") as log:
            self.process = spawn(
                self.command(), stdout=log, stderr=log, env=self.env, cwd=self.directory
            )

    def start(self):
        """Returns when the client port takes connections and a leader serves requests."""
        self.launch()
        self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
            if self._ready():
                return
            time.sleep(0.02)
        raise ServerFailed(f"{self.name} does not serve after {START_TIMEOUT_S} s:\n{self.log_tail()}")

    def _ready(self):
        """GET /health answers with status 200 once there is a leader."""
        try:
            with socket.create_connection((self.host, self.client_port), timeout=2) as conn:
                conn.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return conn.recv(64).startswith(b"HTTP/1.1 200")
        except OSError:
            return False

    def get(self, path):
        """A page of the client port."""
        address = f"http://{self.host}:{self.client_port}{path}"
        with urllib.request.urlopen(address, timeout=10) as page:
            return page.read().decode()

    def metrics(self):
        return self.get("/metrics")

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def pause(self):
        """Returns when all threads stand still: on a busy machine some run on for a while behind the signal."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """kill -9, as a crash would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """Ends the process in order; by force if it does not go. Fine when it never ran."""
        if not self.running:
            return
        self.process.terminate()
        self.resume()  # one that is paused would not see the signal
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def log_text(self):
        """All it has written; nothing when it was never started."""
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, "r", errors="replace") as log:
            return log.read()

    def log_tail(self, lines=30):
        # The line of all settings is far longer than what matters here.
        return "".join(line[:600] + "\n" for line in self.log_text().splitlines()[-lines:])
