# SPDX-License-Identifier: Apache-2.0
"""Carries out steps on two servers and compares all that comes back.

Watch events arrive whenever they do, so they are compared at barriers: an observer on each server
watches everything, from its events follows what every other watcher must have got, and a barrier
waits for exactly that. A barrier comes before everything that could race with delivery.
"""

import time
from collections import Counter
from dataclasses import dataclass, field

from client import METHODS, Client
from clusters import wait_for
from compare import (
    ETCD_3_4,
    HASH_OF_NOTHING,
    INVALID_SORT,
    PAIR_BEFORE_COMPACTED,
    PROGRESS_WITHOUT_WATCHERS,
    QUORATE,
    SPENT_WATCH_ID,
    TOMBSTONE_AT_COMPACTED,
    Comparer,
    Difference,
    normalize,
)
from steps import STREAMS

DELIVERY_TIMEOUT_S = 20
SYNC_KEY = b"\xfe sync"
ALL_KEYS = dict(key=b"\x00", range_end=b"\x00")
PUT, DELETE = 0, 1
NONE_BEHIND = "\netcd_debugging_mvcc_slow_watcher_total 0\n"


@dataclass
class Watcher:
    """One watcher, as both servers should see it."""

    watch_id: int
    key: bytes
    end: bytes
    start: int
    filters: set
    wants_prev: bool
    expected: int = 0  # events of the observer's log that were handed out so far, as an index
    received: tuple = field(default_factory=lambda: ([], []))  # per server, not yet compared

    def sees(self, event):
        if event.kv.mod_revision < self.start or event.type in self.filters:
            return False
        key = event.kv.key
        if not self.end:
            return key == self.key
        return key >= self.key and (self.end == b"\x00" or key < self.end)


class WatchStream:
    """One watch stream on each server."""

    def __init__(self, clients, rpc, tokens=("", "")):
        self.streams = [client.stream("Watch", token) for client, token in zip(clients, tokens)]
        self.rpc = rpc
        self.watchers = {}
        self.spent = set()  # ended by compaction; the id is in use until it is canceled

    def send(self, request):
        for stream in self.streams:
            stream.send(request)

    def sort_in(self, side, message):
        """Puts a message's events where they belong. True when it is none of an event response."""
        if message.created or message.canceled or message.watch_id == -1 or not message.events:
            return True
        watcher = self.watchers.get(message.watch_id)
        if watcher is None:
            raise Difference(f"server {side}: events for unknown watch id {message.watch_id}")
        watcher.received[side].extend(message.events)
        return False

    def controls(self, count):
        """The next `count` responses of each server that are not events."""
        found = ([], [])
        for side, stream in enumerate(self.streams):

            def take(message, side=side):
                if self.sort_in(side, message):
                    found[side].append(message)
                return len(found[side]) == count

            if count > 0 and not stream.take_until(take):
                raise Difference(
                    f"server {side}: {len(found[side])} of {count} watch answers came: "
                    f"{found[side]} (stream: {stream.ended or 'open'})"
                )
        return found

    def close(self):
        for stream in self.streams:
            stream.close()


class Session:
    """`servers` are started; servers[0] is the reference. `kinds[side]` says what each is."""

    def __init__(self, servers, kinds, rpc, alter=None):
        self.servers = servers
        self.kinds = kinds
        self.rpc = rpc
        self.comparer = Comparer(kinds)
        self.revision = 1
        self.compacted = -1
        self.log = []  # every event there was, in order
        self.seen = Counter()  # what the reference answered, to see that nothing is left out
        self._alter = alter or (lambda method, outcome: outcome)
        self._connect()

    # --- connections

    def _connect(self):
        self.clients = [Client(server.endpoint, self.rpc) for server in self.servers]
        tokens = self.tokens()
        self.keepalives = self._open_keepalives(tokens)
        self.streams = [WatchStream(self.clients, self.rpc, tokens) for _ in range(STREAMS)]
        self.observer = WatchStream(self.clients, self.rpc, tokens)
        create = self.rpc.WatchCreateRequest(
            prev_kv=True, start_revision=self.revision + 1, **ALL_KEYS
        )
        self.observer.send(self.rpc.WatchRequest(create_request=create))
        self.observer.controls(1)
        self.observer.watchers[0] = Watcher(0, b"\x00", b"\x00", 0, set(), True)

    def tokens(self):
        """What this session's own calls are made with, for each server."""
        return ["", ""]

    def _open_keepalives(self, tokens):
        return [client.stream("LeaseKeepAlive", token) for client, token in zip(self.clients, tokens)]

    def close(self):
        for stream in self.keepalives:
            stream.close()
        for stream in [self.observer] + self.streams:
            stream.close()
        for client in self.clients:
            client.close()

    # --- steps

    def run(self, step):
        """Raises Difference."""
        getattr(self, "_step_" + step.kind)(step)

    def _parse(self, step, name):
        return getattr(self.rpc, name).FromString(step.request)

    def _both(self, method, request, tokens=None):
        """Sends to both at once, compares, returns the outcomes."""
        tokens = self.tokens() if tokens is None else tokens
        futures = [client.start(method, request, token) for client, token in zip(self.clients, tokens)]
        outcomes = [client.finish(one) for client, one in zip(self.clients, futures)]
        outcomes[1] = self._alter(method, outcomes[1])
        self.seen[f"{method} {outcomes[0].text or 'ok'}"] += 1
        self.comparer.outcomes(method, request, *outcomes)
        if outcomes[0].code == 0 and hasattr(outcomes[0].message, "header"):
            self.revision = max(self.revision, outcomes[0].message.header.revision)
        return outcomes

    def _step_unary(self, step):
        request = self._parse(step, METHODS[step.method][1])
        if step.method != "HashKV":
            self._both(step.method, request)
            return
        self._barrier(settle=False)  # the log then has all that there was
        self._hash(request.revision)

    def _hash(self, revision):
        if revision > 0 and self._nothing_lived_at(revision):
            self.comparer.met[HASH_OF_NOTHING.name] += 1
        else:
            self._both("HashKV", self.rpc.HashKVRequest(revision=revision))

    def _nothing_lived_at(self, revision):
        living = set()
        for event in self.log:
            if event.kv.mod_revision > revision:
                break
            (living.add if event.type == PUT else living.discard)(event.kv.key)
        return not living

    def _step_rule(self, step):
        for side, client in enumerate(self.clients):
            if self.kinds[side] != ETCD_3_4:
                request = self._parse(step, METHODS[step.method][1])
                outcome = client.unary(step.method, request, self.tokens()[side])
                if [outcome.code, outcome.text] != step.expected:
                    raise Difference(f"expected {step.expected}, got {outcome.describe()}")
        self.comparer.met[INVALID_SORT.name] += ETCD_3_4 in self.kinds

    def _step_range_stream(self, step):
        if ETCD_3_4 in self.kinds:
            return
        request = self._parse(step, "RangeRequest")
        outcomes = [client.range_stream(request, token) for client, token in zip(self.clients, self.tokens())]
        self.seen[f"RangeStream {outcomes[0].text or 'ok'}"] += 1
        self.comparer.outcomes("RangeStream", request, *outcomes)

    def _step_temporary(self, step):
        request = self._parse(step, "LeaseGrantRequest")
        tokens = self.tokens()
        granted = [client.unary("LeaseGrant", request, token) for client, token in zip(self.clients, tokens)]
        ids = [one.message.ID if one.code == 0 else 0 for one in granted]
        for one in granted:
            if one.code == 0 and one.message.ID > 0:
                one.message.ID = 1
        self.comparer.outcomes("LeaseGrant", request, *granted)
        revoked = [
            client.unary("LeaseRevoke", self.rpc.LeaseRevokeRequest(ID=one), token)
            for client, one, token in zip(self.clients, ids, tokens)
        ]
        self.comparer.outcomes("LeaseRevoke", request, *revoked)

    def _step_keepalive(self, step):
        answers = []
        for stream in self.keepalives:
            stream.send(self._parse(step, "LeaseKeepAliveRequest"))
        for side, stream in enumerate(self.keepalives):
            if not stream.take_until(lambda message: answers.append(message) or True):
                raise Difference(f"server {side}: no keep-alive answer ({stream.ended})")
        self.comparer.messages(*answers)

    def _step_compact(self, step):
        request = self._parse(step, "CompactionRequest")
        # No watcher may still be on its way through what is about to go.
        self._barrier(settle=True)
        outcomes = self._both("Compact", request)
        if outcomes[0].code == 0:
            self.compacted = request.revision

    def _step_barrier(self, step):
        self._barrier(settle=False)

    def _step_restart(self, step):
        self._barrier(settle=False)
        self.close()
        # etcd 3.4 gets an order to end: killed in the midst of its backend's commit, it takes an entry
        # for applied that is not, and has lost a write that it had acknowledged.
        self.servers[0].stop()
        self.servers[1].kill()
        for server in self.servers:
            server.start()
        self._connect()
        self._compare_state()

    def _step_final(self, step):
        self._barrier(settle=False)
        self._compare_state()

    def _compare_state(self):
        rpc = self.rpc
        self._both("Range", rpc.RangeRequest(**ALL_KEYS))
        for revision in {0, self.compacted + 1, self.revision}:
            self._hash(revision)
        for lease in self._both("LeaseLeases", rpc.LeaseLeasesRequest())[0].message.leases:
            request = rpc.LeaseTimeToLiveRequest(ID=lease.ID, keys=True)
            self._both("LeaseTimeToLive", request)

    # --- watches

    def _step_watch(self, step):
        request = self._parse(step, "WatchRequest")
        create = request.create_request
        stream = self.streams[step.stream]
        stream.send(request)
        answers = [one[0] for one in stream.controls(1)]
        self.comparer.messages(*answers)
        self.seen[f"watch create {answers[0].cancel_reason or 'ok'}"] += 1
        if answers[0].canceled:
            return
        start = create.start_revision or answers[0].header.revision + 1
        watcher = Watcher(
            watch_id=answers[0].watch_id,
            key=create.key or b"\x00",  # an empty key is read so
            end=create.range_end,
            start=start,
            filters={DELETE if one == 1 else PUT for one in create.filters if one in (0, 1)},
            wants_prev=create.prev_kv,
        )
        stream.watchers[watcher.watch_id] = watcher
        if start < self.compacted:
            refusals = [one[0] for one in stream.controls(1)]
            self.comparer.messages(*refusals)
            self.seen["watch compacted"] += 1
            del stream.watchers[watcher.watch_id]
            self._settle_spent(stream, watcher.watch_id)

    def _settle_spent(self, stream, watch_id):
        """A compaction has ended this watcher."""
        if self.kinds[0] == self.kinds[1]:
            stream.spent.add(watch_id)
            return
        self.comparer.met[SPENT_WATCH_ID.name] += 1
        cancel = self.rpc.WatchCancelRequest(watch_id=watch_id)
        for side, one in enumerate(stream.streams):
            if self.kinds[side] != QUORATE:
                one.send(self.rpc.WatchRequest(cancel_request=cancel))
                if not one.take_until(lambda message, s=side: stream.sort_in(s, message)):
                    raise Difference(f"server {side}: a spent watch id is not answered")

    def _step_cancel(self, step):
        request = self._parse(step, "WatchRequest")
        stream = self.streams[step.stream]
        watch_id = request.cancel_request.watch_id
        self._barrier(settle=True)
        stream.send(request)
        if watch_id not in stream.watchers and watch_id not in stream.spent:
            self.seen["watch cancel, unknown id"] += 1
            return  # gets no answer; one would be found by the next step on this stream
        answers = [one[0] for one in stream.controls(1)]
        self.comparer.messages(*answers)
        self.seen["watch cancel"] += 1
        stream.watchers.pop(watch_id, None)
        stream.spent.discard(watch_id)

    def _step_progress(self, step):
        stream = self.streams[step.stream]
        if not stream.watchers:
            if ETCD_3_4 in self.kinds:
                self.comparer.met[PROGRESS_WITHOUT_WATCHERS.name] += 1
            else:  # gets no answer; one would be found by the next step on this stream
                stream.send(self.rpc.WatchRequest(progress_request=self.rpc.WatchProgressRequest()))
            return
        self._barrier(settle=True)
        if any(watcher.start > self.revision for watcher in stream.watchers.values()):
            self.comparer.met[PROGRESS_WITHOUT_WATCHERS.name] += 1
            return
        answers = [self._progress(stream, side) for side in range(2)]
        self.comparer.messages(*answers)

    def _progress(self, stream, side):
        """Asks until there is an answer: a request that comes while a watcher is not synced is
        dropped, and how soon after its last event it is synced is the server's own affair."""
        request = self.rpc.WatchRequest(progress_request=self.rpc.WatchProgressRequest())
        answers = []
        deadline = time.monotonic() + DELIVERY_TIMEOUT_S

        def take(message):
            if stream.sort_in(side, message):
                answers.append(message)
            return bool(answers)

        while not answers and time.monotonic() < deadline:
            stream.streams[side].send(request)
            stream.streams[side].take_until(take, timeout_s=0.2)
        if not answers:
            raise Difference(f"server {side}: no answer to progress requests")
        # Earlier askings may be answered still; a create's answer, which comes after them in order,
        # must not be taken for one.
        self._drain_progress(stream, side, answers[0])
        return answers[0]

    def _drain_progress(self, stream, side, first):
        """Creates and cancels a watcher that never sees anything, taking what comes before."""
        never = (1 << 62)
        create = self.rpc.WatchCreateRequest(key=SYNC_KEY, start_revision=never, watch_id=never)
        stream.streams[side].send(self.rpc.WatchRequest(create_request=create))

        def created(message):
            if not stream.sort_in(side, message):
                return False
            if message.watch_id == -1 and not message.created:
                if normalize(message) != normalize(first):
                    raise Difference(f"server {side}: progress answers differ: {message} | {first}")
            return message.created

        def canceled(message):
            return stream.sort_in(side, message) and message.canceled

        cancel = self.rpc.WatchCancelRequest(watch_id=never)
        for request, done in ((None, created), (cancel, canceled)):
            if request is not None:
                stream.streams[side].send(self.rpc.WatchRequest(cancel_request=request))
            if not stream.streams[side].take_until(done):
                raise Difference(f"server {side}: no answer to a watch that sees nothing")

    # --- barriers

    def _barrier(self, settle):
        """`settle` also waits until no watcher is behind, not even one that never gets anything."""
        put = self._both("Put", self.rpc.PutRequest(key=SYNC_KEY))[0]
        if put.code != 0:
            raise Difference(f"a plain put fails on both: {put.describe()}")
        self._extend_log(put.message.header.revision)
        if settle:
            self._await_synced()
        for stream in self.streams:
            for watcher in stream.watchers.values():
                self._compare_watcher(stream, watcher)

    def _await_synced(self):
        """A watcher that began in the past is behind until its server finds time for it."""
        for server in self.servers:
            try:
                wait_for(lambda one=server: NONE_BEHIND in one.metrics(), "a watcher's catching up")
            except TimeoutError as late:
                raise Difference(f"{server.name}: {late}") from None

    def _extend_log(self, revision):
        """Waits until both observers have seen `revision`, compares what they got, appends it."""
        watcher = self.observer.watchers[0]
        for side, stream in enumerate(self.observer.streams):

            def arrived(message, side=side):
                self.observer.sort_in(side, message)
                got = watcher.received[side]
                return bool(got) and got[-1].kv.mod_revision >= revision

            if not stream.take_until(arrived, DELIVERY_TIMEOUT_S):
                raise Difference(
                    f"server {side}: the observer did not get revision {revision} "
                    f"({len(watcher.received[side])} events, {stream.ended or 'open'})"
                )
        self._compare_events("the observer", watcher.received)
        self.log.extend(watcher.received[0])
        for received in watcher.received:
            received.clear()

    def _compare_watcher(self, stream, watcher):
        wanted = [event for event in self.log[watcher.expected :] if watcher.sees(event)]
        watcher.expected = len(self.log)
        if ETCD_3_4 in self.kinds:
            kept = [event for event in wanted if not self._is_lost_tombstone(event)]
            self.comparer.met[TOMBSTONE_AT_COMPACTED.name] += len(wanted) - len(kept)
            wanted = kept
        for side in range(2):
            self._await_events(stream, watcher, side, len(wanted))
        self._compare_events(f"watcher {watcher.watch_id}", watcher.received)
        expected, got = (
            [(event.type, event.kv.key, event.kv.mod_revision) for event in events]
            for events in (wanted, watcher.received[0])
        )
        if got != expected:
            raise Difference(f"watcher {watcher}: both got {got}, not {expected}")
        self.seen["watch events"] += len(got)
        for received in watcher.received:
            received.clear()

    def _await_events(self, stream, watcher, side, count):
        received = watcher.received[side]

        def complete(message=None):
            if message is not None and stream.sort_in(side, message):
                raise Difference(f"server {side}: unexpected watch answer {message}")
            if ETCD_3_4 in self.kinds:
                received[:] = [one for one in received if not self._is_lost_tombstone(one)]
            return len(received) >= count

        one = stream.streams[side]
        for message in one.take():
            complete(message)
        if not complete() and not one.take_until(complete, DELIVERY_TIMEOUT_S):
            raise Difference(
                f"server {side}: watcher {watcher} got {len(received)} of {count} events "
                f"({one.ended or 'open'})"
            )

    def _is_lost_tombstone(self, event):
        return event.type == DELETE and event.kv.mod_revision == self.compacted

    def _compare_events(self, what, received):
        old, new = (self.rpc.WatchResponse(events=events) for events in received)
        for one, other in zip(old.events, new.events):
            if self.kinds[0] != self.kinds[1] and one.kv.mod_revision <= self.compacted:
                self.comparer.met[PAIR_BEFORE_COMPACTED.name] += other.HasField("prev_kv") > one.HasField("prev_kv")
                one.ClearField("prev_kv")
                other.ClearField("prev_kv")
        try:
            self.comparer.messages(old, new)
        except Difference as difference:
            raise Difference(f"events of {what}: {difference}") from None
