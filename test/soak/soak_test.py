#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A member under all kinds of requests at once is told to stop in the midst of them: it must go in
order, say nothing that a sanitizer or an assertion would, and hold what it acknowledged. Then it is
told to stop after each line that it logs while it starts.

    soak_test.py --binary build-tsan/quorate [--acknowledgements 20000] [--seed N]

Made for sanitized builds; CI runs a short one of the ordinary build too.
"""

import argparse
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("../support", "../diff", "../crash"):
    sys.path.insert(0, os.path.join(HERE, folder))
sys.path.insert(0, HERE)

try:
    import protos as proto_modules  # noqa: E402
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)  # what meson takes for a skipped test
from load import Load  # noqa: E402
from servers import Server, spawn  # noqa: E402
from traffic import Traffic  # noqa: E402

STOP_TIMEOUT_S = 120  # for a sanitized build on a busy machine
# What must not be in a log, and what makes it come up in a run of this size.
BAD = re.compile(r"Sanitizer|runtime error:|assertion failed|terminate called|\"level\":\"(error|fatal)\"")
ARGUMENTS = ["--snapshot-count=300", "--auto-compaction-mode=revision", "--auto-compaction-retention=2000"]


class Failed(Exception):
    """A check did not hold."""


def check(condition, text):
    if not condition:
        raise Failed(text)


def check_log(server):
    with open(server.log_path, "r", errors="replace") as log:
        lines = log.read().splitlines()
    for number, line in enumerate(lines):
        if BAD.search(line):
            raise Failed(f"{server.log_path} says:\n" + "\n".join(lines[number : number + 120]))


def terminate(server):
    """SIGTERM, as from a service manager; the member ends by itself and without complaint."""
    server.process.send_signal(signal.SIGTERM)
    try:
        code = server.process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        server.kill()
        raise Failed(f"still runs {STOP_TIMEOUT_S} s after SIGTERM:\n{server.log_tail()}") from None
    check_log(server)
    check(code == 0, f"ended with {code}:\n{server.log_tail()}")


def stop_under_load(server, options, protos):
    """Returns the writers with their memory."""
    load = Load(protos, options.seed)
    traffic = None

    def stop():
        traffic.going()
        terminate(server)

    server.start()
    traffic = Traffic(server.endpoint, protos, options.seed)
    try:
        load.run_until(server.endpoint, options.acknowledgements, stop)
    finally:
        traffic.going()
        server.stop()
        traffic.join()
    check(not traffic.failures, "\n".join(traffic.failures))
    for kind, visits in traffic.visits.items():
        check(visits > 0, f"not one visit of {kind.__name__} came to its end")
    visits = ", ".join(f"{count} {kind.__name__}" for kind, count in traffic.visits.items())
    print(f"{load.acknowledged} acknowledged writes beside {visits}")
    return load


def stop_while_starting(server):
    """SIGTERM after the first line of the log, after the second, and so on until it serves."""
    line_count = 0
    ready = False
    while not ready:
        line_count += 1
        process = spawn(server.command(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=server.env)
        lines = []
        for line in process.stderr:
            lines.append(line.decode(errors="replace"))
            if len(lines) == line_count:
                ready = any("ready to serve" in line for line in lines)
                process.send_signal(signal.SIGTERM)
        said = "".join(lines)
        code = process.wait()
        # Before the signal is taken over it ends the process as it always does.
        early = code == -signal.SIGTERM and len(lines) == line_count
        check(code == 0 or early, f"SIGTERM after line {line_count}: ended with {code}:\n{said}")
        check(not BAD.search(said), f"SIGTERM after line {line_count}:\n{said}")
    print(f"stopped after each of the first {line_count} lines of its log")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--binary", required=True, help="the server")
    parser.add_argument("--server-arg", action="append", default=[], help="passed to the server")
    parser.add_argument("--acknowledgements", type=int, default=1500, help="writes before the stop")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory(prefix="quorate-soak-") as directory:
        protos = proto_modules.compile_into(directory)
        server = Server(
            "quorate",
            os.path.abspath(options.binary),
            os.path.join(directory, "one"),
            ARGUMENTS + options.server_arg,
        )
        try:
            load = stop_under_load(server, options, protos)
            server.start()
            load.verify(server.endpoint, history=0)
            terminate(server)
            stop_while_starting(server)
        except Failed as failure:
            print(f"FAILED: {failure}")
            return 1
        finally:
            server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
