#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Uses Quorate through python-etcd3, an independent client, as its documentation shows.

usage: python_etcd3_test.py QUORATE
"""

import os
import sys
import threading
import unittest

from member import SKIPPED, Member

try:
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"  # see test/crash/load.py
    import etcd3
except ImportError:
    print("skipped: python3-etcd3 is not installed")
    sys.exit(SKIPPED)

TIMEOUT_S = 20
BINARY = None


class PythonEtcd3Test(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.member = Member(BINARY).__enter__()
        cls.client = etcd3.client(host=cls.member.host, port=cls.member.port, timeout=TIMEOUT_S)

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.member.__exit__(None, None, None)

    def prefix(self):
        return f"/{self.id()}/"

    def key(self, name):
        return self.prefix() + name

    def test_puts_gets_and_deletes(self):
        key = self.key("k")
        self.assertEqual(self.client.get(key), (None, None))
        self.client.put(key, "first")
        self.client.put(key, b"\x00\xff\n")
        value, meta = self.client.get(key)
        self.assertEqual(value, b"\x00\xff\n")
        self.assertEqual(meta.key, key.encode())
        self.assertEqual(meta.version, 2)
        self.assertGreater(meta.mod_revision, meta.create_revision)
        self.assertTrue(self.client.delete(key))
        self.assertFalse(self.client.delete(key))

    def test_put_if_not_exists_and_replace(self):
        key = self.key("k")
        self.assertTrue(self.client.put_if_not_exists(key, "1"))
        self.assertFalse(self.client.put_if_not_exists(key, "2"))
        self.assertFalse(self.client.replace(key, "3", "4"))
        self.assertTrue(self.client.replace(key, "1", "4"))
        self.assertEqual(self.client.get(key)[0], b"4")

    def test_prefixes_and_ranges_in_order(self):
        for name in ("b", "a", "c"):
            self.client.put(self.key(name), name.upper())
        values = [value for value, _ in self.client.get_prefix(self.prefix(), sort_order="descend")]
        self.assertEqual(values, [b"C", b"B", b"A"])
        pairs = self.client.get_range(self.key("a"), self.key("c"))
        self.assertEqual([value for value, _ in pairs], [b"A", b"B"])
        self.assertEqual(self.client.delete_prefix(self.prefix()).deleted, 3)

    def test_transactions_take_one_branch(self):
        key = self.key("k")
        self.client.put(key, "1")
        transactions = self.client.transactions
        succeeded, answers = self.client.transaction(
            compare=[transactions.value(key) == "1", transactions.version(key) > 0],
            success=[transactions.put(key, "2"), transactions.get(key)],
            failure=[transactions.put(key, "never")])
        self.assertTrue(succeeded)
        self.assertEqual(answers[1][0][0], b"2")
        succeeded, answers = self.client.transaction(
            compare=[transactions.create(key) == 0],
            success=[],
            failure=[transactions.get(key), transactions.delete(key)])
        self.assertFalse(succeeded)
        self.assertEqual(answers[0][0][0], b"2")
        self.assertEqual(self.client.get(key), (None, None))

    def test_leases_hold_keys_until_they_are_revoked(self):
        lease = self.client.lease(600)
        self.client.put(self.key("a"), "1", lease=lease)
        self.client.put(self.key("b"), "2", lease=lease)
        self.assertEqual(sorted(lease.keys), [self.key("a").encode(), self.key("b").encode()])
        self.assertEqual(lease.granted_ttl, 600)
        self.assertGreater(lease.remaining_ttl, 590)
        self.assertEqual([answer.TTL for answer in lease.refresh()], [600])
        lease.revoke()
        self.assertEqual(list(self.client.get_prefix(self.prefix())), [])
        self.assertEqual(self.client.get_lease_info(lease.id).TTL, -1)

    def test_leases_run_out(self):
        key = self.key("k")
        events, cancel = self.client.watch(key)
        self.addCleanup(cancel)
        lease = self.client.lease(1)
        self.client.put(key, "short lived", lease=lease)
        self.assertIsInstance(next(events), etcd3.events.PutEvent)
        self.assertIsInstance(next(events), etcd3.events.DeleteEvent)
        self.assertEqual(self.client.get(key), (None, None))

    def test_watches_deliver_in_order(self):
        events, cancel = self.client.watch_prefix(self.prefix())
        expected = []
        for i in range(200):
            key = self.key(str(i % 7))
            if i % 5 == 4 and self.client.delete(key):
                expected.append((etcd3.events.DeleteEvent, key.encode(), b""))
            else:
                self.client.put(key, str(i))
                expected.append((etcd3.events.PutEvent, key.encode(), str(i).encode()))
        received = [next(events) for _ in expected]
        cancel()
        self.assertEqual([(type(e), e.key, e.value) for e in received], expected)
        revisions = [e.mod_revision for e in received]
        self.assertEqual(revisions, sorted(set(revisions)))

    def test_watches_start_in_the_past_with_previous_pairs(self):
        key = self.key("k")
        start = self.client.put(key, "1").header.revision
        self.client.put(key, "2")
        self.client.delete(key)
        events, cancel = self.client.watch(key, start_revision=start, prev_kv=True)
        self.addCleanup(cancel)
        received = [next(events) for _ in range(3)]
        self.assertEqual([e.value for e in received], [b"1", b"2", b""])
        self.assertEqual([e.prev_value for e in received], [b"", b"1", b"2"])

    def test_a_compacted_watch_says_so(self):
        key = self.key("k")
        start = self.client.put(key, "1").header.revision
        current = self.client.put(key, "2").header.revision
        self.client.compact(current)
        events, cancel = self.client.watch(key, start_revision=start)
        self.addCleanup(cancel)
        with self.assertRaises(etcd3.exceptions.RevisionCompactedError) as caught:
            next(events)
        self.assertEqual(caught.exception.compacted_revision, current)

    def test_a_hundred_watches_on_one_stream(self):
        seen = []
        done = threading.Event()
        lock = threading.Lock()

        def callback(response):
            with lock:
                seen.extend(event.key for event in response.events)
                if len(seen) == 100:
                    done.set()

        ids = [self.client.add_watch_callback(self.key(str(i)), callback) for i in range(100)]
        for i in range(100):
            self.client.put(self.key(str(i)), "x")
        self.assertTrue(done.wait(TIMEOUT_S))
        self.assertEqual(sorted(seen), sorted(self.key(str(i)).encode() for i in range(100)))
        for watch_id in ids:
            self.client.cancel_watch(watch_id)

    def test_locks_are_taken_and_given_back(self):
        # Waiting for a lock that is taken fails inside this client (its tenacity is too new).
        lock = self.client.lock(self.id(), ttl=60)
        other = self.client.lock(self.id(), ttl=60)
        self.assertTrue(lock.acquire())
        self.assertTrue(lock.is_acquired())
        self.assertFalse(other.is_acquired())
        self.assertTrue(lock.release())
        self.assertTrue(other.acquire())
        self.assertTrue(other.release())

    def test_maintenance(self):
        status = self.client.status()
        self.assertEqual(status.leader.name, "t")
        self.assertGreater(status.db_size, 0)
        self.assertEqual([m.name for m in self.client.members], ["t"])
        self.assertEqual(list(self.client.list_alarms()), [])
        self.client.defragment()
        self.client.hash()


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
