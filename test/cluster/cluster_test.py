#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clusters of real members, disturbed in every way a machine can think of, under the eyes of clients.

    cluster_test.py --binary build/quorate [--seed N] [test ...]

Exits with 77 (skipped) when the one test asked for needs rights this user does not have.
"""

import argparse
import os
import sys
import tempfile
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import protos as proto_modules  # noqa: E402
from context import Context, Skipped  # noqa: E402

MODULES = ("advisories", "authentication", "corruption", "discovery", "engines", "faults", "membership", "partitions", "secured",
           "serving", "services", "startup")


def all_tests():
    tests = {}
    for name in MODULES:
        module = __import__(name)
        tests.update({function[5:]: getattr(module, function)
                      for function in vars(module) if function.startswith("test_")})
    return tests


def run(name, test, options, protos):
    with tempfile.TemporaryDirectory(prefix=f"quorate-{name}-") as directory:
        context = Context(options, protos, name, directory)
        begin = time.monotonic()
        try:
            test(context)
        except Skipped as reason:
            print(f"{name}: skipped: {reason}", flush=True)
            return "skipped"
        except Exception:  # whatever it is, with what the servers have to say
            traceback.print_exc()
            for cluster in context.clusters:
                print(cluster.logs(40))
            print(f"{name}: FAILED, seed {options.seed}", flush=True)
            return "failed"
        print(f"{name}: passed in {time.monotonic() - begin:.1f} s", flush=True)
        return "passed"


def main():
    tests = all_tests()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("tests", nargs="*", metavar="test", help=", ".join(tests))
    options = parser.parse_args()
    unknown = [name for name in options.tests if name not in tests]
    if unknown:
        parser.error(f"no such test: {unknown[0]}")
    with tempfile.TemporaryDirectory(prefix="quorate-protos-") as directory:
        protos = proto_modules.compile_into(directory)
        results = [run(name, tests[name], options, protos) for name in options.tests or tests]
    if "failed" in results:
        return 1
    return 77 if set(results) == {"skipped"} else 0


if __name__ == "__main__":
    sys.exit(main())
