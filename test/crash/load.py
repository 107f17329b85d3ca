# SPDX-License-Identifier: Apache-2.0
"""Writers that remember what was acknowledged, and the check of a server against their memory.

Each writer owns its keys and has one request under way, so after a crash its keys are in the state
of the last acknowledgement, or of the one request whose answer never came.
"""

import os
import random
import threading
from dataclasses import dataclass, field

# These programs start servers while gRPC's threads run; see spawn() in ../support/servers.py.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

import grpc  # noqa: E402

CALL_TIMEOUT_S = 20
KEYS_PER_WRITER = 12
HISTORY_MAX = 4000


class Lost(Exception):
    """The server does not hold what it acknowledged."""


class Rpc:
    """The calls the load needs, without generated stubs."""

    def __init__(self, endpoint, protos):
        self.pb = protos["rpc"]
        self.channel = grpc.insecure_channel(
            endpoint, options=[("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        )
        self.put = self._unary("KV/Put", "PutRequest", "PutResponse")
        self.range = self._unary("KV/Range", "RangeRequest", "RangeResponse")
        self.txn = self._unary("KV/Txn", "TxnRequest", "TxnResponse")
        self.delete = self._unary("KV/DeleteRange", "DeleteRangeRequest", "DeleteRangeResponse")

    def _unary(self, method, request, response):
        call = self.channel.unary_unary(
            "/etcdserverpb." + method,
            request_serializer=getattr(self.pb, request).SerializeToString,
            response_deserializer=getattr(self.pb, response).FromString,
        )
        return lambda **fields: call(
            getattr(self.pb, request)(**fields), timeout=CALL_TIMEOUT_S, wait_for_ready=False
        )

    def close(self):
        self.channel.close()


@dataclass
class Held:
    """What a key holds; value None: it does not exist."""

    value: bytes = None
    revision: int = 0  # of the last change


@dataclass
class Writer:
    """One client. Its memory outlives the server's crashes."""

    number: int
    seed: int
    value_bytes: int = 200
    held: dict = field(default_factory=dict)  # key -> Held
    unknown: dict = field(default_factory=dict)  # key -> value, of the request without an answer
    acknowledged: int = 0
    sequence: int = 0
    history: list = field(default_factory=list)  # (revision, key, value), a sample
    last_revision: int = 0
    failure: object = None

    def __post_init__(self):
        self.random = random.Random(self.seed * 1000 + self.number)
        self.held = {self.key(i): Held() for i in range(KEYS_PER_WRITER)}

    def key(self, i):
        return f"writer-{self.number}/{i}".encode()

    def value(self):
        self.sequence += 1
        text = f"{self.number}.{self.sequence}."
        return text.encode().ljust(self.random.randrange(1, self.value_bytes * 2), b".")

    def run(self, rpc, stop, on_ack):
        """Sends until the server fails or `stop` is set. A wrong answer ends up in `failure`."""
        try:
            while not stop.is_set():
                self.step(rpc)
                on_ack()
        except grpc.RpcError as error:
            self.failure = error
        except Exception as error:  # a thread's exception would be lost
            self.failure = error

    def step(self, rpc):
        what = self.random.random()
        if what < 0.6:
            self.unknown = {self.pick(): self.value()}
            (key, value), = self.unknown.items()
            revision = rpc.put(key=key, value=value).header.revision
        elif what < 0.9:
            self.unknown = {self.pick(): self.value() for _ in range(3)}
            revision = self.send_txn(rpc)
        else:
            key = self.pick()
            self.unknown = {key: None}
            response = rpc.delete(key=key)
            revision = response.header.revision
            if (response.deleted == 1) != (self.held[key].value is not None):
                raise Lost(f"{key}: deleted {response.deleted} keys, expected {self.held[key]}")
            if response.deleted == 0:
                self.unknown = {}
        self.acknowledge(revision)

    def pick(self):
        return self.key(self.random.randrange(KEYS_PER_WRITER))

    def send_txn(self, rpc):
        """Puts several keys if all are as this writer left them, which nobody else changes."""
        pb = rpc.pb
        compares = [
            pb.Compare(
                key=key,
                target=pb.Compare.MOD,
                result=pb.Compare.EQUAL,
                mod_revision=self.held[key].revision if self.held[key].value is not None else 0,
            )
            for key in self.unknown
        ]
        puts = [
            pb.RequestOp(request_put=pb.PutRequest(key=key, value=value))
            for key, value in self.unknown.items()
        ]
        response = rpc.txn(compare=compares, success=puts)
        if not response.succeeded:
            raise Lost(f"writer {self.number}: its keys changed behind its back: {self.unknown}")
        return response.header.revision

    def acknowledge(self, revision):
        if self.unknown and revision <= self.last_revision:
            raise Lost(f"writer {self.number}: revision {revision} after {self.last_revision}")
        for key, value in self.unknown.items():
            self.held[key] = Held(value, revision)
            if value is not None and len(self.history) < HISTORY_MAX:
                self.history.append((revision, key, value))
        self.last_revision = max(self.last_revision, revision)
        self.unknown = {}
        self.acknowledged += 1

    def verify(self, rpc):
        """Compares all keys with the server and settles what became of the unanswered request."""
        response = rpc.range(key=self.key(0)[:-1], range_end=self.key(0)[:-2] + b"0")
        if response.header.revision < self.last_revision:
            raise Lost(f"revision {response.header.revision}, acknowledged {self.last_revision}")
        found = {kv.key: kv for kv in response.kvs}
        if self.unknown:
            self.settle(found)
        for key, held in self.held.items():
            kv = found.pop(key, None)
            if held.value is None:
                if kv is not None:
                    raise Lost(f"{key}: deleted at {held.revision}, but there is {kv.value[:40]}")
            elif kv is None:
                raise Lost(f"{key}: gone; {held.value[:40]} of {held.revision} was acknowledged")
            elif kv.value != held.value or kv.mod_revision != held.revision:
                raise Lost(
                    f"{key}: {kv.value[:40]} of {kv.mod_revision}, "
                    f"acknowledged {held.value[:40]} of {held.revision}"
                )
        if found:
            raise Lost(f"writer {self.number}: keys that nobody wrote: {list(found)}")

    def settle(self, found):
        """The unanswered request happened as a whole or not at all."""
        happened = set()
        revisions = set()
        for key, value in self.unknown.items():
            kv = found.get(key)
            if value is None:
                if self.held[key].value is not None:
                    happened.add(kv is None)
            else:
                happened.add(kv is not None and kv.value == value)
                if kv is not None and kv.value == value:
                    revisions.add(kv.mod_revision)
        if len(happened) > 1 or len(revisions) > 1:
            raise Lost(f"writer {self.number}: half of {self.unknown} happened: {found}")
        if happened == {True}:
            # A delete's revision is not to be seen any more.
            revision = revisions.pop() if revisions else self.last_revision
            if revisions and revision <= self.last_revision:
                raise Lost(f"writer {self.number}: revision {revision} was given before")
            for key, value in self.unknown.items():
                self.held[key] = Held(value, revision)
            self.last_revision = max(self.last_revision, revision)
        self.unknown = {}

    def verify_history(self, rpc, count):
        """Acknowledged revisions read as they were."""
        for revision, key, value in self.random.sample(
            self.history, min(count, len(self.history))
        ):
            kvs = rpc.range(key=key, revision=revision).kvs
            if len(kvs) != 1 or kvs[0].value != value or kvs[0].mod_revision != revision:
                raise Lost(f"{key} at revision {revision}: {kvs}, acknowledged {value[:40]}")


class Load:
    """All writers together."""

    def __init__(self, protos, seed, writers=8, value_bytes=200):
        self.protos = protos
        self.writers = [Writer(i, seed, value_bytes) for i in range(writers)]
        self.acknowledgements = 0
        self.lock = threading.Lock()

    @property
    def acknowledged(self):
        return sum(writer.acknowledged for writer in self.writers)

    def run_until(self, endpoint, acknowledgements, then):
        """Calls `then` while requests are under way, once so many were acknowledged or none will
        be any more; returns when all writers have ended."""
        reached = threading.Event()
        stop = threading.Event()
        running = [len(self.writers)]
        self.acknowledgements = 0

        def on_ack():
            with self.lock:
                self.acknowledgements += 1
                if self.acknowledgements >= acknowledgements:
                    reached.set()

        def work(writer):
            rpc = Rpc(endpoint, self.protos)
            try:
                writer.run(rpc, stop, on_ack)
            finally:
                rpc.close()
                with self.lock:
                    running[0] -= 1
                    if running[0] == 0:
                        reached.set()

        threads = [threading.Thread(target=work, args=(writer,)) for writer in self.writers]
        for writer in self.writers:
            writer.failure = None
        for thread in threads:
            thread.start()
        reached.wait()
        then()
        stop.set()
        for thread in threads:
            thread.join()
        for writer in self.writers:
            if writer.failure is not None and not isinstance(writer.failure, grpc.RpcError):
                raise writer.failure

    def verify(self, endpoint, history=5):
        rpc = Rpc(endpoint, self.protos)
        try:
            for writer in self.writers:
                writer.verify(rpc)
                writer.verify_history(rpc, history)
        finally:
            rpc.close()
        revisions = {}
        for writer in self.writers:
            for revision, key, _ in writer.history:
                if revisions.setdefault(revision, writer.number) != writer.number:
                    raise Lost(f"revision {revision} was given to two writers")
