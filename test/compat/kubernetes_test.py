#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""kube-apiserver's use of the store: the shapes of its calls, and watch caches under load, which must be as
good as the store itself at every revision that they claim to have reached.

usage: kubernetes_test.py BINARY [test ...]
"""

import random
import tempfile
import threading
import unittest

from grpc_suite import BINARY, MODULES, grpc, run

from clusters import Cluster, wait_for
from kubernetes_cache import Cache, Watching, shape
from kubernetes_storage import COMPACT_KEY, COMPACTED, FUTURE, Compactor, Etcd, Journal, Storage
from kubernetes_storage import Violation, prefix_end

PODS, LEASES, EVENTS = b"/registry/pods/", b"/registry/leases/", b"/registry/events/"
QUIET = b"/registry/secrets/"  # which nobody writes to
PROGRESS_S = 0.1
NOT_ANSWERED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.UNKNOWN)


class Writer(threading.Thread):
    """Creates, changes and deletes objects that other writers change as well, as controllers do: reads, tries,
    and reads again when somebody was faster."""

    def __init__(self, endpoints, seed, journal):
        super().__init__(daemon=True)
        self.endpoints = endpoints
        self.random = random.Random(seed)
        self.journal = journal
        self.turn = seed
        self.done = 0
        self.failure = None
        self.ending = threading.Event()
        self.start()

    def run(self):
        while not self.ending.is_set() and self.failure is None:
            etcd = Etcd(self.endpoints[self.turn % len(self.endpoints)], MODULES["rpc"])
            try:
                storage = Storage(etcd, self.journal)
                lease = storage.grant(600)
                while not self.ending.is_set():
                    self.one(storage, lease)
                    self.done += 1
            except grpc.RpcError as error:
                self.turn += 1
                if error.code() not in NOT_ANSWERED:
                    self.failure = error
            except Exception as violation:  # for who ends this
                self.failure = violation
            finally:
                etcd.close()

    def one(self, storage, lease):
        prefix = self.random.choice((PODS, PODS, LEASES, EVENTS))
        key = prefix + b"ns%d/%02d" % (self.random.randrange(3), self.random.randrange(20))
        value = b"%032x" % self.random.getrandbits(128) * self.random.choice((1, 8, 64))
        attached = lease if prefix == EVENTS else 0
        found = storage.get(key)
        for _ in range(5):
            if found is None:
                answer = storage.create(key, value, attached)
            elif self.random.random() < 0.3:
                answer = storage.delete(key, found.mod_revision)
            else:
                answer = storage.update(key, value, found.mod_revision, attached)
            if answer.succeeded:
                return
            # Who creates learns nothing of who was faster; the others are told.
            kvs = storage.read(key).kvs if found is None else answer.responses[0].response_range.kvs
            if found is not None and kvs and kvs[0].mod_revision <= found.mod_revision:
                raise Violation(f"refused at {found.mod_revision}, which is {kvs[0].mod_revision} now")
            found = kvs[0] if kvs else None

    def end(self):
        self.ending.set()
        self.join()
        if self.failure is not None:
            raise self.failure


class KubernetesCase(unittest.TestCase):
    size = 1
    args = (f"--watch-progress-notify-interval={int(PROGRESS_S * 1000)}ms",
            "--heartbeat-interval=50", "--election-timeout=500")

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="quorate-kubernetes-")
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(BINARY, folder.name, self.size, self.args)
        self.addCleanup(self.cluster.__exit__)
        self.cluster.start()
        self.endpoints = self.cluster.endpoints
        self.journal = Journal()
        self.rpc = MODULES["rpc"]
        self.storage = self.storage_at(0)

    def storage_at(self, number, journal=None):
        etcd = Etcd(self.endpoints[number], self.rpc)
        self.addCleanup(etcd.close)
        return Storage(etcd, journal or self.journal)

    def watching(self, *prefixes, first=0):
        watching = Watching(self.endpoints, self.rpc, [Cache(prefix) for prefix in prefixes], first)
        self.addCleanup(watching.end)
        return watching

    def writers(self, count):
        writers = [Writer(self.endpoints, seed, self.journal) for seed in range(count)]
        for writer in writers:
            self.addCleanup(writer.ending.set)
        return writers

    def wait_for_more(self, writers, count):
        before = [writer.done for writer in writers]
        wait_for(lambda: any(one.failure for one in writers)
                 or all(one.done >= had + count for one, had in zip(writers, before)), "more writes")

    def read_consistently(self, watchings, rounds):
        """From every cache in turn; what was compacted meanwhile counts for nothing."""
        compared = 0
        storages = [self.storage_at(number) for number in range(self.size)]
        for turn in range(rounds):
            for watching in watchings:
                for cache in watching.caches:
                    compared += watching.consistent_read(storages[turn % self.size], cache)
        self.assertGreater(compared, rounds)

    def finish(self, writers, watchings):
        for writer in writers:
            writer.end()
        # Everybody is at rest: the revision of the last write is the one that every read must say.
        newest = max(one[2] for one in self.journal.writes)
        self.assertGreaterEqual(self.storage.revision(PODS), newest)
        self.read_consistently(watchings, 1 if self.size == 1 else 3)
        for watching in watchings:
            watching.end()
            self.assertGreater(watching.asked_for, 0)
        self.journal.check()


class ShapesTest(KubernetesCase):
    """One call after the other, each with the exact revision that it must say."""

    def test_objects(self):
        storage, key = self.storage, PODS + b"default/a"
        base = storage.revision(PODS)
        self.assertIsNone(storage.get(key))
        created = storage.create(key, b"1")
        self.assertEqual((created.succeeded, created.header.revision), (True, base + 1))
        again = storage.create(key, b"2")
        self.assertEqual((again.succeeded, again.header.revision, len(again.responses)), (False, base + 1, 0))
        updated = storage.update(key, b"2", base + 1)
        self.assertEqual((updated.succeeded, updated.header.revision), (True, base + 2))
        late = storage.update(key, b"3", base + 1)
        self.assertEqual((late.succeeded, late.header.revision), (False, base + 2))
        found = late.responses[0].response_range.kvs[0]
        self.assertEqual((found.value, found.create_revision, found.mod_revision, found.version),
                         (b"2", base + 1, base + 2, 2))
        self.assertEqual(storage.get(key, revision=base + 1).value, b"1")
        late = storage.delete(key, base + 1)
        self.assertEqual((late.succeeded, late.responses[0].response_range.count), (False, 1))
        deleted = storage.delete(key, base + 2)
        self.assertEqual((deleted.succeeded, deleted.header.revision), (True, base + 3))
        self.assertEqual(deleted.responses[0].response_delete_range.deleted, 1)
        gone = storage.delete(key, base + 2)
        self.assertEqual((gone.succeeded, len(gone.responses[0].response_range.kvs)), (False, 0))
        # Of a key that is gone the next one is an object of its own.
        self.assertEqual(storage.create(key, b"4").header.revision, base + 4)
        self.assertEqual(storage.get(key).version, 1)
        self.assertEqual(storage.read(b"/registry/health").header.revision, base + 4)

    def test_lists(self):
        storage = self.storage
        keys = [PODS + b"ns/%04d" % number for number in range(1234)]
        for key in keys:
            storage.create(key, key)
        storage.create(LEASES + b"behind", b"")
        kvs, revision = storage.pages(PODS, 50)
        self.assertEqual([kv.key for kv in kvs], keys)
        self.assertEqual(storage.count(PODS), len(keys))
        bare = storage.read(PODS, range_end=prefix_end(PODS), keys_only=True)
        self.assertEqual([(kv.key, kv.value) for kv in bare.kvs], [(key, b"") for key in keys])
        # A later page is of the first one's revision, and its header of now.
        first = storage.read(PODS, range_end=prefix_end(PODS), limit=100)
        self.assertEqual((first.more, first.count, first.header.revision), (True, len(keys), revision))
        for key in keys[100:200]:
            storage.delete(key, storage.get(key).mod_revision)
        second = storage.read(first.kvs[-1].key + b"\0", range_end=prefix_end(PODS), limit=100,
                              revision=first.header.revision)
        self.assertEqual([kv.key for kv in second.kvs], keys[100:200])
        self.assertEqual((second.more, second.count, second.header.revision),
                         (True, len(keys) - 100, revision + 100))
        streamed = storage.etcd.range_stream(PODS, range_end=prefix_end(PODS), revision=revision)
        whole = storage.etcd.range(PODS, range_end=prefix_end(PODS), revision=revision)
        self.assertEqual(list(streamed.kvs), list(whole.kvs))
        self.assertEqual((streamed.count, streamed.more, streamed.header.revision),
                         (whole.count, whole.more, whole.header.revision))
        with self.assertRaises(grpc.RpcError) as refused:
            storage.get(keys[0], revision=revision + 10**6)
        self.assertEqual(refused.exception.details(), FUTURE)

    def test_what_it_asks_of_every_member(self):
        status = self.storage.etcd.status_call(self.rpc.StatusRequest(), timeout=10)
        version = tuple(int(part) for part in status.version.split("."))
        self.assertGreaterEqual(version, (3, 5, 13))
        self.assertGreater(status.dbSize, 0)

    def test_progress_of_a_new_watch(self):
        """Of a store where nothing happens, but what is written elsewhere: asked for, and without that. Before
        the store is where a watch begins there is none, as in etcd."""
        revision = self.storage.create(PODS + b"a", b"").header.revision
        watching = self.watching(PODS, LEASES)
        wait_for(lambda: all(cache.revision == revision for cache in watching.caches), "the lists")
        for _ in range(3):
            revision = self.storage.create(b"/elsewhere/%d" % revision, b"").header.revision
            before = watching.asked_for
            for cache in watching.caches:
                cache.reach(revision, watching.ask, lambda: watching.failure)
                self.assertEqual(cache.revision, revision)
            wait_for(lambda had=before: watching.asked_for > had or watching.ask(), "progress that was asked for")
        before = watching.unasked_for
        revision = self.storage.create(b"/elsewhere", b"").header.revision
        wait_for(lambda: all(cache.revision == revision for cache in watching.caches), "progress by itself")
        self.assertGreaterEqual(watching.unasked_for, before + 2)

    def test_events_end_with_their_lease(self):
        watching = self.watching(EVENTS)
        cache = watching.caches[0]
        storage = self.storage
        lease = storage.grant(1)
        kept = storage.grant(600)
        keys = [EVENTS + b"%02d" % number for number in range(40)]
        for key in keys:
            storage.create(key, b"short", lease)
        storage.update(keys[0], b"long", storage.get(keys[0]).mod_revision, kept)
        self.assertEqual((storage.get(keys[0]).lease, storage.get(keys[1]).lease), (kept, lease))
        wait_for(lambda: storage.count(EVENTS) == 1, "the end of the lease")
        self.assertTrue(watching.consistent_read(storage, cache))
        # All at one revision, each with what it was; the cache has looked at that.
        ends = [(revision, key) for revision, key, kv in cache.log if kv is None]
        self.assertEqual([key for _, key in ends], keys[1:])
        self.assertEqual(len({revision for revision, _ in ends}), 1)


class LoadTest(KubernetesCase):
    def test_caches(self):
        writers = self.writers(4)
        self.wait_for_more(writers, 20)
        watchings = [self.watching(PODS, LEASES, EVENTS), self.watching(QUIET, PODS)]
        reader = self.storage_at(0)
        while min(writer.done for writer in writers) < 300 and not any(one.failure for one in writers):
            self.read_consistently(watchings, 1)
            # A list in pages, and one as a stream, are of one moment although others write.
            kvs, revision = reader.pages(PODS, 7)
            whole = reader.etcd.range(PODS, range_end=prefix_end(PODS), revision=revision)
            self.assertEqual([shape(kv) for kv in kvs], [shape(kv) for kv in whole.kvs])
            streamed = reader.etcd.range_stream(PODS, range_end=prefix_end(PODS))
            whole = reader.etcd.range(PODS, range_end=prefix_end(PODS), revision=streamed.header.revision)
            self.assertEqual([shape(kv) for kv in streamed.kvs], [shape(kv) for kv in whole.kvs])
            self.assertEqual((streamed.count, streamed.more), (whole.count, False))
            counted = reader.read(PODS, range_end=prefix_end(PODS), count_only=True)
            whole = reader.etcd.range(PODS, range_end=prefix_end(PODS), revision=counted.header.revision)
            self.assertEqual(counted.count, len(whole.kvs))
        self.finish(writers, watchings)
        self.assertEqual(self.storage.revision(PODS), max(one[2] for one in self.journal.writes))
        self.assertGreater(len(self.journal.writes), 500)
        self.assertGreater(sum(one.unasked_for for one in watchings), 0)
        self.assertEqual([one.breaks for one in watchings], [0, 0])

    def test_compaction(self):
        """Two apiservers take turns as it comes; caches that keep up notice nothing."""
        writers = self.writers(3)
        watchings = [self.watching(PODS, EVENTS)]
        compactors = [Compactor(self.storage_at(0)) for _ in range(2)]
        done, wins = [], [0, 0]
        stale = self.storage.revision(PODS)
        for turn in range(8):
            self.wait_for_more(writers, 10)
            for watching in watchings:  # in life there are five minutes for that
                for cache in watching.caches:
                    cache.reach(self.storage.revision(PODS), watching.ask, lambda one=watching: one.failure)
            before = [one.version for one in compactors]
            order = (0, 1) if turn % 3 else (1, 0)
            for number in order:
                to = compactors[number].round()
                wins[number] += compactors[number].version == before[number] + 1 and number == order[0]
                if to is not None:
                    done.append(to)
            self.assertEqual(compactors[0].version, compactors[1].version)
            self.read_consistently(watchings, 1)
        self.assertEqual(done, sorted(set(done)))
        self.assertGreaterEqual(len(done), 4)
        self.assertGreater(min(wins), 0)
        kept = self.storage.get(COMPACT_KEY)
        self.assertEqual(kept.version, compactors[0].version)
        # What is behind the compaction is told so, and by the revision up to which.
        with self.assertRaises(grpc.RpcError) as refused:
            self.storage.get(PODS, revision=max(stale, done[-1] - 1))
        self.assertEqual((refused.exception.code(), refused.exception.details()),
                         (grpc.StatusCode.OUT_OF_RANGE, COMPACTED))
        self.assertIsNone(self.storage.get(PODS, revision=done[-1]))
        create = self.rpc.WatchRequest(create_request=self.rpc.WatchCreateRequest(
            key=PODS, range_end=prefix_end(PODS), start_revision=done[-1] - 1, prev_kv=True))
        stream = self.storage.etcd.watch(iter([create]))
        self.assertTrue(next(stream).created)
        canceled = next(stream)
        self.assertEqual((canceled.canceled, canceled.compact_revision), (True, done[-1]))
        stream.cancel()
        self.finish(writers, watchings)


class ClusterTest(KubernetesCase):
    """Three members, three apiservers at different ones, and a leader that goes."""

    size = 3

    def test_caches_over_changes_of_leaders(self):
        writers = self.writers(4)
        watchings = [self.watching(PODS, LEASES, EVENTS, first=first) for first in range(3)]
        self.wait_for_more(writers, 30)
        self.read_consistently(watchings, 3)
        for _ in range(2):
            leader = self.leader()
            leader.kill()
            self.wait_for_more(writers, 15)
            leader.start()
            self.read_consistently(watchings, 3)
            self.wait_for_more(writers, 15)
        self.finish(writers, watchings)
        self.assertGreater(sum(one.breaks for one in watchings), 0)
        self.assertGreater(len(self.journal.writes), 300)

    def leader(self):
        def find():
            for member in self.cluster.members:
                status = self.storage_of(member).etcd.status_call(self.rpc.StatusRequest(), timeout=3)
                if status.leader == status.header.member_id:
                    return member
            return None
        return wait_for(find, "a leader")

    def storage_of(self, member):
        return self.storage_at(self.cluster.members.index(member))


class CacheTest(unittest.TestCase):
    """The cache sees what would be wrong; otherwise the tests above prove nothing."""

    def setUp(self):
        self.rpc, self.kv = MODULES["rpc"], MODULES["kv"]
        self.cache = Cache(b"/p/")
        self.cache.listed([self.pair(b"/p/a", 5)], 10)

    def pair(self, key, revision, created=0, version=1):
        return self.kv.KeyValue(key=key, mod_revision=revision, create_revision=created or revision, version=version)

    def take(self, *events, revision=0):
        last = max(event.kv.mod_revision for event in events)
        self.cache.take(self.rpc.WatchResponse(
            header=self.rpc.ResponseHeader(revision=revision or last), events=events))

    def created(self, key, revision):
        return self.kv.Event(kv=self.pair(key, revision))

    def changed(self, key, revision, before, created=5):
        return self.kv.Event(kv=self.pair(key, revision, created, before.version + 1), prev_kv=before)

    def test_what_is_right_is_taken(self):
        self.take(self.created(b"/p/b", 11))
        self.take(self.changed(b"/p/a", 12, self.pair(b"/p/a", 5)), self.created(b"/p/c", 12))
        self.cache.progress(15)
        self.assertEqual(self.cache.revision, 15)
        self.assertEqual([one[0] for one in self.cache.at(11)], [b"/p/a", b"/p/b"])
        self.assertEqual([one[3] for one in self.cache.at(15)], [12, 11, 12])

    def test_what_is_wrong_is_noticed(self):
        late = self.created(b"/p/b", 15)
        for what, go in {
            "an event behind progress": lambda: (self.cache.progress(15), self.take(late)),
            "an event twice": lambda: (self.take(late), self.take(late)),
            "a lost creation": lambda: self.take(self.changed(b"/p/b", 12, self.pair(b"/p/b", 11), 11)),
            "a lost change": lambda: self.take(self.changed(b"/p/a", 12, self.pair(b"/p/a", 11, 5, 2))),
            "a lost deletion": lambda: self.take(self.created(b"/p/a", 12)),
            "no pair before": lambda: self.take(self.kv.Event(kv=self.pair(b"/p/a", 12, 5, 2))),
            "a split revision": lambda: (self.take(late), self.take(self.created(b"/p/c", 15))),
            "an order": lambda: self.take(late, self.created(b"/p/c", 14)),
            "a header": lambda: self.take(late, revision=14),
            "another's event": lambda: self.take(self.created(b"/q/b", 15)),
        }.items():
            self.setUp()
            with self.subTest(what=what), self.assertRaises(Violation):
                go()

    def test_the_journal_notices_a_wrong_header(self):
        for read, right in (((3, 4, 7), True), ((3, 4, 6), False), ((3, 4, 9), False), ((1, 9, 9), True)):
            journal = Journal()
            journal.writes = [(1, 2, 7), (5, 6, 9)]
            journal.reads = [read]
            with self.subTest(read=read):
                if right:
                    journal.check()
                else:
                    self.assertRaises(Violation, journal.check)


if __name__ == "__main__":
    run()
