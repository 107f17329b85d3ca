# SPDX-License-Identifier: Apache-2.0
"""The watch cache of an apiserver: lists of resources kept up to date by watches that share one stream.

It believes nothing: every event must follow from the state before it, and nothing may come that a progress
notification has declared delivered. What does not fit is a Violation, kept for the thread that asks.
"""

import queue
import threading
import time

import grpc
from kubernetes_storage import COMPACTED, Etcd, Storage, Violation, prefix_end

PATIENCE_S = 60
ASK_AGAIN_S = 0.1  # the apiserver's interval


def shape(kv):
    return (kv.key, kv.value, kv.create_revision, kv.mod_revision, kv.version, kv.lease)


class Cache:
    """One resource. The stream's thread changes it, all read it, under the condition's lock."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.changed = threading.Condition()
        self.listed(())

    def listed(self, kvs, revision=0):
        with self.changed:
            self.base = {kv.key: kv for kv in kvs}
            self.base_revision = revision
            self.state = dict(self.base)
            self.log = []  # (revision, key, its pair or None)
            self.revision = revision
            self.changed.notify_all()

    def take(self, response):
        """A response with events."""
        with self.changed:
            last = self.revision
            for event in response.events:
                revision = event.kv.mod_revision
                # All changes of one revision come in one response.
                if revision <= self.revision or revision < last:
                    raise Violation(f"{self.prefix}: an event of revision {revision} came when all up to "
                                    f"{self.revision} (in this response {last}) were there")
                last = revision
                self.apply(event)
            if response.header.revision < last:
                raise Violation(f"the header says {response.header.revision} over an event of {last}")
            self.revision = last
            self.changed.notify_all()

    def apply(self, event):
        kv, before = event.kv, self.state.get(event.kv.key)
        if not kv.key.startswith(self.prefix):
            raise Violation(f"{self.prefix}: an event of {kv.key}")
        created = event.type == 0 and kv.create_revision == kv.mod_revision
        if created != (before is None):
            raise Violation(f"{kv.key} was {before and shape(before)} when {event} came")
        if not created and (not event.HasField("prev_kv") or shape(event.prev_kv) != shape(before)):
            raise Violation(f"{kv.key} was {shape(before)}, not as in {event}")
        if event.type == 0 and kv.version != (1 if created else before.version + 1):
            raise Violation(f"version {kv.version} of {kv.key}")
        if event.type == 0:
            self.state[kv.key] = kv
        else:
            del self.state[kv.key]
        self.log.append((kv.mod_revision, kv.key, self.state.get(kv.key)))

    def progress(self, revision):
        """Everything up to this revision is declared to be here."""
        with self.changed:
            self.revision = max(self.revision, revision)
            self.changed.notify_all()

    def reach(self, revision, ask, failure):
        """Waits until the cache has got there, asking for progress as the apiserver does."""
        deadline = time.monotonic() + PATIENCE_S
        with self.changed:
            while self.revision < revision:
                if failure() is not None:
                    raise failure()
                if time.monotonic() > deadline:
                    raise Violation(f"{self.prefix} stays at {self.revision}, before {revision}")
                ask()
                self.changed.wait(ASK_AGAIN_S)

    def at(self, revision):
        """The pairs at a revision that the cache has reached; None when it began behind it."""
        with self.changed:
            if revision < self.base_revision:
                return None
            state = dict(self.base)
            for at, key, kv in self.log:
                if at > revision:
                    break
                if kv is None:
                    state.pop(key, None)
                else:
                    state[key] = kv
        return [shape(state[key]) for key in sorted(state)]


class Watching:
    """Keeps caches up to date through one of several members, and goes to the next when that one fails."""

    def __init__(self, endpoints, rpc, caches, first=0):
        self.endpoints = endpoints
        self.rpc = rpc
        self.caches = caches
        self.turn = first
        self.breaks = 0
        self.asked_for = 0  # progress answers
        self.unasked_for = 0
        self.failure = None
        self.ended = False
        self.requests = queue.Queue()
        self.call = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.ended:
            etcd = Etcd(self.endpoints[self.turn % len(self.endpoints)], self.rpc)
            try:
                self.list_unlisted(etcd)
                self.follow(etcd)
            except grpc.RpcError:
                self.breaks += not self.ended
                self.turn += 1
                time.sleep(ASK_AGAIN_S)
            except Exception as violation:  # for whoever waits
                self.failure = violation
                return
            finally:
                etcd.close()

    def list_unlisted(self, etcd):
        for cache in self.caches:
            if cache.revision == 0:
                cache.listed(*Storage(etcd).pages(cache.prefix, 500))

    def follow(self, etcd):
        self.requests = queue.Queue()
        for cache in self.caches:
            self.requests.put(self.rpc.WatchRequest(create_request=self.rpc.WatchCreateRequest(
                key=cache.prefix, range_end=prefix_end(cache.prefix), start_revision=cache.revision + 1,
                prev_kv=True, progress_notify=True)))
        created = 0
        self.call = etcd.watch(iter(self.requests.get, None))
        try:
            for response in self.call:
                if response.canceled:
                    raise Violation(f"a watch was canceled: {response}")
                if response.created:
                    if response.watch_id != created or response.events:
                        raise Violation(f"not the answer to watch {created}: {response}")
                    created += 1
                else:
                    self.sort_in(response, created)
        finally:
            self.requests.put(None)

    def sort_in(self, response, created):
        if response.watch_id == -1 and not response.events:
            self.asked_for += 1
            for cache in self.caches[:created]:
                cache.progress(response.header.revision)
        elif not 0 <= response.watch_id < created:
            raise Violation(f"for no watch: {response}")
        elif response.events:
            self.caches[response.watch_id].take(response)
        else:
            self.unasked_for += 1
            self.caches[response.watch_id].progress(response.header.revision)

    def ask(self):
        self.requests.put(self.rpc.WatchRequest(progress_request=self.rpc.WatchProgressRequest()))

    def consistent_read(self, storage, cache):
        """A list out of the cache, as new as one of the store itself, and held against that. False when the
        store has compacted what it would be compared with."""
        revision = storage.revision(cache.prefix)
        cache.reach(revision, self.ask, lambda: self.failure)
        cached = cache.at(revision)
        if cached is None:
            return False
        try:
            stored, _ = storage.pages(cache.prefix, 100, revision)
        except grpc.RpcError as error:
            if error.details() == COMPACTED:
                return False
            raise
        if [shape(kv) for kv in stored] != cached:
            missing = {shape(kv) for kv in stored} ^ set(cached)
            raise Violation(f"{cache.prefix} at {revision}: cache and store differ by {sorted(missing)[:6]}")
        return True

    def end(self):
        self.ended = True
        self.requests.put(None)
        if self.call is not None:
            self.call.cancel()
        self.thread.join(PATIENCE_S)
        if self.failure is not None:
            raise self.failure
