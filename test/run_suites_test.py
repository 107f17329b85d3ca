#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How run_suites counts what meson and GoogleTest say."""

import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import run_suites  # noqa: E402


def case(result="COMPLETED", status="RUN", failures=None):
    entry = {"name": "x", "status": status, "result": result}
    return {**entry, "failures": failures} if failures else entry


def report(*cases):
    return {"testsuites": [{"testsuite": list(cases)}]}


def entry(result, *command):
    return json.dumps({"name": "t", "result": result, "command": list(command)})


class CountTest(unittest.TestCase):
    def counts(self, lines, reports=None):
        return str(run_suites.count_results(lines, reports or {}))

    def test_cases_of_a_program_count_by_themselves(self):
        reports = {"a_test": report(case(), case(), case(failures=[{}]), case("SKIPPED"),
                                    case("SUPPRESSED", "NOTRUN"))}
        self.assertEqual(self.counts([entry("FAIL", "/b/a_test")], reports),
                         "2 passed, 1 failed, 2 skipped")

    def test_other_tests_count_as_one(self):
        lines = [entry("OK", "/usr/bin/python3", "x.py"), entry("SKIP", "/b/c"), entry("FAIL", "/b/d"),
                 entry("TIMEOUT", "/b/e"), entry("ERROR", "/b/f")]
        self.assertEqual(self.counts(lines), "1 passed, 3 failed, 1 skipped")

    def test_a_program_that_ends_badly_is_a_failure(self):
        self.assertEqual(self.counts([entry("FAIL", "/b/a_test")], {"a_test": report(case())}),
                         "1 passed, 1 failed")

    def test_wrapped_programs_are_known(self):
        lines = [entry("OK", "setarch", "-R", "/b/a_test"), entry("OK", "setarch", "-R", "python3", "x.py")]
        self.assertEqual(self.counts(lines, {"a_test": report(case(), case())}), "3 passed, 0 failed")

    def test_every_suite_has_a_build(self):
        for name, (build, _, minutes) in run_suites.SUITES.items():
            self.assertTrue(build is None or build in run_suites.BUILDS, name)
            self.assertGreaterEqual(minutes, 0)


if __name__ == "__main__":
    unittest.main()
