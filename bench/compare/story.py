# SPDX-License-Identifier: Apache-2.0
"""What every server goes through in the comparison of engines, step by step on one store: from empty
to many keys, overwritten, read, compacted while it is written to, deleted, started anew, backed up."""

from dataclasses import dataclass, field

KEY_BYTES = 16  # quorate-load's default


@dataclass
class Step:
    name: str
    what: str  # for the reader of the report
    kind: str = "load"  # load, compact (a load with a compaction inside), or a method of the runner
    arguments: list = field(default_factory=list)  # of quorate-load
    operation: str = ""  # whose figures count
    puts: bool = False  # disk bytes are told per byte put
    series: bool = False  # drawn over time


def _shape(connections, streams):
    return ["-c", str(connections), "-m", str(streams)]


def story(keys, value_bytes, seconds, warmup):
    """The steps. `seconds` is the length of those that are not as long as their keys last."""
    space = ["-k", str(keys), "-v", str(value_bytes)]
    timed = ["-d", str(seconds), "-w", str(warmup)]
    many = _shape(100, 10)
    return [
        Step(
            "load",
            f"put {keys:,} new keys, in order",
            arguments=["put", *space, "-n", str(keys), "--order", "sequential", *many],
            operation="put",
            puts=True,
            series=True,
        ),
        Step(
            "put, one client",
            "put random keys, one request at a time",
            arguments=["put", *space, *timed, *_shape(1, 1)],
            operation="put",
        ),
        Step(
            "overwrite",
            "put random keys that are there",
            arguments=["put", *space, *timed, *many],
            operation="put",
            puts=True,
            series=True,
        ),
        Step("get", "get random keys", arguments=["get", *space, *timed, *many], operation="get"),
        Step(
            "range",
            "get spans of 100 keys",
            arguments=["range", *space, *timed, "--range-keys", str(min(100, keys)), *_shape(10, 2)],
            operation="range",
        ),
        Step(
            "compaction under load",
            "overwrite, and compact all history a third into it",
            kind="compact",
            arguments=["put", *space, "-d", str(3 * seconds), "-w", str(warmup), *many],
            operation="put",
            series=True,
        ),
        Step(
            "get after compaction",
            "get random keys",
            arguments=["get", *space, *timed, *many],
            operation="get",
        ),
        Step("snapshot", "save a backup over the API", kind="snapshot"),
        Step("restore", "make a data directory of it with the offline tool, whose memory counts here", kind="restore"),
        Step("restart", "stop, start, until it answers", kind="restart"),
        Step(
            "delete",
            "delete every second key's worth, one by one",
            arguments=["delete", *space, "-n", str(keys // 2), *many],
            operation="delete",
        ),
        Step("defragment", "Maintenance.Defragment", kind="defragment"),
    ]


def many_keys(keys, value_bytes, seconds, warmup):
    """The part of the story that grows with the number of keys."""
    names = {"load", "get", "range", "restart"}
    return [
        Step(**{**vars(step), "name": f"{step.name}, 10x keys"})
        for step in story(keys, value_bytes, seconds, warmup)
        if step.name in names
    ]
