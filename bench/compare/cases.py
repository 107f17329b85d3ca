# SPDX-License-Identifier: Apache-2.0
"""What is measured. A group is a server with one state; its cases run on it one after another."""

from dataclasses import dataclass, field


@dataclass
class Case:
    name: str
    arguments: list  # of quorate-load
    operation: str  # whose figures count
    target: str = ""  # of performance: the wanted ratio to etcd, for the reader
    # Rate as a share of what the same server just reached in the case of this name.
    paced_by: str = ""
    paced_share: float = 0.5
    events_per_request: int = 1


@dataclass
class Group:
    name: str
    cases: list
    # Keys put before, and a restart after that: etcd's reads stay slow after a burst of writes
    # until it restarts, and it should be shown at its best.
    preload: int = 0
    restart: bool = False
    full_only: bool = False


@dataclass
class Plan:
    seconds: float
    warmup: float
    rounds: int
    keys: int
    million: int  # what stands for "a million keys"
    groups: list = field(default_factory=list)


def plan(full):
    keys = 100_000 if full else 30_000
    result = Plan(
        seconds=10 if full else 1.5,
        warmup=2 if full else 0.4,
        rounds=3,
        keys=keys,
        million=1_000_000 if full else 100_000,
    )
    result.groups = [_writes(keys), _reads(keys), _mixed(keys), _watches(), _leases()]
    result.groups += [_gateway(keys)]
    result.groups += [_after_writes(keys), _big(result.million)]
    return result


def _shape(connections, streams):
    return ["-c", str(connections), "-m", str(streams)]


def _writes(keys):
    common = ["put", "-k", str(keys), "--key-size", "8-32"]
    return Group(
        "writes",
        [
            Case("put 1", common + _shape(1, 1), "put"),
            Case("put 1, polling", common + _shape(1, 1) + ["--poll"], "put"),
            Case("put 100x1", common + _shape(100, 1), "put"),
            Case("put 100x10", common + _shape(100, 10), "put", target="6"),
            Case("txn 4 puts 100x1", ["txn", "-k", str(keys)] + _shape(100, 1), "txn"),
        ],
    )


def _reads(keys):
    common = ["get", "-k", str(keys)]
    span = str(min(10_000, keys))
    return Group(
        "reads",
        [
            Case("get 1", common + _shape(1, 1), "get"),
            Case("get 1, polling", common + _shape(1, 1) + ["--poll"], "get"),
            Case("get 100x1", common + _shape(100, 1), "get"),
            Case("get 100x10", common + _shape(100, 10), "get", target="5"),
            Case("get serializable 100x10", common + _shape(100, 10) + ["--consistency", "s"], "get"),
            Case(
                "range 10k keys",
                ["range", "-k", str(keys), "--range-keys", span] + _shape(4, 1),
                "range",
                target="4",
            ),
            Case(
                "range limit 100",
                ["range", "-k", str(keys), "--range-keys", span, "--limit", "100"] + _shape(10, 2),
                "range",
            ),
        ],
        preload=keys,
        restart=True,
    )


def _mixed(keys):
    case = Case("mixed half 100x10", ["mixed", "-k", str(keys)] + _shape(100, 10), "", target="6")
    return Group("mixed", [case], preload=keys, restart=True)


def _watches():
    watchers = 1000
    common = ["watch", "-c", "10", "--watchers", str(watchers), "--watch-streams", "100"]
    return Group(
        "watches",
        [
            Case("watch 1000 of one key", common, "event", target="5"),
            Case(
                "watch at half that rate",
                common + ["--watch-window", "0"],
                "event",
                paced_by="watch 1000 of one key",
                events_per_request=watchers,
            ),
        ],
    )


def _leases():
    case = Case("10k leases kept alive", ["lease", "--leases", "10000"] + _shape(100, 10), "keepalive", "5")
    return Group("leases", [case])


def _gateway(keys):
    """The JSON gateway, over connections that are kept."""
    common = ["--gateway", "-k", str(keys)] + _shape(100, 1)
    return Group(
        "gateway",
        [
            Case("gateway get 100x1", ["get"] + common, "get", target="5"),
            Case("gateway put 100x1", ["put"] + common, "put", target="5"),
        ],
        preload=keys,
        restart=True,
    )


def _after_writes(keys):
    """Reads on a server that has just taken many writes."""
    return Group(
        "after writes",
        [
            Case("(writes before)", ["put", "-k", str(keys)] + _shape(100, 10), "put"),
            Case("get 100x10 after writes", ["get", "-k", str(keys)] + _shape(100, 10), "get"),
        ],
        preload=keys,
        full_only=True,
    )


def _big(keys):
    """Many keys: memory at rest and time to start again are taken when the group starts."""
    return Group(
        "big",
        [Case("put 100x10, many keys", ["put", "-k", str(keys)] + _shape(100, 10), "put")],
        preload=keys,
        restart=True,
        full_only=True,
    )
