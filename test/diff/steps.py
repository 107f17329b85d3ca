# SPDX-License-Identifier: Apache-2.0
"""A run is a list of steps. The generator makes them from a seed and from what earlier answers
told it; a written list can be replayed and cut down."""

import base64
import json
import random
from dataclasses import dataclass, field


@dataclass
class Step:
    """kind: unary (method, request); range_stream (request: only for servers newer than etcd 3.4);
    watch (stream, request); keepalive (request); temporary (request, a LeaseGrant that is revoked at
    once); rule (method, request, expected: only for servers newer than etcd 3.4); barrier; compact (request); cancel (stream, request); progress
    (stream); restart; final. With users (auth_steps.py) also: call (method, request, user); reopen (stream,
    user)."""

    kind: str
    method: str = ""
    stream: int = 0
    request: bytes = b""
    expected: list = field(default_factory=list)
    user: str = ""

    def to_json(self):
        return {
            "kind": self.kind,
            "method": self.method,
            "stream": self.stream,
            "request": base64.b64encode(self.request).decode(),
            "expected": self.expected,
            "user": self.user,
        }

    @staticmethod
    def from_json(fields):
        return Step(**dict(fields, request=base64.b64decode(fields["request"])))


def write_steps(path, seed, steps):
    with open(path, "w") as out:
        json.dump({"seed": seed, "steps": [step.to_json() for step in steps]}, out, indent=1)


def read_steps(path):
    with open(path) as lines:
        return [Step.from_json(fields) for fields in json.load(lines)["steps"]]


STREAMS = 3
INVALID_SORT = [3, "etcdserver: invalid sort option"]
TXN_OPS_MAX = 128
BIG_VALUE_BYTES = 700_000  # three of these in one catch-up response must be fragmented
LEASE_TTL_FLOOR_S = 10_000  # nothing may expire in a run,
LEASE_TTL_SPACING_S = 600  # and the order by expiry must not hang on a second


def spare_etcd(txn, loses_keys):
    """etcd's duplicate check takes a delete up to "\\0" for an empty one, so that a transaction may
    delete a key and put it. Where the put has ignore_value or ignore_lease etcd ends with a panic, and
    here no such puts stand beside such deletes. 3.7.1 `loses_keys`: a compaction at the transaction's
    revision takes away what was put, and whoever reads the key next ends the server. Here such deletes
    are of one key then."""
    puts, open_ended = [], []
    pending = [txn]
    while pending:
        one = pending.pop()
        for operation in list(one.success) + list(one.failure):
            kind = operation.WhichOneof("request")
            if kind == "request_txn":
                pending.append(operation.request_txn)
            elif kind == "request_put":
                puts.append(operation.request_put)
            elif kind == "request_delete_range":
                if operation.request_delete_range.range_end == b"\x00":
                    open_ended.append(operation.request_delete_range)
    for put in puts if open_ended else []:
        put.ignore_value = put.ignore_lease = False
    for delete in open_ended if puts and loses_keys else []:
        delete.range_end = b""


class Generator:
    """Small sets of keys, leases and watch ids make collisions, overwrites, duplicate keys and
    empty ranges common; about one request in eight is wrong on purpose."""

    KEYS = (
        [b"a", b"aa", b"a\x00", b"ab", b"b", b"\x00", b"\x00\x01", b"\xff", b"\xff\xff", b"zz"]
        + [b"k%02d" % i for i in range(12)]
        + [b"dir/%d/x" % i for i in range(4)]
    )
    LEASES = [1, 2, 3, 7, 1 << 40, (1 << 63) - 1, -5]

    def __init__(self, seed, rpc):
        self.random = random.Random(seed)
        self.rpc = rpc
        self.revision = 1
        self.compacted = -1
        self.granted = 0
        self.reference_loses_keys = False  # see spare_etcd

    def observe(self, revision, compacted):
        """What the servers answered so far."""
        self.revision = max(self.revision, revision)
        self.compacted = compacted

    def next(self):
        choices = [
            (30, self._put),
            (26, self._range),
            (9, self._delete),
            (22, self._txn),
            (4, self._grant),
            (2, self._revoke),
            (3, self._time_to_live),
            (2, self._keep_alive),
            (1, lambda: self._unary("LeaseLeases", self.rpc.LeaseLeasesRequest())),
            (1, self._temporary),
            (3, self._hash),
            (1.2, self._compact),
            (4, self._watch),
            (1, self._cancel),
            (0.7, lambda: Step("progress", stream=self.random.randrange(STREAMS))),
            (1.5, lambda: Step("barrier")),
            (0.4, lambda: self._unary("Alarm", self.rpc.AlarmRequest())),
            (0.05, lambda: self._unary("Defragment", self.rpc.DefragmentRequest())),
            (0.8, self._invalid_sort),
            (0.4, self._big_put),
            (1, self._range_stream),
        ]
        weights, makers = zip(*choices)
        return self.random.choices(makers, weights)[0]()

    # --- pieces

    def _chance(self, probability):
        return self.random.random() < probability

    def _unary(self, method, request):
        return Step("unary", method=method, request=request.SerializeToString())

    def _key(self):
        if self._chance(0.01):
            return b""
        if self._chance(0.03):
            return bytes(self.random.randrange(256) for _ in range(self.random.randrange(1, 5)))
        return self.random.choice(self.KEYS)

    def _range_end(self, key):
        kind = self.random.random()
        if kind < 0.45:
            return b""
        if kind < 0.60:
            return b"\x00"
        if kind < 0.75:
            return self._prefix_end(key)
        return self._key()

    @staticmethod
    def _prefix_end(key):
        while key and key[-1] == 0xFF:
            key = key[:-1]
        return key[:-1] + bytes([key[-1] + 1]) if key else b"\x00"

    def _value(self):
        size = self.random.choice([0, 1, 3, 8, 8, 20, 100])
        return bytes(self.random.randrange(97, 100) for _ in range(size))

    def _lease(self):
        return self.random.choice(self.LEASES)

    def _past_revision(self):
        """0, somewhere in the past, around the compacted revision, in the future, negative."""
        kind = self.random.random()
        if kind < 0.55:
            return 0
        if kind < 0.80:
            return self.random.randint(max(1, self.compacted), self.revision)
        if kind < 0.92:
            return self.compacted + self.random.randint(-1, 2)
        if kind < 0.97:
            return self.revision + self.random.randint(0, 2)
        return -self.random.randint(1, 9)

    def _filter_revision(self):
        return self.random.randint(0, self.revision + 1) if self._chance(0.12) else 0

    # --- KV

    def _put_request(self):
        request = self.rpc.PutRequest(key=self._key(), prev_kv=self._chance(0.3))
        if self._chance(0.12):
            request.ignore_value = True
        if not request.ignore_value or self._chance(0.1):
            request.value = self._value()
        if self._chance(0.12):
            request.ignore_lease = True
        if self._chance(0.1 if request.ignore_lease else 0.2):
            request.lease = self._lease()
        return request

    def _put(self):
        return self._unary("Put", self._put_request())

    def _big_put(self):
        key = b"big/%d" % self.random.randrange(3)
        value = bytes([self.random.randrange(97, 123)]) * BIG_VALUE_BYTES
        return self._unary("Put", self.rpc.PutRequest(key=key, value=value))

    def _range_request(self):
        key = self._key()
        return self.rpc.RangeRequest(
            key=key,
            range_end=self._range_end(key),
            limit=self.random.choice([0, 0, 0, 1, 2, 3, 7, 1000, -1]),
            revision=self._past_revision(),
            sort_order=self.random.choice([0, 0, 1, 2]),
            sort_target=self.random.choice([0, 0, 1, 2, 3, 4]),
            serializable=self._chance(0.3),
            keys_only=self._chance(0.15),
            count_only=self._chance(0.1),
            min_mod_revision=self._filter_revision(),
            max_mod_revision=self._filter_revision(),
            min_create_revision=self._filter_revision(),
            max_create_revision=self._filter_revision(),
        )

    def _range(self):
        return self._unary("Range", self._range_request())

    def _range_stream(self):
        request = self._range_request()
        if request.sort_order == request.NONE:
            request.sort_target = request.KEY  # sorted within each part otherwise, as clients can't tell
        if self._chance(0.7):
            request.min_mod_revision = request.max_mod_revision = 0
            request.min_create_revision = request.max_create_revision = 0
        return Step("range_stream", request=request.SerializeToString())

    def _invalid_sort(self):
        request = self._range_request()
        request.key = b"a"
        if self._chance(0.5):
            request.sort_order = self.random.choice([3, 99, -1])
        else:
            request.sort_target = self.random.choice([5, 99, -1])
        return Step(
            "rule", method="Range", request=request.SerializeToString(), expected=INVALID_SORT
        )

    def _delete_request(self):
        key = self._key()
        end = self._range_end(key)
        if end == b"\x00" and self._chance(0.7):
            end = b""  # deleting everything too often leaves nothing to compare
        return self.rpc.DeleteRangeRequest(key=key, range_end=end, prev_kv=self._chance(0.4))

    def _delete(self):
        return self._unary("DeleteRange", self._delete_request())

    def _compare(self):
        compare = self.rpc.Compare(
            key=self._key(),
            result=self.random.choice([0, 1, 2, 3]),
            target=self.random.choice([0, 1, 2, 3, 4]),
        )
        if self._chance(0.25):
            compare.range_end = self._range_end(compare.key)
        member = compare.target
        if self._chance(0.06):
            member = self.random.choice([0, 1, 2, 3, 4, None])  # not the one that target names
        if member == 0:
            compare.version = self.random.randint(-1, 4)
        elif member == 1:
            compare.create_revision = self.random.choice([0, self.revision, self.revision // 2])
        elif member == 2:
            compare.mod_revision = self.random.choice([0, self.revision, self.revision // 2])
        elif member == 3:
            compare.value = self._value()
        elif member == 4:
            compare.lease = self.random.choice([0, self._lease()])
        if self._chance(0.01):
            compare.result = 17
        if self._chance(0.01):
            compare.target = 17
        return compare

    def _operation(self, depth):
        kind = self.random.random()
        operation = self.rpc.RequestOp()
        if kind < 0.45:
            operation.request_put.CopyFrom(self._put_request())
        elif kind < 0.70:
            operation.request_range.CopyFrom(self._range_request())
        elif kind < 0.85:
            operation.request_delete_range.CopyFrom(self._delete_request())
        elif depth > 0 and kind < 0.99:
            operation.request_txn.CopyFrom(self._txn_request(depth - 1))
        elif kind > 0.995:
            pass  # an operation without a request
        else:
            operation.request_put.CopyFrom(self._put_request())
        return operation

    def _txn_request(self, depth):
        request = self.rpc.TxnRequest()
        request.compare.extend(self._compare() for _ in range(self.random.choice([0, 1, 1, 2])))
        for branch in (request.success, request.failure):
            count = self.random.choice([0, 1, 1, 2, 2, 3])
            branch.extend(self._operation(depth) for _ in range(count))
        return request

    def _txn(self):
        request = self._txn_request(depth=2)
        if self._chance(0.02):
            count = TXN_OPS_MAX + self.random.randint(-3, 2)
            del request.success[:]
            for i in range(count):
                put = request.success.add().request_put
                put.key = b"many/%03d" % i
                put.value = b"m"
        if self._chance(0.01):
            count = TXN_OPS_MAX - len(request.success) + self.random.randint(-1, 1)
            nested = request.success.add().request_txn
            for i in range(max(count, 0)):
                nested.failure.add().request_range.key = b"n%d" % i
        spare_etcd(request, self.reference_loses_keys)
        return self._unary("Txn", request)

    # --- leases

    def _grant(self):
        ttl = LEASE_TTL_FLOOR_S + LEASE_TTL_SPACING_S * self.granted
        self.granted += 1
        if self._chance(0.08):
            ttl = self.random.choice([9_000_000_001, 1 << 62])
        return self._unary("LeaseGrant", self.rpc.LeaseGrantRequest(ID=self._lease(), TTL=ttl))

    def _temporary(self):
        request = self.rpc.LeaseGrantRequest(TTL=self.random.choice([-3, 0, 1, 2, 3, 77]))
        return Step("temporary", request=request.SerializeToString())

    def _revoke(self):
        return self._unary("LeaseRevoke", self.rpc.LeaseRevokeRequest(ID=self._lease()))

    def _time_to_live(self):
        request = self.rpc.LeaseTimeToLiveRequest(ID=self._lease(), keys=self._chance(0.6))
        return self._unary("LeaseTimeToLive", request)

    def _keep_alive(self):
        request = self.rpc.LeaseKeepAliveRequest(ID=self._lease())
        return Step("keepalive", request=request.SerializeToString())

    # --- history

    def _hash(self):
        revision = 0 if self._chance(0.5) else self._past_revision()
        return self._unary("HashKV", self.rpc.HashKVRequest(revision=revision))

    def _compact(self):
        kind = self.random.random()
        if kind < 0.75:
            low = max(1, self.compacted + 1)
            revision = self.random.randint(low, max(low, self.revision))
        elif kind < 0.85:
            revision = self.compacted - self.random.randint(0, 1)
        elif kind < 0.95:
            revision = self.revision + self.random.randint(0, 2)
        else:
            revision = self.random.choice([0, -1, -7])
        request = self.rpc.CompactionRequest(revision=revision, physical=self._chance(0.3))
        return Step("compact", request=request.SerializeToString())

    # --- watches

    def _watch(self):
        key = self._key()
        create = self.rpc.WatchCreateRequest(
            key=key,
            range_end=self._range_end(key),
            start_revision=self._start_revision(),
            progress_notify=self._chance(0.2),
            prev_kv=self._chance(0.5),
            watch_id=self.random.choice([0, 0, 0, 1, 2, 5]),
            fragment=self._chance(0.4),
        )
        if self._chance(0.25):
            create.filters.extend(self.random.choice([[0], [1], [0], [1], [0, 1], [9], [1, 1]]))
        request = self.rpc.WatchRequest(create_request=create)
        return self._on_stream("watch", request)

    def _start_revision(self):
        kind = self.random.random()
        if kind < 0.5:
            return 0
        if kind < 0.85:
            return self.random.randint(max(1, self.compacted), self.revision + 1)
        if kind < 0.95:
            return max(1, self.compacted - self.random.randint(0, 3))
        return self.revision + self.random.randint(1, 40)

    def _cancel(self):
        request = self.rpc.WatchRequest(
            cancel_request=self.rpc.WatchCancelRequest(watch_id=self.random.randint(0, 6))
        )
        return self._on_stream("cancel", request)

    def _on_stream(self, kind, request):
        stream = self.random.randrange(STREAMS)
        return Step(kind, stream=stream, request=request.SerializeToString())
