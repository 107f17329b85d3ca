#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Uses the Lock and Election services over gRPC, the same way with etcd and with Quorate.

usage: lock_election_test.py QUORATE [--etcd ETCD]
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import unittest

from member import SKIPPED, Member, require

os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # see test/diff/client.py
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
try:
    import grpc
    from support import protos
except ImportError:
    print("skipped: python3-grpcio or python3-grpc-tools is not installed")
    sys.exit(SKIPPED)

TIMEOUT_S = 20
OPTIONS = None
PB = None


class Client:
    def __init__(self, member):
        self.channel = grpc.insecure_channel(f"{member.host}:{member.port}")

    def method(self, path, request_type, answer_type, stream=False):
        make = self.channel.unary_stream if stream else self.channel.unary_unary
        return make(path, request_serializer=request_type.SerializeToString,
                    response_deserializer=answer_type.FromString)

    def call(self, service, name, request, **options):
        """A unary call, or its future."""
        module = {"v3lockpb.Lock": PB["v3lock"], "v3electionpb.Election": PB["v3election"]}.get(
            service, PB["rpc"])
        answer_type = getattr(module, type(request).__name__.replace("Request", "Response"))
        method = self.method(f"/{service}/{name}", type(request), answer_type)
        return method.future(request, timeout=options.get("timeout", TIMEOUT_S))

    def lock(self, name, lease=0, **options):
        return self.call("v3lockpb.Lock", "Lock",
                         PB["v3lock"].LockRequest(name=name, lease=lease), **options)

    def unlock(self, key):
        return self.call("v3lockpb.Lock", "Unlock", PB["v3lock"].UnlockRequest(key=key)).result()

    def campaign(self, name, value, lease=0, **options):
        return self.call("v3electionpb.Election", "Campaign", PB["v3election"].CampaignRequest(
            name=name, value=value, lease=lease), **options)

    def proclaim(self, leader, value):
        return self.call("v3electionpb.Election", "Proclaim",
                         PB["v3election"].ProclaimRequest(leader=leader, value=value)).result()

    def resign(self, leader):
        return self.call("v3electionpb.Election", "Resign",
                         PB["v3election"].ResignRequest(leader=leader)).result()

    def leader(self, name):
        return self.call("v3electionpb.Election", "Leader",
                         PB["v3election"].LeaderRequest(name=name)).result()

    def observe(self, name):
        method = self.method("/v3electionpb.Election/Observe", PB["v3election"].LeaderRequest,
                             PB["v3election"].LeaderResponse, stream=True)
        return method(PB["v3election"].LeaderRequest(name=name), timeout=TIMEOUT_S)

    def keys(self, prefix):
        request = PB["rpc"].RangeRequest(key=prefix, range_end=prefix[:-1] + bytes([prefix[-1] + 1]))
        return [kv.key for kv in self.call("etcdserverpb.KV", "Range", request).result().kvs]

    def grant(self, lease, ttl=600):
        self.call("etcdserverpb.Lease", "LeaseGrant",
                  PB["rpc"].LeaseGrantRequest(ID=lease, TTL=ttl)).result()

    def revoke(self, lease):
        self.call("etcdserverpb.Lease", "LeaseRevoke",
                  PB["rpc"].LeaseRevokeRequest(ID=lease)).result()

    def revision(self):
        return self.call("etcdserverpb.KV", "Range",
                         PB["rpc"].RangeRequest(key=b"none")).result().header.revision

    def compact(self, revision):
        self.call("etcdserverpb.KV", "Compact",
                  PB["rpc"].CompactionRequest(revision=revision)).result()

    def wait_for_keys(self, prefix, count):
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.keys(prefix)) != count:
            if time.monotonic() > deadline:
                raise AssertionError(f"{prefix}: {self.keys(prefix)}, not {count} keys")


class Recipes:
    """The tests; run against each server."""

    def test_a_free_lock_is_taken_at_once(self):
        before = self.client.revision()
        answer = self.client.lock(b"free").result()
        self.assertRegex(answer.key, rb"^free/[0-9a-f]+$")
        self.assertEqual(answer.header.revision, before + 1)
        self.assertEqual(self.client.unlock(answer.key).header.revision, before + 2)
        # Unlocking what is not locked is no mistake.
        self.assertEqual(self.client.unlock(answer.key).header.revision, before + 2)
        self.assertEqual(self.client.keys(b"free/"), [])

    def test_waiters_come_in_order(self):
        first = self.client.lock(b"order").result()
        waiting = []
        for lease in (101, 102, 103, 104):
            self.client.grant(lease)
            waiting.append(self.client.lock(b"order", lease))
            self.client.wait_for_keys(b"order/", 1 + len(waiting))
        key = first.key
        for lease, future in zip((101, 102, 103, 104), waiting):
            self.assertFalse(future.done())
            self.client.unlock(key)
            key = future.result().key
            self.assertEqual(key, b"order/%x" % lease)

    def test_a_lease_that_ends_passes_the_lock_on(self):
        self.client.grant(201)
        self.assertEqual(self.client.lock(b"lease", 201).result().key, b"lease/c9")
        second = self.client.lock(b"lease")
        self.client.wait_for_keys(b"lease/", 2)
        self.client.revoke(201)
        self.assertRegex(second.result().key, rb"^lease/")

    def test_the_holder_may_lock_again(self):
        self.client.grant(211)
        one = self.client.lock(b"again", 211).result()
        two = self.client.lock(b"again", 211).result()
        self.assertEqual(one.key, two.key)

    def test_a_waiter_that_cancels_leaves_no_key(self):
        held = self.client.lock(b"cancel").result().key
        waiting = self.client.lock(b"cancel")
        self.client.wait_for_keys(b"cancel/", 2)
        waiting.cancel()
        self.client.wait_for_keys(b"cancel/", 1)
        self.assertEqual(self.client.keys(b"cancel/"), [held])

    def test_a_deadline_leaves_no_key(self):
        self.client.lock(b"late").result()
        waiting = self.client.lock(b"late", timeout=0.3)
        with self.assertRaises(grpc.RpcError) as caught:
            waiting.result()
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.client.wait_for_keys(b"late/", 1)

    def test_an_unknown_lease_locks_nothing(self):
        self.check_error(self.client.lock(b"unknown", 987654), grpc.StatusCode.UNKNOWN,
                         "etcdserver: requested lease not found")
        self.check_error(self.client.campaign(b"unknown", b"", 987654), grpc.StatusCode.UNKNOWN,
                         "etcdserver: requested lease not found")

    def test_an_election(self):
        self.check_error(self.client.call("v3electionpb.Election", "Leader",
                                          PB["v3election"].LeaderRequest(name=b"e")),
                         grpc.StatusCode.UNKNOWN, "election: no leader")
        for lease in (301, 302):
            self.client.grant(lease)
        first = self.client.campaign(b"e", b"one", 301).result()
        self.assertEqual((first.leader.name, first.leader.key, first.leader.lease), (b"e", b"e/12d", 301))
        self.assertEqual(first.leader.rev, first.header.revision)
        waiting = self.client.campaign(b"e", b"two", 302)
        self.client.wait_for_keys(b"e/", 2)
        self.assertEqual(self.client.leader(b"e").kv.value, b"one")
        self.client.proclaim(first.leader, b"one again")
        self.assertEqual(self.client.leader(b"e").kv.value, b"one again")
        # Campaigning again with another value proclaims it.
        again = self.client.campaign(b"e", b"three", 301).result()
        self.assertEqual(again.leader.rev, first.leader.rev)
        self.assertEqual(self.client.leader(b"e").kv.value, b"three")
        self.assertFalse(waiting.done())
        self.client.resign(first.leader)
        second = waiting.result()
        self.assertEqual(second.leader.key, b"e/12e")
        self.assertEqual(self.client.leader(b"e").kv.value, b"two")
        # Who has resigned cannot speak for anybody, and may resign again.
        self.client.resign(first.leader)
        with self.assertRaises(grpc.RpcError) as caught:
            self.client.proclaim(first.leader, b"x")
        self.assertEqual(caught.exception.details(), "election: not leader")

    def test_a_candidate_that_cancels_leaves_the_line(self):
        self.client.campaign(b"c", b"one").result()
        waiting = self.client.campaign(b"c", b"two")
        self.client.wait_for_keys(b"c/", 2)
        waiting.cancel()
        self.client.wait_for_keys(b"c/", 1)

    def test_a_leader_has_to_be_given(self):
        for call in (lambda: self.client.proclaim(None, b"x"), lambda: self.client.resign(None)):
            with self.assertRaises(grpc.RpcError) as caught:
                call()
            self.assertEqual(caught.exception.code(), grpc.StatusCode.UNKNOWN)
            self.assertEqual(caught.exception.details(), '"leader" field must be provided')

    def test_observers_hear_of_everything(self):
        seen = []
        stream = self.client.observe(b"o")
        reader = threading.Thread(target=self.read, args=(stream, seen, 6))
        reader.start()
        one = self.client.campaign(b"o", b"1").result().leader
        self.wait_for(lambda: seen == [b"1"])
        self.client.proclaim(one, b"2")
        self.client.proclaim(one, b"3")
        self.wait_for(lambda: seen == [b"1", b"2", b"3"])
        waiting = self.client.campaign(b"o", b"4")
        self.client.wait_for_keys(b"o/", 2)
        self.client.resign(one)
        two = waiting.result().leader
        self.wait_for(lambda: seen[-1] == b"4")
        # A time without a leader is no reason to stop.
        self.client.resign(two)
        three = self.client.campaign(b"o", b"5").result().leader
        self.wait_for(lambda: seen[-1] == b"5")
        self.client.proclaim(three, b"6")
        reader.join(TIMEOUT_S)
        self.assertEqual(seen, [b"1", b"2", b"3", b"4", b"5", b"6"])
        stream.cancel()

    def test_observers_begin_with_who_leads(self):
        self.client.campaign(b"late-o", b"here").result()
        stream = self.client.observe(b"late-o")
        first = next(stream)
        self.assertEqual((first.kv.value, first.header.revision), (b"here", self.client.revision()))
        stream.cancel()

    def test_many_wait_at_once(self):
        held = self.client.lock(b"many").result().key
        waiting = [self.client.lock(b"many") for _ in range(100)]
        self.client.wait_for_keys(b"many/", 101)
        keys = {held}
        for _ in waiting:
            self.client.unlock(held)
            self.wait_for(lambda: any(f.done() and f.result().key not in keys for f in waiting))
            held = next(f.result().key for f in waiting if f.done() and f.result().key not in keys)
            keys.add(held)
        self.assertEqual(len(keys), 101)

    def check_error(self, future, code, text):
        with self.assertRaises(grpc.RpcError) as caught:
            future.result()
        self.assertEqual((caught.exception.code(), caught.exception.details()), (code, text))

    @staticmethod
    def read(stream, seen, count):
        for response in stream:
            seen.append(response.kv.value)
            if len(seen) == count:
                return

    def wait_for(self, condition):
        deadline = time.monotonic() + TIMEOUT_S
        while not condition():
            self.assertLess(time.monotonic(), deadline, "did not come about")
            self.client.revision()


class QuorateTest(Recipes, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.member = Member(OPTIONS.quorate).__enter__()
        cls.addClassCleanup(cls.member.__exit__, None, None, None)
        cls.client = Client(cls.member)
        cls.addClassCleanup(cls.client.channel.close)

    def test_a_waiter_without_its_key_has_no_session(self):
        # As in etcd since 3.5; 3.4 gives out the lock all the same.
        held = self.client.lock(b"session").result().key
        self.client.grant(221)
        waiting = self.client.lock(b"session", 221)
        self.client.wait_for_keys(b"session/", 2)
        self.client.revoke(221)
        self.client.unlock(held)
        self.check_error(waiting, grpc.StatusCode.UNKNOWN, "mutex: session is expired")

    def test_compaction_does_not_lose_waiters(self):
        held = self.client.lock(b"compacted").result().key
        waiting = self.client.lock(b"compacted")
        self.client.wait_for_keys(b"compacted/", 2)
        self.client.compact(self.client.revision())
        self.client.unlock(held)
        self.assertNotEqual(waiting.result().key, held)


class EtcdTest(Recipes, unittest.TestCase):
    """Shows that the tests above say what etcd does."""

    @classmethod
    def setUpClass(cls):
        require(OPTIONS.etcd)
        cls.member = Member(OPTIONS.etcd).__enter__()
        cls.addClassCleanup(cls.member.__exit__, None, None, None)
        cls.client = Client(cls.member)
        cls.addClassCleanup(cls.client.channel.close)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("quorate")
    parser.add_argument("--etcd", default="etcd")
    OPTIONS, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="quorate-protos-") as directory:
        PB = protos.compile_into(directory)
        unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
