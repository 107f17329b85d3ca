#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real members, real disks, kill -9: what was acknowledged is there afterwards, and what is damaged is
said and left alone.

    crash_test.py --binary build/quorate [--rounds 200] [--seed N] [test ...]

Exits with 77 (skipped) when the one test asked for needs rights this user does not have.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "support"))

import log_files  # noqa: E402
import protos as proto_modules  # noqa: E402
from load import Load, Lost  # noqa: E402
from servers import Server, ServerFailed, spawn  # noqa: E402

REFUSAL_TIMEOUT_S = 60
FULL_DISK_MIB = 120


class Skipped(Exception):
    """This machine or user can't run the test."""


class Failed(Exception):
    """A check did not hold."""


def check(condition, text):
    if not condition:
        raise Failed(text)


class Context:
    """What a test gets: options, protocol modules, a random source of its own."""

    def __init__(self, options, protos, name, directory):
        self.options = options
        self.protos = protos
        self.random = random.Random(f"{options.seed} {name}")
        self.directory = directory

    def server(self, subdirectory="one", extra_args=()):
        return Server(
            "quorate",
            os.path.abspath(self.options.binary),
            os.path.join(self.directory, subdirectory),
            list(self.options.server_arg) + list(extra_args),
        )

    def load(self, **fields):
        return Load(self.protos, self.random.randrange(1 << 30), **fields)


def wal_dir(server):
    return os.path.join(server.data_dir, "member", "wal")


def expect_refusal(server):
    """Starts a server that must not serve; returns what it said."""
    before = os.path.getsize(server.log_path)
    try:
        server.start()
    except ServerFailed:
        pass
    else:
        raise Failed("the server serves what it must refuse")
    check(server.process.wait(REFUSAL_TIMEOUT_S) != 0, "a refusal ends with an error code")
    with open(server.log_path, "r", errors="replace") as log:
        log.seek(before)
        return log.read()


def test_kill(context):
    """kill -9 under load, at any moment, over and over."""
    server = context.server()
    load = context.load()
    try:
        for round_number in range(context.options.rounds):
            if context.random.random() < 0.25:
                kill_while_starting(context, server)
            server.start()
            load.verify(server.endpoint)
            load.run_until(
                server.endpoint, context.random.randrange(1, 600), lambda: kill_running(server)
            )
            print(f"  round {round_number + 1}: {load.acknowledged} acknowledged", flush=True)
        server.start()
        load.verify(server.endpoint, history=200)
        # An orderly stop must keep as much as a crash.
        server.stop()
        server.start()
        load.verify(server.endpoint, history=200)
        check(load.acknowledged > 10 * context.options.rounds, "the load hardly ran")
    finally:
        server.stop()


def kill_running(server):
    check(server.process.poll() is None, f"the server ended by itself:\n{server.log_tail()}")
    server.kill()


def kill_while_starting(context, server):
    """Recovery is cut short as well."""
    killed_after_s = context.random.random() * 0.15
    with open(server.log_path, "ab") as log:
        server.process = spawn(
            server.command(), stdout=log, stderr=log, env=server.env, cwd=server.directory
        )
    try:
        server.process.wait(killed_after_s)
        raise Failed(f"the server ended by itself while starting:\n{server.log_tail()}")
    except subprocess.TimeoutExpired:
        server.kill()


def test_damaged_log(context):
    """A flipped bit before the tail: refused with file and offset, and nothing is changed."""
    server = context.server()
    load = context.load()
    try:
        server.start()
        load.run_until(server.endpoint, 400, server.kill)
        for _ in range(5):
            path = log_files.segments(wal_dir(server))[-1]
            offsets = log_files.frame_offsets(path)
            check(len(offsets) > 20, f"only {len(offsets)} frames in {path}")
            frame = context.random.choice(offsets[:-2])
            byte = frame + context.random.randrange(4, 200)
            log_files.flip(path, byte)
            before = log_files.content(wal_dir(server))
            said = expect_refusal(server)
            check(f"{path}: byte offset {frame}: " in said, f"damage at {frame} is not named:\n{said}")
            check(log_files.content(wal_dir(server)) == before, "the damaged log was changed")
            log_files.flip(path, byte)
        server.start()
        load.verify(server.endpoint, history=100)
    finally:
        server.stop()


def test_missing_segment(context):
    """A log that lost a file is refused."""
    server = context.server()
    load = context.load(value_bytes=40_000)
    try:
        server.start()
        # Enough for a second segment, the first of which is a small one.
        load.run_until(server.endpoint, 500, server.kill)
        segments = log_files.segments(wal_dir(server))
        check(len(segments) > 1, "one segment only")
        hidden = segments[-1] + ".hidden"
        os.rename(segments[-1], hidden)
        said = expect_refusal(server)
        check("is missing" in said, f"the missing segment is not named:\n{said}")
        os.rename(hidden, segments[-1])
        server.start()
        load.verify(server.endpoint)
    finally:
        server.stop()


def test_newer_format(context):
    """A log of a later version is refused with both versions."""
    server = context.server()
    try:
        server.start()
        server.stop()
        path = log_files.segments(wal_dir(server))[0]
        log_files.set_version(path, 7)
        before = log_files.content(wal_dir(server))
        said = expect_refusal(server)
        check(
            f"written by a newer version: {path}: log format 7, this version reads up to 1" in said,
            f"the versions are not named:\n{said}",
        )
        check(log_files.content(wal_dir(server)) == before, "the log was changed")
        log_files.set_version(path, 1)
        server.start()
    finally:
        server.stop()


def test_foreign_data(context):
    """The data directory of another cluster is refused, that of a running member too."""
    server = context.server()
    try:
        server.start()
        second = context.server("one")
        said = expect_refusal(second)
        check("by another process" in said, f"the lock is not named:\n{said}")
        server.stop()
        before = log_files.content(wal_dir(server))
        other = context.server("one", ["--initial-cluster-token=another"])
        other.client_port, other.peer_port = server.client_port, server.peer_port
        said = expect_refusal(other)
        check("data of another cluster" in said, f"the other cluster is not named:\n{said}")
        check(log_files.content(wal_dir(server)) == before, "the foreign log was changed")
        server.start()
    finally:
        server.stop()


class SmallDisk:
    """A file system of its own that can be made larger."""

    def __init__(self, path, mib):
        self.path = path
        os.makedirs(path, exist_ok=True)
        self._mount(f"size={mib}m")

    def grow(self, mib):
        self._mount(f"remount,size={mib}m")

    def close(self):
        subprocess.run(["umount", "-l", self.path], check=False)

    def _mount(self, options):
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", options, "tmpfs", self.path],
                capture_output=True,
                text=True,
                check=False,
            )
        except FileNotFoundError as error:
            raise Skipped("there is no mount command") from error
        if done.returncode != 0:
            raise Skipped(f"no small file system can be mounted: {done.stderr.strip()}")


def test_full_disk(context):
    """Without space it stops acknowledging and says why; with space it serves again, all there."""
    server = context.server()
    # The server's own output stays outside.
    disk = SmallDisk(server.data_dir, FULL_DISK_MIB)
    try:
        load = context.load(writers=4, value_bytes=60_000)
        try:
            server.start()
            # Far more than fits: the load ends because the server does not acknowledge any more.
            load.run_until(server.endpoint, 1_000_000, lambda: None)
            check(load.acknowledged < 1_000_000, "everything was acknowledged")
            said = server.log_tail()
            check("no space left on device" in said.lower(), f"the reason is not said:\n{said}")
            server.stop()
            disk.grow(4 * FULL_DISK_MIB)
            server.start()
            load.verify(server.endpoint, history=100)
            before = load.acknowledged
            load.run_until(server.endpoint, 200, server.kill)
            check(load.acknowledged >= before + 200, "it does not serve again")
            server.start()
            load.verify(server.endpoint, history=100)
        finally:
            server.stop()
    finally:
        disk.close()


TESTS = {
    "kill": test_kill,
    "damaged_log": test_damaged_log,
    "missing_segment": test_missing_segment,
    "newer_format": test_newer_format,
    "foreign_data": test_foreign_data,
    "full_disk": test_full_disk,
}


def run(name, options, protos):
    """True when the test passed or was skipped."""
    with tempfile.TemporaryDirectory(prefix="quorate-crash-", dir=options.tmp_dir) as directory:
        context = Context(options, protos, name, directory)
        print(f"{name} (seed {options.seed})", flush=True)
        try:
            TESTS[name](context)
        except Skipped as reason:
            print(f"{name}: skipped: {reason}", flush=True)
            return None
        except (Failed, Lost, ServerFailed) as failure:
            print(f"{name}: FAILED: {failure}", flush=True)
            keep_evidence(options, directory, name)
            return False
        print(f"{name}: passed", flush=True)
        return True


def keep_evidence(options, directory, name):
    if options.keep:
        target = os.path.join(options.keep, name)
        subprocess.run(["cp", "-r", directory, target], check=False)
        print(f"the data is in {target}; run again with --seed {options.seed}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--binary", required=True, help="the server")
    parser.add_argument("--server-arg", action="append", default=[], help="passed to every server")
    parser.add_argument("--rounds", type=int, default=15, help="kills of the test 'kill'")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 30))
    parser.add_argument("--tmp-dir", help="where data is put; a real disk")
    parser.add_argument("--keep", help="where the data of a failed test is copied to")
    parser.add_argument("tests", nargs="*", metavar="test", help=", ".join(TESTS))
    options = parser.parse_args()
    unknown = set(options.tests) - set(TESTS)
    if unknown:
        parser.error(f"no such test: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="quorate-crash-proto-") as generated:
        protos = proto_modules.compile_into(generated)
        results = [run(name, options, protos) for name in options.tests or TESTS]
    if False in results:
        return 1
    return 77 if results == [None] else 0


if __name__ == "__main__":
    sys.exit(main())
