# SPDX-License-Identifier: Apache-2.0
"""What clients did and were told, and the judgement whether one store could have said that.

A watch of everything since the first revision gives the order of all changes. With it, each answer
is checked for itself:
  - a change that was acknowledged is in the watch, at the revision that its answer named;
  - a request whose fate is unknown happened once or never, and nothing happened that nobody asked
    for (values are unique);
  - a read shows the keys as they were at the revision that it names;
  - who begins after another has ended sees a revision at least as new, and a change a newer one.
Revisions are then an order of all requests that the real order agrees with: the history is
linearizable.
"""

import bisect
import threading
import time
from dataclasses import dataclass


class Violation(Exception):
    """The store said what one store can't have said."""


@dataclass
class Operation:
    kind: str  # put, delete, get, swap
    key: bytes
    value: bytes = None
    expected: int = None  # swap: the mod_revision that the key must have
    start: float = 0
    end: float = None  # None: no answer, so nobody knows
    revision: int = 0
    found: object = None  # get: the KeyValue or None; swap: succeeded; delete: how many
    serializable: bool = False

    def changed(self):
        """Whether the answer says that the operation changed the store."""
        return self.kind == "put" or (self.kind in ("swap", "delete") and bool(self.found))


class History:
    """Of all clients of a test. Any thread."""

    def __init__(self):
        self.operations = []
        self.lock = threading.Lock()

    def begin(self, kind, key, **fields):
        operation = Operation(kind, key, start=time.monotonic(), **fields)
        with self.lock:
            self.operations.append(operation)
        return operation

    @staticmethod
    def end(operation, revision, found=None):
        operation.revision = revision
        operation.found = found
        operation.end = time.monotonic()

    @property
    def acknowledged(self):
        with self.lock:
            return sum(1 for operation in self.operations if operation.end is not None)

    def acknowledged_changes(self):
        with self.lock:
            return sum(1 for one in self.operations if one.end is not None and one.changed())


class Timeline:
    """All changes, as a watch tells them."""

    def __init__(self, events):
        """`events`: (mod_revision, key, value or None, create_revision, version), in order."""
        self.at = {}
        self.by_key = {}
        for revision, key, value, create, version in events:
            self.at.setdefault(revision, {})[key] = value
            self.by_key.setdefault(key, []).append((revision, value, create, version))

    def state(self, key, revision):
        """(mod_revision, value, create, version) of a key as of a revision, or None."""
        changes = self.by_key.get(key, [])
        i = bisect.bisect_right(changes, revision, key=lambda change: change[0])
        return changes[i - 1] if i > 0 and changes[i - 1][1] is not None else None


def check_answer(operation, timeline):
    """One answer against the order of all changes."""
    at = timeline.at.get(operation.revision, {})
    if operation.changed():
        if at != {operation.key: operation.value}:
            raise Violation(f"acknowledged but not there: {operation}; changes then: {at}")
        before = timeline.state(operation.key, operation.revision - 1)
        if operation.kind == "swap" and (before[0] if before else 0) != operation.expected:
            raise Violation(f"swapped though the key was {before}: {operation}")
        return
    state = timeline.state(operation.key, operation.revision)
    if operation.kind == "swap":
        if (state[0] if state else 0) == operation.expected:
            raise Violation(f"not swapped though the key was {state}: {operation}")
        return
    kv = operation.found or None
    shown = (kv.mod_revision, kv.value, kv.create_revision, kv.version) if kv else None
    if shown != state:
        raise Violation(f"read {shown}, the key was {state}: {operation}")


def check_real_time(operations):
    """Who starts after another's end is behind it."""
    ended = sorted((one.end, one.revision) for one in operations if one.end is not None)
    newest = []  # the highest revision known to be there at each end
    for _, revision in ended:
        newest.append(max(revision, newest[-1] if newest else 0))
    ends = [end for end, _ in ended]
    for operation in operations:
        i = bisect.bisect_left(ends, operation.start)
        seen = newest[i - 1] if i > 0 else 0
        if operation.end is None or operation.serializable:
            continue
        if operation.revision < seen or (operation.changed() and operation.revision == seen):
            raise Violation(f"revision {seen} was there before this began: {operation}")


def check_nothing_invented(operations, timeline):
    """Every change has one request, every request at most one change."""
    asked = {}
    deletions = {}
    for operation in operations:
        if operation.kind in ("put", "swap"):
            asked[operation.value] = operation
        elif operation.kind == "delete":
            deletions[operation.key] = deletions.get(operation.key, 0) + 1
    seen = set()
    for revision, changes in timeline.at.items():
        for key, value in changes.items():
            if value is None:
                deletions[key] = deletions.get(key, 0) - 1
                if deletions[key] < 0:
                    raise Violation(f"{key} was deleted at {revision} once too often")
                continue
            operation = asked.get(value)
            if operation is None or operation.key != key:
                raise Violation(f"nobody put {value} to {key}, as was done at {revision}")
            if value in seen:
                raise Violation(f"done twice, again at {revision}: {operation}")
            seen.add(value)
            if operation.end is not None and operation.revision != revision:
                raise Violation(f"done at {revision}, said to be otherwise: {operation}")


def check(operations, events):
    """Raises Violation unless the history is linearizable with these changes, which are all."""
    timeline = Timeline(events)
    for operation in operations:
        if operation.end is not None:
            check_answer(operation, timeline)
    check_real_time(operations)
    check_nothing_invented(operations, timeline)
