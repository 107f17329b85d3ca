#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The judge judged: histories that are fine and histories that are not."""

import types
import unittest

from history import Operation, Violation, check

EVENTS = [
    (2, b"a", b"1", 2, 1),
    (3, b"a", b"2", 2, 2),
    (4, b"a", None, 0, 0),
    (5, b"b", b"3", 5, 1),
]


def kv(mod, value, create, version):
    return types.SimpleNamespace(mod_revision=mod, value=value, create_revision=create,
                                 version=version)


def good():
    return [
        Operation("put", b"a", b"1", start=0, end=1, revision=2),
        Operation("swap", b"a", b"2", expected=2, start=2, end=3, revision=3, found=True),
        Operation("get", b"a", start=2, end=3, revision=2, found=kv(2, b"1", 2, 1)),
        Operation("get", b"a", start=4, end=5, revision=3, found=kv(3, b"2", 2, 2)),
        Operation("delete", b"a", start=4, end=6, revision=4, found=1),
        Operation("put", b"b", b"3", start=5),
        Operation("put", b"b", b"never", start=5),
        Operation("swap", b"a", b"4", expected=3, start=7, end=8, revision=5, found=False),
        Operation("get", b"a", start=9, end=10, revision=2, found=kv(2, b"1", 2, 1),
                  serializable=True),
    ]


class CheckTest(unittest.TestCase):
    def refuse(self, operations, text, events=None):
        with self.assertRaisesRegex(Violation, text):
            check(operations, EVENTS if events is None else events)

    def test_a_good_history(self):
        check(good(), EVENTS)

    def test_a_lost_write(self):
        self.refuse(good(), "acknowledged but not there", EVENTS[1:])

    def test_a_write_done_twice(self):
        self.refuse(good(), "done twice", [*EVENTS, (6, b"b", b"3", 5, 2)])

    def test_a_deletion_done_twice(self):
        self.refuse(good(), "once too often", [*EVENTS, (6, b"a", None, 0, 0)])

    def test_a_write_of_nobody(self):
        self.refuse(good(), "nobody put", [*EVENTS, (6, b"b", b"x", 5, 2)])

    def test_a_stale_read(self):
        stale = Operation("get", b"a", start=4, end=5, revision=2, found=kv(2, b"1", 2, 1))
        self.refuse([*good(), stale], "was there before")

    def test_a_wrong_read(self):
        wrong = Operation("get", b"a", start=4, end=5, revision=3, found=kv(2, b"1", 2, 1))
        self.refuse([*good(), wrong], "the key was")

    def test_a_read_of_what_was_deleted(self):
        wrong = Operation("get", b"a", start=9, end=10, revision=5, found=kv(3, b"2", 2, 2))
        self.refuse([*good(), wrong], "the key was None")

    def test_a_swap_that_should_have_failed(self):
        operations = good()
        operations[1].expected = 1
        self.refuse(operations, "swapped though")

    def test_a_swap_that_should_have_succeeded(self):
        failed = Operation("swap", b"b", b"9", expected=5, start=9, end=10, revision=5, found=False)
        self.refuse([*good(), failed], "not swapped though")


if __name__ == "__main__":
    unittest.main()
