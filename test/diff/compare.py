# SPDX-License-Identifier: Apache-2.0
"""Compares two answers field by field, and lists the differences that are right.

The reference is the distribution's etcd 3.4.23, or etcd 3.7.1, whose interface Quorate has. Every
difference that the requests can bring out is in KNOWN_DIFFERENCES with its reason; nothing else may
differ. Between two servers of one kind none of them is applied.
"""

import copy
from collections import Counter
from dataclasses import dataclass
from typing import Callable

TTL_TOLERANCE_S = 60  # a lease's remaining time: two servers, two clocks, one restart each
STABLE_UP_TO = 12  # Go sorts so few by insertion
COMPACTED = (11, "etcdserver: mvcc: required revision has been compacted")


# Kinds of servers.
ETCD_3_4 = "etcd 3.4"
ETCD_3_7 = "etcd 3.7"
QUORATE = "quorate"
ANY_ETCD = (ETCD_3_4, ETCD_3_7)


class Difference(Exception):
    """The two servers disagree."""


@dataclass
class Known:
    name: str
    reason: str
    # (method, request, old outcome, new outcome) -> whether it was found; takes it out of copies.
    remove: Callable
    references: tuple = (ETCD_3_4,)  # which differ from Quorate so


def _each_message(message, visit):
    visit(message)
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for one in value if field.label == field.LABEL_REPEATED else [value]:
            _each_message(one, visit)


def normalize(message):
    """A copy without what differs between any two servers. That ids and terms are set at all, and
    where, is still compared."""
    message = copy.deepcopy(message)

    def visit(one):
        if one.DESCRIPTOR.name == "ResponseHeader":
            for name in ("cluster_id", "member_id", "raft_term"):
                if getattr(one, name) != 0:
                    setattr(one, name, 1)

    _each_message(message, visit)
    return message


def differing_fields(a, b, path=""):
    """Lines `path: a | b`, empty when the messages are equal."""
    if a.SerializeToString(deterministic=True) == b.SerializeToString(deterministic=True):
        return []
    lines = []
    for field in a.DESCRIPTOR.fields:
        left, right = getattr(a, field.name), getattr(b, field.name)
        where = f"{path}{field.name}"
        if field.label == field.LABEL_REPEATED:
            lines += _differing_lists(field, left, right, where)
        elif field.message_type is not None:
            present = a.HasField(field.name), b.HasField(field.name)
            if present[0] != present[1]:
                lines.append(f"{where}: {_presence(present[0])} | {_presence(present[1])}")
            else:
                lines += differing_fields(left, right, where + ".")
        elif left != right:
            lines.append(f"{where}: {_short(left)} | {_short(right)}")
    return lines or [f"{path or 'message'}: unknown fields or encoding differ"]


def _differing_lists(field, left, right, where):
    lines = []
    if len(left) != len(right):
        lines.append(f"{where}: {len(left)} elements | {len(right)} elements")
    for i, (one, other) in enumerate(zip(left, right)):
        if field.message_type is not None:
            lines += differing_fields(one, other, f"{where}[{i}].")
        elif one != other:
            lines.append(f"{where}[{i}]: {_short(one)} | {_short(other)}")
    return lines


def _presence(there):
    return "set" if there else "not set"


def _short(value):
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:100]}... ({len(value)} long)"


# --- What may differ between etcd and Quorate


def _ranges_of(method, request, answer):
    """(RangeRequest, RangeResponse) pairs of an answer, those inside transactions too."""
    if method == "Range":
        yield request, answer
    elif method == "Txn":
        operations = request.success if answer.succeeded else request.failure
        for operation, result in zip(operations, answer.responses):
            kind = operation.WhichOneof("request")
            if kind == "request_range":
                yield operation.request_range, result.response_range
            elif kind == "request_txn":
                yield from _ranges_of("Txn", operation.request_txn, result.response_txn)


def _keys_only_lease(method, request, old, new):
    if old.code != 0 or method not in ("Range", "Txn"):
        return False
    found = False
    for query, answer in _ranges_of(method, request, old.message):
        if query.keys_only and query.sort_target != query.VALUE:
            for kv in answer.kvs:
                found = found or kv.lease != 0
                kv.lease = 0
    return found


SORT_VALUES = {
    0: lambda kv: kv.key,
    1: lambda kv: kv.version,
    2: lambda kv: kv.create_revision,
    3: lambda kv: kv.mod_revision,
    4: lambda kv: kv.value,
}


def _order_among_equals(method, request, old, new):
    if old.code != 0 or new.code != 0 or method not in ("Range", "Txn"):
        return False
    found = False
    for outcome in (old, new):
        for query, answer in _ranges_of(method, request, outcome.message):
            if query.sort_target == query.KEY or answer.count <= STABLE_UP_TO:
                continue
            value = SORT_VALUES[query.sort_target]
            kvs = sorted(answer.kvs, key=lambda kv: (value(kv), kv.key))
            if answer.more:
                # Which of the last equals still fit is left open as well.
                last = value(answer.kvs[-1])
                kvs = [kv for kv in kvs if value(kv) != last]
            # The order of different values still counts: the answer's own sequence of them.
            sequence = [value(kv) for kv in answer.kvs]
            if sequence not in (sorted(sequence), sorted(sequence, reverse=True)):
                continue
            if sequence and sequence[0] > sequence[-1]:
                kvs.reverse()
            before = list(answer.kvs)
            del answer.kvs[:]
            answer.kvs.extend(kvs)
            found = found or before != kvs
    return found


def _hash_revision(method, request, old, new):
    if method != "HashKV" or new.code != 0 or new.message.hash_revision == 0:
        return False
    new.message.hash_revision = 0
    return True


def _hash_at_compacted(method, request, old, new):
    if method != "HashKV" or (old.code, old.text) != COMPACTED or new.code != 0:
        return False
    if request.revision != new.message.compact_revision:
        return False
    old.code, old.text, old.message = 0, "", new.message
    return True


def _hash_of_a_compaction(method, request, old, new):
    if method != "HashKV" or old.code != 0 or old.message.hash_revision != request.revision:
        return False
    revision = request.revision
    last = new.code == 0 and revision == new.message.compact_revision > old.message.compact_revision
    # A compaction at 0 has its hash, too, which then is the answer to the question for the newest.
    if not last and revision != 0 and (new.code, new.text) != COMPACTED:
        return False
    new.code, new.text, new.message = 0, "", old.message
    return True


# What a transaction is refused for before it begins.
REFUSALS = {
    COMPACTED,
    (11, "etcdserver: mvcc: required revision is a future revision"),
    (5, "etcdserver: requested lease not found"),
    (3, "etcdserver: key not found"),
}


def _first_mistake(method, request, old, new):
    told = {(one.code, one.text) for one in (old, new)}
    if method != "Txn" or len(told) != 2 or not told <= REFUSALS:
        return False
    old.code, old.text = new.code, new.text
    return True


def _alarm_header(method, request, old, new):
    if method != "Alarm" or old.code != 0 or new.code != 0 or old.message.HasField("header"):
        return False
    new.message.ClearField("header")
    return True


KNOWN_DIFFERENCES = [
    Known("alarm-header", "3.4 answers Alarm without a header; since 3.5 it has one", _alarm_header),
    Known(
        "keys-only-lease",
        "3.7 serves keys_only from the index of keys, which has no leases: lease is 0",
        _keys_only_lease,
    ),
    Known(
        "order-among-equals",
        "etcd's sort leaves the order of equal values to Go's, which is not stable beyond 12",
        _order_among_equals,
        ANY_ETCD,
    ),
    Known(
        "first-mistake",
        "of several mistakes in a Txn 3.4 tells first of those of its puts; 3.7 of whichever comes first, and of a "
        "put's lease before its key",
        _first_mistake,
    ),
    Known("hash-revision", "the field HashKVResponse.hash_revision is new in 3.6", _hash_revision),
    Known(
        "hash-at-compacted",
        "3.4 refuses HashKV at the compacted revision itself; since 3.5 only below it",
        _hash_at_compacted,
    ),
    Known(
        "hash-of-a-compaction",
        "until it restarts, etcd gives for the revisions of its last ten compactions what each of them hashed, "
        "what it deleted included; Quorate hashes what is there, so that members agree whenever they started",
        _hash_of_a_compaction,
        (ETCD_3_7,),
    ),
]


def _root_role(method, request, old, new):
    if method != "RoleGet" or request.role != "root" or old.code != 0 or new.code != 0:
        return False
    if [(one.permType, one.key, one.range_end) for one in new.message.perm] != [(2, b"", b"\0")]:
        return False
    del old.message.perm[:]
    del new.message.perm[:]
    return True


KNOWN_DIFFERENCES.append(
    Known("root-role", "3.4 lists what the role root was granted; later ones say that it may do all", _root_role))

# These have no answer to take out of; session.py does it differently for each kind of server.
TOMBSTONE_AT_COMPACTED = Known(
    "tombstone-at-compacted",
    "3.4.23 deletes the tombstone of the compacted revision; since 3.4.34 a watch gets it",
    None,
)
INVALID_SORT = Known(
    "invalid-sort",
    "3.4 does not check sort enums (an unknown target ends the process); 3.7 refuses them",
    None,
)
PROGRESS_WITHOUT_WATCHERS = Known(
    "progress-unchecked",
    "3.4.23 answers every progress request; 3.7 only when all the stream's watchers are synced",
    None,
)
SPENT_WATCH_ID = Known(
    "spent-watch-id",
    "etcd keeps the id of a watcher that a compaction ended until it is canceled, and answers "
    "that; Quorate has forgotten the watcher, so that streams do not grow",
    None,
)
HASH_OF_NOTHING = Known(
    "hash-of-nothing",
    "where no key lives etcd hashes whatever compaction has left lying about, which differs between its "
    "releases and from moment to moment; Quorate hashes what counts elsewhere",
    None,
)
WATCH_FROM_KEY = Known(
    "watch-from-key",
    "until 3.7.1 the right to one key let a user watch all behind it (GHSA-xg4h-6gfc-h4m8)",
    None,
)
PAIR_BEFORE_COMPACTED = Known(
    "pair-before-compacted",
    "a watch from the compacted revision on: etcd has no pair before a change there, Quorate as long as it "
    "is in memory, so that a compaction takes none from watches that are a little behind",
    None,
)
OUTSIDE_ANSWERS = [
    PAIR_BEFORE_COMPACTED,
    WATCH_FROM_KEY,
    HASH_OF_NOTHING,
    TOMBSTONE_AT_COMPACTED,
    INVALID_SORT,
    PROGRESS_WITHOUT_WATCHERS,
    SPENT_WATCH_ID,
]


class Comparer:
    """Compares outcomes; counts the known differences that it met."""

    def __init__(self, kinds):
        self._known = [known for known in KNOWN_DIFFERENCES if kinds[0] != kinds[1] and kinds[0] in known.references]
        self.leases_in_order = True  # of their ends, which only a leader knows
        self.met = Counter()

    def outcomes(self, method, request, old, new):
        """Raises Difference. `old` is the reference's."""
        old, new = copy.deepcopy(old), copy.deepcopy(new)
        for known in self._known:
            if known.remove(method, request, old, new):
                self.met[known.name] += 1
        if (old.code, old.text) != (new.code, new.text):
            raise Difference(f"{old.describe()}\n  against\n{new.describe()}")
        if old.code == 0:
            self._tolerate(method, old.message, new.message)
            if method == "LeaseLeases" and not self.leases_in_order:
                for message in (old.message, new.message):
                    message.leases.sort(key=lambda lease: lease.ID)
            self.messages(old.message, new.message)

    def messages(self, old, new):
        lines = differing_fields(normalize(old), normalize(new))
        if lines:
            raise Difference("\n".join(lines))

    @staticmethod
    def _tolerate(method, old, new):
        """What two servers of one kind may answer differently as well."""
        if method == "Authenticate" and old.token and new.token:
            new.token = old.token
        if method != "LeaseTimeToLive":
            return
        if old.TTL > 0 and new.TTL > 0 and abs(old.TTL - new.TTL) <= TTL_TOLERANCE_S:
            new.TTL = old.TTL
        for message in (old, new):
            message.keys.sort()  # they come in no particular order
