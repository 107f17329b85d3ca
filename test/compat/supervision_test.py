#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a service manager sees of a member: ready, fed watchdog, reload and stop over the notification
socket, and exit codes that tell kinds of failure apart.

usage: supervision_test.py QUORATE
"""

import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from clusters import wait_for  # noqa: E402
from servers import Server  # noqa: E402

BINARY = None
WAIT_S = 60
WATCHDOG_US = 400_000


class ServiceManager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = str(pathlib.Path(folder) / "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.settimeout(1)
        self.server = None

    def receive(self):
        """The lines of the next message."""
        for _ in range(WAIT_S):
            try:
                return self.socket.recv(65536).decode().split("\n")
            except TimeoutError:
                assert self.server.running, self.server.log_tail()
        raise AssertionError("no message came")

    def next(self, wanted):
        """The lines of the next message that holds the line `wanted`; others in between may be of the
        watchdog alone."""
        while True:
            lines = self.receive()
            if wanted in lines:
                return lines
            assert lines == ["WATCHDOG=1"], lines

    def close(self):
        self.socket.close()


class Case(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorate-supervision-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path


class SupervisionTest(Case):
    def start(self, **environment):
        self.manager = ServiceManager(self.folder)
        self.addCleanup(self.manager.close)
        self.config = self.write("quorate.conf", "log-level = info\n")
        self.server = Server("one", BINARY, str(self.folder / "one"),
                             [f"--config-file={self.config}"],
                             env={"NOTIFY_SOCKET": self.manager.path, **environment})
        self.addCleanup(self.server.stop)
        self.server.launch()
        self.manager.server = self.server

    def reload(self, text):
        """The status that the service has after a reload of this configuration."""
        self.config.write_text(text, encoding="utf-8")
        self.server.process.send_signal(signal.SIGHUP)
        self.assertTrue(any(line.startswith("MONOTONIC_USEC=")
                            for line in self.manager.next("RELOADING=1")))
        ready = self.manager.next("READY=1")
        return next(line.removeprefix("STATUS=") for line in ready if line.startswith("STATUS="))

    def lines(self, message):
        """The fields of the log's lines with this message."""
        found = []
        for line in self.server.log_text().splitlines():
            if line.startswith("{") and json.loads(line)["msg"] == message:
                found.append(json.loads(line))
        return found

    def test_says_that_it_is_ready_alive_and_stopping(self):
        self.start(WATCHDOG_USEC=str(WATCHDOG_US))
        self.assertIn(f"WATCHDOG_USEC={WATCHDOG_US}", self.manager.next("READY=1"))
        for _ in range(5):
            self.manager.next("WATCHDOG=1")
        self.server.process.send_signal(signal.SIGTERM)
        self.manager.next("STOPPING=1")
        self.assertEqual(self.server.process.wait(WAIT_S), 0)

    def test_a_watchdog_of_somebody_else_is_not_fed(self):
        self.start(WATCHDOG_USEC="1000", WATCHDOG_PID="1")
        self.assertEqual(self.manager.next("READY=1"), ["READY=1", "STATUS=serving"])
        self.server.process.send_signal(signal.SIGTERM)
        # With a feed due at every heartbeat, one would come before this.
        self.assertEqual(self.manager.receive(), ["STOPPING=1"])

    def test_reload_takes_the_log_level_over(self):
        self.start()
        self.manager.next("READY=1")
        self.assertEqual(self.reload("log-level = warn\nquota-backend-bytes = 5000000000\n"), "serving")
        wait_for(lambda: self.lines("options have changed that count only from the next start"),
                 "the warning")
        warning = self.lines("options have changed that count only from the next start")[0]
        self.assertEqual(warning["options"], "quota-backend-bytes")
        # That was the last line of level info.
        self.assertEqual(len(self.lines("received signal")), 1)
        self.assertEqual(self.reload("log-level = info\n"), "serving")
        self.assertEqual(len(self.lines("received signal")), 1)
        self.assertEqual(self.reload("log-level = info\n"), "serving")
        self.assertEqual(len(self.lines("received signal")), 2)

    def test_reload_opens_log_files_again(self):
        self.start()
        self.manager.next("READY=1")
        file = self.folder / "quorate.log"
        config = f"log-outputs = {file}\n"
        self.assertEqual(self.reload(config), "serving")
        file.rename(self.folder / "quorate.log.1")
        self.assertEqual(self.reload(config), "serving")
        self.assertEqual(self.reload(config), "serving")
        self.assertIn("received signal", file.read_text(encoding="utf-8"))

    def test_reload_refuses_half_a_file(self):
        self.start()
        self.manager.next("READY=1")
        for text, reason in (("log-level = warn\nlog-outp", ":2: "),
                             ("log-level = war", 'invalid value "war" for '),
                             ("[storage.level", ":1: ")):
            status = self.reload(text)
            self.assertTrue(status.startswith("serving; reload refused: "), status)
            self.assertIn(str(self.config), status)
            self.assertIn(reason, status)
            self.assertEqual(self.lines("reload refused; all stays as it was")[-1]["level"], "error")
        self.config.unlink()
        self.server.process.send_signal(signal.SIGHUP)
        self.manager.next("RELOADING=1")
        self.assertIn("reload refused", "\n".join(self.manager.next("READY=1")))
        self.assertEqual(len(self.lines("received signal")), 4)
        self.assertTrue(self.server.running)


class ExitCodeTest(Case):
    def refused(self, code, text, *options, configuration=None):
        """Starting ends with this code and one line that says why."""
        command = [BINARY, f"--data-dir={self.folder / 'data'}", *options]
        if configuration is not None:
            command.append(f"--config-file={self.write('bad.conf', configuration)}")
        done = subprocess.run(command, capture_output=True, text=True, timeout=WAIT_S, check=False)
        said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
        self.assertEqual(len(said), 1, done.stderr)
        self.assertIn(text, said[0])
        self.assertEqual(done.returncode, code, said[0])

    def local_urls(self):
        return [f"--listen-{kind}-urls=http://127.0.0.1:{port}" for kind, port in
                zip(("client", "peer"), (self.free_port(), self.free_port()))] + [
                    "--advertise-client-urls=http://127.0.0.1:1"]

    def free_port(self):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            return one.getsockname()[1]

    def test_usage(self):
        self.refused(2, "flag provided but not defined: -nmae (did you mean --name?)", "--nmae=x")

    def test_configuration(self):
        self.refused(3, "bad.conf:1: ", configuration="nmae = x\n")
        self.refused(3, "no-such.conf", f"--config-file={self.folder / 'no-such.conf'}")
        self.refused(3, "initial-cluster", "--initial-cluster=other=http://127.0.0.1:1")

    def test_plugin(self):
        self.refused(4, "storage_nosuch.so: no such plugin; storage plugins there: ",
                     "--storage=nosuch", *self.local_urls())

    def test_data(self):
        foreign = self.folder / "data" / "member" / "snap"
        foreign.mkdir(parents=True)
        (foreign / "db").write_bytes(b"\0" * 4096)
        self.refused(5, str(foreign / "db"), *self.local_urls())

    def test_address(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            self.refused(6, f"can't listen on {url}: ", f"--listen-client-urls={url}",
                         f"--advertise-client-urls={url}",
                         f"--listen-peer-urls=http://127.0.0.1:{self.free_port()}")


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main()
