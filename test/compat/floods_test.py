#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that flood, dawdle or fall silent: what they may cost, while others go on being served.

usage: floods_test.py QUORATE [--connections N] [test ...]
"""

import argparse
import base64
import json
import os
import shutil
import socket
import ssl
import statistics
import struct
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from certificates import Authority  # noqa: E402
from member import Member, free_ports, require  # noqa: E402

BINARY = None
CONNECTIONS = 1500  # idle ones whose memory is measured; more with --connections
TIMEOUT_S = 60

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
ACK, END_HEADERS = 1, 4
ENHANCE_YOUR_CALM = 11


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


HELLO = PREFACE + frame(SETTINGS, 0, 0)


def field(index, value):
    """A header whose name is in HPACK's static table."""
    head = bytes([index]) if index < 15 else bytes([15, index - 15])
    return head + bytes([len(value)]) + value


CALL = (b"\x83\x86" + field(4, b"/etcdserverpb.Watch/Watch") + field(1, b"localhost")
        + field(31, b"application/grpc") + b"\x00\x02te\x08trailers")


class Reader(threading.Thread):
    """Takes everything a connection says, until it closes."""

    def __init__(self, connection):
        super().__init__(daemon=True)
        self.connection = connection
        self.received = b""
        self.start()

    def run(self):
        try:
            while data := self.connection.recv(65536):
                self.received = (self.received + data)[-200000:]
        except OSError:
            pass

    def goaway_code(self):
        """The error code of the last frame, which must be a GOAWAY."""
        self.join(TIMEOUT_S)
        at, last = 0, None
        while at + 9 <= len(self.received):
            size = int.from_bytes(self.received[at:at + 3], "big")
            if self.received[at + 3] == GOAWAY:
                last = int.from_bytes(self.received[at + 13:at + 17], "big")
            at += 9 + size
        return last


class FloodsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.mkdtemp(prefix="quorate-floods-")
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        authority = Authority(os.path.join(cls.directory, "ca"))
        pair = authority.issue("server", "server")
        cls.context = ssl._create_unverified_context()
        cls.context.set_alpn_protocols(["h2"])
        cls.member = Member(BINARY, ["--cert-file", pair.cert, "--key-file", pair.key])
        # Three at once, of which at least one is neither of the member's two.
        cls.tls_port = next(port for port in free_ports(cls.member.host, 3)
                            if f":{port}" not in cls.member.endpoint + cls.member.peer_url)
        place = cls.member.command.index("--listen-client-urls") + 1
        cls.member.command[place] += f",https://{cls.member.host}:{cls.tls_port}"
        cls.member.__enter__()
        cls.addClassCleanup(cls.member.__exit__, None, None, None)

    def setUp(self):
        self.open = []
        self.addCleanup(lambda: [one.close() for one in self.open])

    def connect(self, tls=False, shake_hands=True):
        port = self.tls_port if tls else self.member.port
        one = socket.create_connection((self.member.host, port), timeout=TIMEOUT_S)
        self.open.append(one)
        if tls and shake_hands:
            one = self.context.wrap_socket(one)
            self.open[-1] = one
        return one

    def status(self, name):
        """A line of the server's /proc/PID/status, in its own unit (kB or a number)."""
        with open(f"/proc/{self.member.process.pid}/status") as status:
            return next(int(line.split()[1]) for line in status if line.startswith(name + ":"))

    def log_lines(self):
        with open(self.member.log_path, errors="replace") as log:
            return sum(1 for _ in log)

    def post(self, path, body, timeout_s=TIMEOUT_S):
        request = urllib.request.Request(self.member.endpoint + path, data=body)
        try:
            with urllib.request.urlopen(request, timeout=timeout_s) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def others_are_served(self, requests=30):
        """What others notice is measured and printed; that they are served is what counts."""
        took = []
        key = base64.b64encode(b"key").decode()
        for number in range(requests):
            value = base64.b64encode(str(number).encode()).decode()
            began = time.monotonic()
            status, body = self.post("/v3/kv/put", json.dumps({"key": key, "value": value}).encode())
            took.append((time.monotonic() - began) * 1000)
            self.assertEqual(status, 200, body)
        print(f"{self._testMethodName}: {requests} puts of others, median {statistics.median(took):.1f} ms, "
              f"slowest {max(took):.1f} ms", flush=True)
        with socket.create_connection((self.member.host, self.tls_port), timeout=TIMEOUT_S) as raw:
            with ssl._create_unverified_context().wrap_socket(raw) as secure:
                secure.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                answer = b""
                while data := secure.recv(65536):
                    answer += data
                self.assertIn(b'"true"', answer)

    def flood(self, connection, piece, times):
        """Sends `piece` over and over in the background, until the server has had enough."""

        def send():
            try:
                for _ in range(times):
                    connection.sendall(piece)
            except OSError:
                pass  # closed, as it should be

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        return thread

    def test_idle_and_slow_http1(self):
        """A thousand that are silent or dawdle over a header cost no thread and little memory."""
        self.others_are_served(1)
        threads, memory = self.status("Threads"), self.status("VmRSS")
        for number in range(1000):
            one = self.connect()
            if number % 2:
                one.sendall(b"POST /v3/kv/put HTTP/1.1\r\nHost: x\r\nX-Slow: ")
        self.others_are_served()
        for one in self.open[1::2]:
            one.sendall(b"y")
        self.others_are_served()
        self.assertEqual(self.status("Threads"), threads)
        self.assertLess(self.status("VmRSS") - memory, 20 * 1024)

    def test_handshakes_that_never_end(self):
        memory = self.status("VmRSS")
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"  # and no more of it
        for number in range(2000):
            one = self.connect(tls=True, shake_hands=False)
            if number % 2:
                one.sendall(hello)
        self.others_are_served()
        self.assertLess(self.status("VmRSS") - memory, 60 * 1024)
        # 1024 wait; those that came before them have made room.
        closed = 0
        for one in self.open[:900]:
            one.settimeout(TIMEOUT_S)
            try:
                closed += one.recv(1) == b""
            except ConnectionResetError:
                closed += 1
        self.assertEqual(closed, 900)
        with open(self.member.log_path, errors="replace") as log:
            lines = [line for line in log if "made room for newer connections" in line]
        self.assertLess(len(lines), 200)

    def test_rapid_reset(self):
        connection = self.connect()
        reader = Reader(connection)
        connection.sendall(HELLO)
        memory, lines = self.status("VmRSS"), self.log_lines()
        stream = iter(range(1, 2 * 30000, 2))

        def send():
            try:
                for number in stream:
                    connection.sendall(frame(HEADERS, END_HEADERS, number, CALL)
                                       + frame(RST_STREAM, 0, number, b"\0\0\0\x08"))
            except OSError:
                pass

        thread = threading.Thread(target=send, daemon=True)
        thread.start()
        self.others_are_served()
        thread.join(TIMEOUT_S)
        self.assertEqual(reader.goaway_code(), ENHANCE_YOUR_CALM)
        self.assertLess(self.status("VmRSS") - memory, 30 * 1024)
        self.assertLess(self.log_lines() - lines, 20)

    def check_frame_flood(self, piece, times, reads):
        connection = self.connect()
        reader = Reader(connection) if reads else None
        memory = self.status("VmRSS")
        connection.sendall(HELLO)
        thread = self.flood(connection, piece, times)
        self.others_are_served()
        thread.join(TIMEOUT_S)
        self.assertFalse(thread.is_alive(), "the server still listens to the flood")
        self.assertLess(self.status("VmRSS") - memory, 30 * 1024)
        self.others_are_served(1)
        return reader

    def test_pings(self):
        reader = self.check_frame_flood(frame(PING, 0, 0, b"12345678") * 100, 20000, True)
        self.assertEqual(reader.goaway_code(), ENHANCE_YOUR_CALM)

    def test_settings(self):
        """Each wants an answer; nobody takes them."""
        self.check_frame_flood(frame(SETTINGS, 0, 0) * 100, 20000, False)

    def test_endless_headers(self):
        head = frame(HEADERS, 0, 1, CALL)
        connection = self.connect()
        reader = Reader(connection)
        memory = self.status("VmRSS")
        connection.sendall(HELLO + head)
        piece = frame(CONTINUATION, 0, 1, b"\x00\x01a" + b"\x7f" + b"\xa1\x7e" + b"x" * 16288)
        thread = self.flood(connection, piece, 20000)
        self.others_are_served()
        thread.join(TIMEOUT_S)
        self.assertFalse(thread.is_alive())
        reader.join(TIMEOUT_S)
        self.assertLess(self.status("VmRSS") - memory, 30 * 1024)

    def test_deep_json(self):
        """A megabyte of nesting, from several at once, is refused while others go on."""
        answers, ending, memory = [], threading.Event(), self.status("VmRSS")

        def send():
            while not ending.is_set():
                for body in (b"[" * 1000000, b'{"a":' * 200000, b'{"compare":[' * 80000,
                             b'{"success":[{"request_txn":' * 38000):
                    answers.append(self.post("/v3/kv/txn", body))

        self.run_beside_others(send, ending)
        self.assertGreaterEqual(len(answers), 16)
        self.assertEqual([answer for answer in answers if answer[0] != 400], [])
        self.assertLess(self.status("VmRSS") - memory, 60 * 1024)
        self.others_are_served(1)

    def test_large_json(self):
        """Bodies of 100 MB are refused by their length, and cost what a request may be, not what they say."""
        answers, ending, memory = [], threading.Event(), self.status("VmRSS")
        head = (f"POST /v3/kv/put HTTP/1.1\r\nHost: {self.member.host}\r\n"
                "Content-Length: 100000000\r\n\r\n").encode()

        def send():
            while not ending.is_set():
                with socket.create_connection((self.member.host, self.member.port), timeout=TIMEOUT_S) as one:
                    try:
                        one.sendall(head + b'{"key":"YQ==","value":"')
                        for _ in range(1500):
                            one.sendall(b"YWFh" * 16384)
                    except OSError:
                        pass
                    try:
                        answers.append(one.recv(100))
                    except OSError:
                        answers.append(b"")

        self.run_beside_others(send, ending)
        self.assertGreaterEqual(len(answers), 4)
        self.assertEqual([answer for answer in answers if b" 200 " in answer], [])
        self.assertLess(self.status("VmRSS") - memory, 60 * 1024)
        self.others_are_served(1)

    def test_large_websocket_messages(self):
        """A message of a gigabyte over a websocket ends it, as soon as it says so."""
        ends, ending, memory = [], threading.Event(), self.status("VmRSS")
        head = (f"GET /v3/watch HTTP/1.1\r\nHost: {self.member.host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").encode()

        def send():
            while not ending.is_set():
                with socket.create_connection((self.member.host, self.member.port), timeout=TIMEOUT_S) as one:
                    one.sendall(head)
                    self.assertIn(b" 101 ", one.recv(4096))
                    one.sendall(b"\x81\xff" + struct.pack(">Q", 1 << 30) + b"\0\0\0\0{")
                    ends.append(one.recv(4))
                    try:
                        for _ in range(1500):
                            one.sendall(b" " * 65536)
                    except OSError:
                        pass

        self.run_beside_others(send, ending)
        self.assertGreaterEqual(len(ends), 4)
        # A closing frame with the code of a message that is too big.
        self.assertEqual([end for end in ends if end[:1] != b"\x88" or end[2:] != b"\x03\xf1"], [])
        self.assertLess(self.status("VmRSS") - memory, 60 * 1024)
        self.others_are_served(1)

    def run_beside_others(self, send, ending):
        """Four that `send` until the others have been measured."""
        threads = [threading.Thread(target=send, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        try:
            self.others_are_served()
        finally:
            ending.set()
            for thread in threads:
                thread.join(TIMEOUT_S)

    def test_calm(self):
        """For comparison."""
        self.others_are_served()

    def measure_idle(self, tls):
        # The first ones fill what is kept for all.
        for _ in range(100):
            self.greet(self.connect(tls))
        memory = self.status("VmRSS")
        for _ in range(CONNECTIONS):
            self.greet(self.connect(tls))
        grown = (self.status("VmRSS") - memory) * 1024 / CONNECTIONS
        print(f"{CONNECTIONS} idle gRPC connections{' over TLS' if tls else ''}: "
              f"{grown:.0f} bytes each", flush=True)
        self.others_are_served(1)
        return grown

    @staticmethod
    def greet(connection):
        """HTTP/2 up to the point where a client's channel is ready."""
        connection.sendall(HELLO)
        received = b""
        while frame(SETTINGS, ACK, 0) not in received:
            received += connection.recv(4096)
        connection.sendall(frame(SETTINGS, ACK, 0))

    def test_idle_grpc_connections(self):
        self.assertLess(self.measure_idle(False), 20 * 1024)

    def test_idle_grpc_connections_over_tls(self):
        """What OpenSSL keeps for each comes on top."""
        self.assertLess(self.measure_idle(True), 36 * 1024)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    options, rest = parser.parse_known_args()
    BINARY, CONNECTIONS = options.binary, options.connections
    require("openssl")
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
