# SPDX-License-Identifier: Apache-2.0
"""The calls of kube-apiserver's storage layer, in the shapes that it gives them, and a journal of what they
were told about revisions.

It puts nothing without a condition: an object is created when its key has never been changed or is gone, and
changed or deleted when its revision is still the one that was read.
"""

import bisect
import itertools
import threading
import time

import grpc

TIMEOUT_S = 30
COMPACT_KEY = b"compact_rev_key"
# Go's client asks for a leader with every watch of the apiserver's.
WANTS_LEADER = (("hasleader", "true"),)
COMPACTED = "etcdserver: mvcc: required revision has been compacted"
FUTURE = "etcdserver: mvcc: required revision is a future revision"


class Violation(Exception):
    """Something that the apiserver may rely on does not hold."""


def prefix_end(prefix):
    """The first key behind all keys of a prefix that ends with "/"."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


class Etcd:
    """One connection to one member."""

    def __init__(self, endpoint, rpc):
        self.rpc = rpc
        self.channel = grpc.insecure_channel(endpoint, [
            ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0),
            ("grpc.max_receive_message_length", -1), ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 300)])
        unary = self.channel.unary_unary
        self.range_call = self.method(unary, "KV/Range", rpc.RangeResponse)
        self.txn_call = self.method(unary, "KV/Txn", rpc.TxnResponse)
        self.compact_call = self.method(unary, "KV/Compact", rpc.CompactionResponse)
        self.grant_call = self.method(unary, "Lease/LeaseGrant", rpc.LeaseGrantResponse)
        self.status_call = self.method(unary, "Maintenance/Status", rpc.StatusResponse)
        self.stream_call = self.method(self.channel.unary_stream, "KV/RangeStream", rpc.RangeStreamResponse)
        self.watch_call = self.method(self.channel.stream_stream, "Watch/Watch", rpc.WatchResponse)

    @staticmethod
    def method(kind, path, response):
        return kind("/etcdserverpb." + path, request_serializer=lambda one: one.SerializeToString(),
                    response_deserializer=response.FromString)

    def range(self, key, **fields):
        return self.range_call(self.rpc.RangeRequest(key=key, **fields), timeout=TIMEOUT_S)

    def range_stream(self, key, **fields):
        """What all messages of the stream come to."""
        merged = self.rpc.RangeResponse()
        for part in self.stream_call(self.rpc.RangeRequest(key=key, **fields), timeout=TIMEOUT_S):
            merged.MergeFrom(part.range_response)
        return merged

    def watch(self, requests):
        return self.watch_call(requests, metadata=WANTS_LEADER)

    def close(self):
        self.channel.close()


class Journal:
    """When writes and reads began and ended, and at which revision. Any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.writes = []  # (began, ended, revision)
        self.reads = []

    def timed(self, notes, call):
        """Makes a call and notes its header; `notes` says where, and None notes nothing."""
        began = time.monotonic()
        answer = call()
        ended = time.monotonic()
        kept = notes(answer)
        if kept is not None:
            with self.lock:
                kept.append((began, ended, answer.header.revision))
        return answer

    def check(self):
        """A read's revision is that of some moment while it ran: no write that had ended before is newer,
        none that began afterwards is older."""
        by_end = sorted(self.writes, key=lambda one: one[1])
        ends = [one[1] for one in by_end]
        newest = list(itertools.accumulate((one[2] for one in by_end), max))
        by_begin = sorted(self.writes)
        begins = [one[0] for one in by_begin]
        oldest = list(itertools.accumulate((one[2] for one in reversed(by_begin)), min))[::-1]
        for began, ended, revision in self.reads:
            before = bisect.bisect_left(ends, began)
            if before > 0 and newest[before - 1] > revision:
                raise Violation(f"a read at revision {revision} began after the write {newest[before - 1]} had ended")
            after = bisect.bisect_right(begins, ended)
            if after < len(oldest) and oldest[after] <= revision:
                raise Violation(f"a read at revision {revision} had ended before the write {oldest[after]} began")
        revisions = [one[2] for one in self.writes]
        if len(set(revisions)) != len(revisions):
            raise Violation("two writes were told the same revision")


class Storage:
    """What the apiserver does with an Etcd."""

    def __init__(self, etcd, journal=None):
        self.etcd = etcd
        self.rpc = etcd.rpc
        self.journal = journal or Journal()

    def read(self, key, **fields):
        return self.journal.timed(lambda _: self.journal.reads, lambda: self.etcd.range(key, **fields))

    def get(self, key, **fields):
        """The object, or None."""
        kvs = self.read(key, **fields).kvs
        return kvs[0] if kvs else None

    def revision(self, prefix):
        """Where a consistent read must get to."""
        return self.read(prefix, range_end=prefix_end(prefix), limit=1, keys_only=True).header.revision

    def count(self, prefix):
        return self.read(prefix, range_end=prefix_end(prefix), count_only=True).count

    def pages(self, prefix, limit, revision=0):
        """Everything under a prefix, page by page, all at the first one's revision."""
        key, end, kvs = prefix, prefix_end(prefix), []
        while True:
            answer = self.etcd.range(key, range_end=end, limit=limit, revision=revision)
            revision = revision or answer.header.revision
            kvs += answer.kvs
            left = answer.count - len(answer.kvs)
            if answer.more != (left > 0) or len(answer.kvs) > limit:
                raise Violation(f"a page of {len(answer.kvs)} says more={answer.more} and count={answer.count}")
            if not answer.more:
                return kvs, revision
            key = answer.kvs[-1].key + b"\0"
            limit = min(limit * 2, 10_000)

    def conditional(self, key, revision, change, otherwise=None):
        rpc = self.rpc
        request = rpc.TxnRequest(
            compare=[rpc.Compare(key=key, target="MOD", result="EQUAL", mod_revision=revision)], success=[change])
        if otherwise is not None:
            request.failure.append(otherwise)
        return self.journal.timed(lambda answer: self.journal.writes if answer.succeeded else self.journal.reads,
                                  lambda: self.etcd.txn_call(request, timeout=TIMEOUT_S))

    def put_of(self, key, value, lease=0):
        return self.rpc.RequestOp(request_put=self.rpc.PutRequest(key=key, value=value, lease=lease))

    def get_of(self, key):
        return self.rpc.RequestOp(request_range=self.rpc.RangeRequest(key=key))

    def create(self, key, value, lease=0):
        return self.conditional(key, 0, self.put_of(key, value, lease))

    def update(self, key, value, revision, lease=0):
        return self.conditional(key, revision, self.put_of(key, value, lease), self.get_of(key))

    def delete(self, key, revision):
        change = self.rpc.RequestOp(request_delete_range=self.rpc.DeleteRangeRequest(key=key))
        return self.conditional(key, revision, change, self.get_of(key))

    def grant(self, ttl_s):
        """A lease that many events will share; nobody keeps it alive."""
        return self.etcd.grant_call(self.rpc.LeaseGrantRequest(TTL=ttl_s), timeout=TIMEOUT_S).ID


class Compactor:
    """One apiserver's part in compaction: whoever finds the key's version as it left it writes the current
    revision there, and may compact to that of its round before."""

    def __init__(self, storage):
        self.storage = storage
        self.version = 0
        self.revision = 0

    def round(self):
        """The revision that it compacted to; None when another one was there first, or there is none yet."""
        rpc, storage = self.storage.rpc, self.storage
        answer = storage.etcd.txn_call(rpc.TxnRequest(
            compare=[rpc.Compare(key=COMPACT_KEY, target="VERSION", result="EQUAL", version=self.version)],
            success=[storage.put_of(COMPACT_KEY, str(self.revision).encode())],
            failure=[storage.get_of(COMPACT_KEY)]), timeout=TIMEOUT_S)
        to, self.revision = self.revision, answer.header.revision
        if not answer.succeeded:
            self.version = answer.responses[0].response_range.kvs[0].version
            return None
        self.version += 1
        if to == 0:
            return None
        storage.etcd.compact_call(rpc.CompactionRequest(revision=to), timeout=TIMEOUT_S)
        return to
