# SPDX-License-Identifier: Apache-2.0
"""Clients that write and read while a cluster is disturbed, and write down what they were told."""

import random
import threading
import time

import grpc
from client import Client
from history import History, Violation, check

KEYS = 6
CALL_TIMEOUT_S = 4
PAUSE_S = 0.003  # members and clients share a small machine


def event_tuple(event):
    kv = event.kv
    value = kv.value if event.type == 0 else None
    return (kv.mod_revision, kv.key, value, kv.create_revision, kv.version)


class Worker:
    """One client with one request under way. It goes to the next member when one fails."""

    def __init__(self, number, endpoints, protos, history):
        self.number = number
        self.endpoints = endpoints  # shared: members come and go
        self.protos = protos
        self.history = history
        self.random = random.Random(number)
        self.client = None
        self.sequence = 0
        self.turn = number
        self.last_seen = {}  # key -> mod_revision
        self.failure = None
        self.longest_wait_s = 0

    def run(self, stop):
        try:
            while not stop.is_set():
                self.step()
                time.sleep(PAUSE_S)
        except Exception as error:  # a thread's exception would be lost
            self.failure = error
        finally:
            if self.client:
                self.client.close()

    def step(self):
        if self.client is None:
            endpoints = list(self.endpoints)
            self.client = Client(endpoints[self.turn % len(endpoints)], self.protos)
        begin = time.monotonic()
        try:
            self.request()
        except grpc.RpcError:
            # Nobody knows what became of it; the history says so.
            self.client.close()
            self.client = None
            self.turn += 1
            time.sleep(0.02)
        self.longest_wait_s = max(self.longest_wait_s, time.monotonic() - begin)

    def value(self):
        self.sequence += 1
        return f"{self.number}.{self.sequence}".encode()

    def request(self):
        key = f"key/{self.random.randrange(KEYS)}".encode()
        what = self.random.random()
        if what < 0.4:
            value = self.value()
            operation = self.history.begin("put", key, value=value)
            answer = self.client.put(timeout_s=CALL_TIMEOUT_S, key=key, value=value)
            History.end(operation, answer.header.revision)
            self.last_seen[key] = answer.header.revision
        elif what < 0.7:
            self.get(key, serializable=what > 0.65)
        elif what < 0.95:
            self.swap(key)
        else:
            operation = self.history.begin("delete", key)
            answer = self.client.delete_range(timeout_s=CALL_TIMEOUT_S, key=key)
            History.end(operation, answer.header.revision, answer.deleted)

    def get(self, key, serializable):
        operation = self.history.begin("get", key, serializable=serializable)
        answer = self.client.range(timeout_s=CALL_TIMEOUT_S, key=key, serializable=serializable)
        kv = answer.kvs[0] if answer.kvs else None
        History.end(operation, answer.header.revision, kv)
        self.last_seen[key] = kv.mod_revision if kv else 0

    def swap(self, key):
        pb = self.client.pb
        expected = self.last_seen.get(key, 0)
        value = self.value()
        operation = self.history.begin("swap", key, value=value, expected=expected)
        answer = self.client.txn(
            timeout_s=CALL_TIMEOUT_S,
            compare=[pb.Compare(key=key, target=pb.Compare.MOD, result=pb.Compare.EQUAL,
                                mod_revision=expected)],
            success=[pb.RequestOp(request_put=pb.PutRequest(key=key, value=value))],
            failure=[pb.RequestOp(request_range=pb.RangeRequest(key=key))],
        )
        History.end(operation, answer.header.revision, answer.succeeded)
        if answer.succeeded:
            self.last_seen[key] = answer.header.revision
        else:
            kvs = answer.responses[0].response_range.kvs
            self.last_seen[key] = kvs[0].mod_revision if kvs else 0


class Load:
    """Several workers, from `with` on until its end."""

    def __init__(self, endpoints, protos, workers=6):
        self.endpoints = endpoints
        self.protos = protos
        self.history = History()
        self.stop_event = threading.Event()
        self.workers = [Worker(i, endpoints, protos, self.history) for i in range(workers)]
        self.threads = [threading.Thread(target=worker.run, args=(self.stop_event,), daemon=True)
                        for worker in self.workers]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        self.wait_for_more(20)
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        self.stop_event.set()
        for thread in self.threads:
            thread.join()
        for worker in self.workers:
            if worker.failure:
                raise worker.failure

    def wait_for_more(self, changes, timeout_s=60):
        """Returns when so many more changes were acknowledged: the cluster serves."""
        goal = self.history.acknowledged_changes() + changes
        deadline = time.monotonic() + timeout_s
        while self.history.acknowledged_changes() < goal:
            for worker in self.workers:
                if worker.failure:
                    raise worker.failure
            if time.monotonic() > deadline:
                raise Violation(f"no {changes} changes were acknowledged within {timeout_s} s")
            time.sleep(0.02)

    def longest_wait_s(self):
        return max(worker.longest_wait_s for worker in self.workers)

    def verify(self, endpoint, events_before=()):
        """Judges everything that was answered. Afterwards nothing may have been forgotten, but for
        what was compacted, whose events the caller has."""
        after = events_before[-1][0] if events_before else 0
        events = [*events_before, *all_changes(endpoint, self.protos, after + 1)]
        check(self.history.operations, events)


def all_changes(endpoint, protos, start_revision=1):
    """Everything that happened to the keys of the load since, as a watch through one member says."""
    with Client(endpoint, protos) as client:
        key, range_end = b"key/", b"key0"
        # The end to wait for. A put of our own could not be told from a worker's.
        revision = client.range(key=key, range_end=range_end, count_only=True).header.revision
        pb = client.pb
        create = pb.WatchRequest(create_request=pb.WatchCreateRequest(
            key=key, range_end=range_end, start_revision=start_revision))
        progress = pb.WatchRequest(progress_request=pb.WatchProgressRequest())
        events = []
        done = threading.Event()

        def requests():
            yield create
            while not done.wait(0.2):
                yield progress  # answered once the watch has caught up

        stream = client.watch(requests(), timeout_s=30)
        for response in stream:
            if response.canceled:
                raise Violation(f"a watch of all changes was cancelled: {response}")
            events += [event_tuple(event) for event in response.events]
            if not response.created and not response.events and response.header.revision >= revision:
                break
        done.set()
        stream.cancel()
        return events
