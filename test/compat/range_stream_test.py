#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RangeStream: its pieces make what Range answers, at one revision, and it refuses what it can't do in pieces.

usage: range_stream_test.py QUORATE
"""

import unittest

from grpc_suite import BINARY, MODULES, grpc, run

from member import Member

TIMEOUT_S = 30
FIRST_PIECE_KEYS = 10


class RangeStreamTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.rpc = MODULES["rpc"]
        cls.member = Member(BINARY, ["--quota-backend-bytes=-1"]).__enter__()
        cls.addClassCleanup(cls.member.__exit__, None, None, None)
        cls.channel = grpc.insecure_channel(f"{cls.member.host}:{cls.member.port}", [
            ("grpc.max_receive_message_length", 64 << 20), ("grpc.http2.bdp_probe", 0)])
        cls.addClassCleanup(cls.channel.close)
        for i in range(25):
            cls.call("Put", cls.rpc.PutRequest(key=b"k%02d" % i, value=b"v" * i), cls.rpc.PutResponse)

    @classmethod
    def call(cls, method, request, response):
        return cls.channel.unary_unary(f"/etcdserverpb.KV/{method}", lambda m: m.SerializeToString(),
                                       response.FromString)(request, timeout=TIMEOUT_S)

    def stream(self, **fields):
        return self.channel.unary_stream("/etcdserverpb.KV/RangeStream", lambda m: m.SerializeToString(),
                                         self.rpc.RangeStreamResponse.FromString)(
            self.rpc.RangeRequest(**fields), timeout=TIMEOUT_S)

    def range(self, **fields):
        return self.call("Range", self.rpc.RangeRequest(**fields), self.rpc.RangeResponse)

    def refused(self, code, text, **fields):
        with self.assertRaises(grpc.RpcError) as raised:
            list(self.stream(**fields))
        self.assertEqual((raised.exception.code().name, raised.exception.details()), (code, text))

    def test_the_pieces_make_what_range_answers(self):
        now = self.range(key=b"k").header.revision
        self.call("Put", self.rpc.PutRequest(key=b"k99", value=b"later"), self.rpc.PutResponse)
        for fields in ({"key": b"k", "range_end": b"l"}, {"key": b"k05"}, {"key": b"nobody"},
                       {"key": b"k", "range_end": b"l", "limit": 7}, {"key": b"k", "range_end": b"l", "limit": 25},
                       {"key": b"k", "range_end": b"l", "limit": 13, "revision": now},
                       {"key": b"k", "range_end": b"l", "count_only": True},
                       {"key": b"k", "range_end": b"l", "keys_only": True},
                       {"key": b"\0", "range_end": b"\0", "serializable": True},
                       {"key": b"k", "range_end": b"l", "sort_order": "ASCEND", "sort_target": "KEY"},
                       {"key": b"l", "range_end": b"k"}):
            with self.subTest(fields):
                pieces = [one.range_response for one in self.stream(**fields)]
                merged = self.rpc.RangeResponse()
                for piece in pieces:
                    merged.MergeFrom(piece)
                self.assertEqual(merged, self.range(**fields))
                for piece in pieces[:-1]:
                    self.assertFalse(piece.HasField("header") or piece.more or piece.count)
                self.assertLessEqual(len(pieces[0].kvs), FIRST_PIECE_KEYS)

    def test_what_needs_everything_first_is_refused(self):
        whole = {"key": b"k", "range_end": b"l"}
        for order, target in (("DESCEND", "KEY"), ("ASCEND", "VERSION"), ("DESCEND", "VALUE")):
            self.refused("UNIMPLEMENTED", "RangeStream does not support custom sort orders",
                         sort_order=order, sort_target=target, **whole)
        for name in ("min_mod_revision", "max_mod_revision", "min_create_revision", "max_create_revision"):
            self.refused("UNIMPLEMENTED", "RangeStream does not support revision filters", **{name: 1}, **whole)
        self.refused("INVALID_ARGUMENT", "etcdserver: key is not provided")
        self.refused("OUT_OF_RANGE", "etcdserver: mvcc: required revision is a future revision",
                     revision=10**6, **whole)

    def test_a_compaction_in_its_midst_ends_it(self):
        for i in range(40):
            self.call("Put", self.rpc.PutRequest(key=b"big%02d" % i, value=b"v" * 1_000_000), self.rpc.PutResponse)
        stream = self.stream(key=b"big", range_end=b"bih")
        first = next(stream)
        self.assertEqual(len(first.range_response.kvs), FIRST_PIECE_KEYS)
        # It waits for its client now. What is written meanwhile is not seen; what is compacted is missed.
        put = self.call("Put", self.rpc.PutRequest(key=b"big39", value=b"new"), self.rpc.PutResponse)
        self.call("Compact", self.rpc.CompactionRequest(revision=put.header.revision, physical=True),
                  self.rpc.CompactionResponse)
        with self.assertRaises(grpc.RpcError) as raised:
            list(stream)
        self.assertEqual(raised.exception.details(), "etcdserver: mvcc: required revision has been compacted")


if __name__ == "__main__":
    run()
