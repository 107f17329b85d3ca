# SPDX-License-Identifier: Apache-2.0
"""What clients do to a member besides writing: watch, lease, read, ask, and misbehave.

Each kind of client is a function of a Visitor that does one visit, and is called until the member
goes. It may end in a gRPC error that is expected of it; anything else fails the test.
"""

import http.client
import random
import socket
import threading

import grpc
from client import Client

PREFIX = dict(key=b"writer-", range_end=b"writer.")  # all that load.py writes
HTTP2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
EMPTY_SETTINGS = b"\0\0\0\4\0\0\0\0\0"
EVENTS_A_VISIT = 60
MESSAGE_TIMEOUT_S = 20
HTTP_PATHS = ("/health", "/version", "/metrics", "/livez", "/readyz", "/nothing-here")
METHODS_OF_MAINTENANCE = ("HashKV", "Alarm", "Defragment")


class Wrong(Exception):
    """The member answered what it must not."""


class Visitor:
    """One client of one member, with a random source of its own."""

    def __init__(self, endpoint, protos, seed, stopping):
        self.endpoint = endpoint
        self.pb = protos["rpc"]
        self.random = random.Random(seed)
        self.stopping = stopping
        self.client = Client(endpoint, self.pb)

    def call(self, method, allowed=(), **fields):
        """A unary call; the answer, or None for an error that is allowed."""
        name = {"Compact": "CompactionRequest"}.get(method, method + "Request")
        outcome = self.client.unary(method, getattr(self.pb, name)(**fields))
        if outcome.code == 0:
            return outcome.message
        if grpc_code(outcome.code) in allowed or self.stopping.is_set():
            return None
        raise Wrong(f"{method}({str(fields)[:200]}): {outcome.describe()[:500]}")

    def revision(self):
        answer = self.call("Range", key=b"none")
        return answer.header.revision if answer else 1

    def expect(self, came, what):
        if not came and not self.stopping.is_set():
            raise Wrong(f"{what} did not come within {MESSAGE_TIMEOUT_S} s")

    def close(self):
        self.client.close()


def grpc_code(number):
    return next(code for code in grpc.StatusCode if code.value[0] == number)


def watch(visitor):
    """Follows all changes for a while, from now or from the past; then cancels, or just goes."""
    stream = visitor.client.stream("Watch")
    try:
        start = visitor.random.choice([0, max(1, visitor.revision() - visitor.random.randrange(300))])
        request = visitor.pb.WatchCreateRequest(
            start_revision=start, prev_kv=visitor.random.random() < 0.3, fragment=True, **PREFIX
        )
        stream.send(visitor.pb.WatchRequest(create_request=request))
        if visitor.random.random() < 0.3:
            stream.send(visitor.pb.WatchRequest(progress_request=visitor.pb.WatchProgressRequest()))
        order = EventOrder(start)
        visitor.expect(stream.take_until(order.note, MESSAGE_TIMEOUT_S), "events of a watch")
        if not order.canceled and visitor.random.random() < 0.5:
            cancel = visitor.pb.WatchCancelRequest(watch_id=0)
            stream.send(visitor.pb.WatchRequest(cancel_request=cancel))
            canceled = stream.take_until(lambda answer: answer.canceled, MESSAGE_TIMEOUT_S)
            visitor.expect(canceled, "the end of a watch")
    finally:
        stream.close()


class EventOrder:
    """Revisions never go back and no change comes twice."""

    def __init__(self, start):
        self.last = (start - 1, b"")
        self.seen = 0
        self.canceled = False  # by the member, because a compaction overtook it

    def note(self, answer):
        """True when enough was seen."""
        for event in answer.events:
            place = (event.kv.mod_revision, event.kv.key)
            if place[0] < self.last[0] or place == self.last:
                raise Wrong(f"an event of {place} after one of {self.last}")
            self.last = place
            self.seen += 1
        self.canceled = answer.canceled
        return self.canceled or self.seen >= EVENTS_A_VISIT


def lease(visitor):
    """A lease with a key; kept alive and revoked, or left to expire."""
    granted = visitor.call("LeaseGrant", TTL=visitor.random.randrange(1, 4))
    if granted is None:
        return
    key = f"leased/{visitor.random.randrange(20)}".encode()
    visitor.call("Put", [grpc.StatusCode.NOT_FOUND], key=key, value=b"x", lease=granted.ID)
    stream = visitor.client.stream("LeaseKeepAlive")
    try:
        for _ in range(3):
            stream.send(visitor.pb.LeaseKeepAliveRequest(ID=granted.ID))
            answered = stream.take_until(lambda answer: True, MESSAGE_TIMEOUT_S)
            visitor.expect(answered, "the answer to a keep-alive")
    finally:
        stream.close()
    visitor.call("LeaseTimeToLive", ID=granted.ID, keys=True)
    visitor.call("LeaseLeases")
    if visitor.random.random() < 0.6:
        visitor.call("LeaseRevoke", [grpc.StatusCode.NOT_FOUND], ID=granted.ID)


def read(visitor):
    """Ranges of all kinds, and a compaction now and then."""
    past = max(1, visitor.revision() - visitor.random.randrange(400))
    compacted = [grpc.StatusCode.OUT_OF_RANGE]
    visitor.call("Range", limit=10, **PREFIX)
    visitor.call("Range", count_only=True, **PREFIX)
    visitor.call("Range", serializable=True, keys_only=True, **PREFIX)
    visitor.call("Range", compacted, revision=past, **PREFIX)
    visitor.call("Range", compacted, revision=past + 1_000_000, **PREFIX)
    if visitor.random.random() < 0.1:
        visitor.call("Compact", compacted, revision=past, physical=visitor.random.random() < 0.5)


def ask(visitor):
    """Maintenance calls, and HTTP/1.1 on the same port."""
    visitor.call(visitor.random.choice(METHODS_OF_MAINTENANCE))
    connection = http.client.HTTPConnection(visitor.endpoint, timeout=MESSAGE_TIMEOUT_S)
    try:
        for path in visitor.random.sample(HTTP_PATHS, 3):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != (404 if path == "/nothing-here" else 200):
                if not visitor.stopping.is_set():
                    raise Wrong(f"{path} answers {answer.status}")
    except (OSError, http.client.HTTPException):
        if not visitor.stopping.is_set():
            raise
    finally:
        connection.close()


def misbehave(visitor):
    """Refused requests, calls that are given up, connections that say nonsense or nothing."""
    invalid = [grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND]
    visitor.call("Put", invalid, key=b"", value=b"x")
    visitor.call("Put", invalid, key=b"big", value=b"x" * (1792 << 10))
    visitor.call("Put", [grpc.StatusCode.RESOURCE_EXHAUSTED], key=b"big", value=b"x" * (2 << 20))
    visitor.call("LeaseRevoke", invalid, ID=12345)
    call = visitor.client.start("Range", visitor.pb.RangeRequest(**PREFIX))
    call.cancel()
    host, port = visitor.endpoint.split(":")
    for said in (
        b"",
        visitor.random.randbytes(200),
        HTTP2_PREFACE,
        HTTP2_PREFACE + EMPTY_SETTINGS + visitor.random.randbytes(100),
        HTTP2_PREFACE + EMPTY_SETTINGS + b"\0\1\0\1\4\0\0\0\1",  # a HEADERS frame without its bytes
        b"GET /metrics HTTP/1.1\r\nHost: ",
    ):
        try:
            with socket.create_connection((host, int(port)), timeout=MESSAGE_TIMEOUT_S) as connection:
                connection.sendall(said)
        except OSError:
            if not visitor.stopping.is_set() and not said:
                raise


KINDS = (watch, watch, lease, read, ask, misbehave)


class Traffic:
    """Clients of all kinds on threads of their own, until stop()."""

    def __init__(self, endpoint, protos, seed):
        self.stopping = threading.Event()
        self.failures = []
        self.visits = dict.fromkeys(KINDS, 0)
        self.visitors = []
        self.threads = []
        for number, kind in enumerate(KINDS):
            visitor = Visitor(endpoint, protos, seed * 100 + number, self.stopping)
            self.visitors.append(visitor)
            self.threads.append(threading.Thread(target=self._run, args=(kind, visitor)))
        for thread in self.threads:
            thread.start()

    def _run(self, kind, visitor):
        try:
            while not self.stopping.is_set():
                kind(visitor)
                self.visits[kind] += 1
        except Exception as error:  # a thread's exception would be lost
            if not self.stopping.is_set() or isinstance(error, Wrong):
                self.failures.append(f"{kind.__name__}: {type(error).__name__}: {error}")

    def going(self):
        """From now on the member may be gone at any time."""
        self.stopping.set()

    def join(self):
        # Ends the calls that wait for the member to come back.
        for visitor in self.visitors:
            visitor.close()
        for thread in self.threads:
            thread.join()
