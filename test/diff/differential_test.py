#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Sends one stream of requests, made from a seed, to etcd and to Quorate, and compares every answer
field by field: revisions, order, counts, errors with code and text, watch events. Halfway
Quorate is killed, etcd ended, and both are started again. What may differ is listed in compare.py.

A failure prints its seed and writes the steps to a file: --replay runs them again, --shrink cuts
them down first.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time

SKIPPED = 77  # what meson takes for a skipped test
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(HERE, "..", "support"))

try:
    import protos  # noqa: E402
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(SKIPPED)
from auth_session import AuthSession  # noqa: E402
from auth_steps import AuthGenerator  # noqa: E402
from clusters import Cluster, wait_for  # noqa: E402
from compare import ETCD_3_4, ETCD_3_7, KNOWN_DIFFERENCES, OUTSIDE_ANSWERS, QUORATE, Difference  # noqa: E402
from etcd_releases import NotBuilt, build  # noqa: E402
from servers import Server  # noqa: E402
from session import Session  # noqa: E402
from steps import Generator, Step, read_steps, write_steps  # noqa: E402


CHEAP = ["--bcrypt-cost=4"]  # what a hash costs is not what is compared
DESCRIBED_MAX = 4000  # characters of a step in a report


class Follower:
    """A cluster, asked through one of its members that does not lead. All are killed and started at once."""

    def __init__(self, binary, directory, size, extra):
        self.cluster = Cluster(binary, directory, size, extra)
        self.name = os.path.basename(binary)
        self.asked = None

    @property
    def endpoint(self):
        return self.asked.endpoint

    @property
    def process(self):
        return self.asked.process

    def start(self):
        self.cluster.start()
        self.asked = wait_for(self._follower, "a follower")

    def _follower(self):
        return next((one for one in self.cluster.members if "\netcd_server_is_leader 0" in one.metrics()), None)

    def metrics(self):
        return self.asked.metrics()

    def kill(self):
        for member in self.cluster.members:
            member.kill()

    def stop(self):
        for member in self.cluster.members:
            member.stop()

    def log_tail(self):
        return self.cluster.logs()


def kind_of(binary):
    """What a program says it is."""
    said = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    if "Quorate" in said:
        return QUORATE
    return ETCD_3_4 if "etcd Version: 3.4." in said else ETCD_3_7


class Run:
    """Two fresh servers and a session."""

    def __init__(self, options, rpc, alter=None):
        self.options = options
        self.directory = tempfile.TemporaryDirectory(prefix="quorate-diff-", dir=options.tmp_dir)
        binaries = [options.reference, options.subject]
        self.kinds = [kind_of(binary) for binary in binaries]
        self.servers = []
        for i, binary in enumerate(binaries):
            extra = [*(options.subject_arg if i == 1 else []), *(CHEAP if options.auth else [])]
            where = os.path.join(self.directory.name, str(i))
            self.servers.append(Follower(binary, where, options.members, extra) if i == 1 and options.members > 1
                                else Server(os.path.basename(binary), binary, where, extra))
        self.rpc = rpc
        self.alter = alter
        self.session = None
        self.parts = (AuthSession, AuthGenerator) if options.auth else (Session, Generator)

    def __enter__(self):
        try:
            for server in self.servers:
                server.start()
            self.session = self.parts[0](self.servers, self.kinds, self.rpc, self.alter)
            self.session.comparer.leases_in_order = self.options.members == 1
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.session is not None:
            self.session.close()
        for server in self.servers:
            server.stop()
        self.directory.cleanup()

    def generate(self, seed, requests):
        """Runs a generated stream. Returns the steps done and the difference, or None."""
        generator = self.parts[1](seed, self.rpc)
        generator.reference_loses_keys = self.kinds[0] == ETCD_3_7
        done = []
        for number in range(requests):
            generator.observe(self.session.revision, self.session.compacted)
            generator.enabled = getattr(self.session, "enabled", False)
            done.append(Step("restart") if number == requests // 2 else generator.next())
            difference = self._try(done[-1])
            if difference:
                return done, difference
        done.append(Step("final"))
        return done, self._try(done[-1])

    def replay(self, steps):
        for number, step in enumerate(steps):
            difference = self._try(step)
            if difference:
                return steps[: number + 1], difference
        return steps, None

    def _try(self, step):
        try:
            self.session.run(step)
        except Difference as difference:
            for server in self.servers:
                if server.process.poll() is not None:
                    return Difference(f"{difference}\n{server.name} has ended:\n{server.log_tail()}")
            return difference
        return None


def describe(step, rpc):
    """A step as a person reads it."""
    from client import METHODS

    name = {
        "temporary": "LeaseGrantRequest",
        "keepalive": "LeaseKeepAliveRequest",
        "compact": "CompactionRequest",
        "range_stream": "RangeRequest",
        "watch": "WatchRequest",
        "cancel": "WatchRequest",
    }.get(step.kind) or (METHODS[step.method][1] if step.method else None)
    text = str(getattr(rpc, name).FromString(step.request)) if name else ""
    if len(text) > DESCRIBED_MAX:
        text = f"{text[:DESCRIBED_MAX]}... ({len(text)} characters)\n"
    where = f"stream {step.stream}" if step.stream else ""
    return f"{step.kind} {step.method} {where} {f'as {step.user}' if step.user else ''}\n{text}"


def shrink(options, rpc, steps, budget_s=600):
    """Leaves out ever smaller pieces as long as some difference remains."""
    deadline = time.monotonic() + budget_s
    chunk = max(1, len(steps) // 2)
    while chunk >= 1 and time.monotonic() < deadline:
        at = 0
        while at < len(steps) and time.monotonic() < deadline:
            candidate = steps[:at] + steps[at + chunk :]
            with Run(options, rpc) as run:
                failed, difference = run.replay(candidate)
            if difference:
                steps = failed
                print(f"  {len(steps)} steps still differ", flush=True)
            else:
                at += chunk
        chunk //= 2
    return steps


def report(options, rpc, seed, steps, difference):
    print(f"\nDIFFERENCE at step {len(steps)} (seed {seed})")
    print(describe(steps[-1], rpc))
    print(f"{os.path.basename(options.reference)} | {os.path.basename(options.subject)}")
    print(difference)
    if options.shrink:
        steps = shrink(options, rpc, steps)
        print("\n".join(f"{i + 1}. {describe(step, rpc)}" for i, step in enumerate(steps)))
    path = options.save or os.path.join(tempfile.gettempdir(), f"quorate-diff-{seed}.json")
    write_steps(path, seed, steps)
    print(f"steps written to {path}; run again with --replay {path} [--shrink]")


def self_test(options, rpc):
    """An altered answer must be noticed, or the test proves nothing."""
    options.subject = options.reference
    options.subject_arg = []
    alterations = {
        "a revision": ("Put", lambda answer: _add(answer.header, "revision", 1)),
        "a count": ("Range", lambda answer: _add(answer, "count", 1)),
        "an order": ("Range", _swap_first_two),
        "a deleted number": ("DeleteRange", lambda answer: _add(answer, "deleted", 1)),
        "a branch": ("Txn", lambda answer: setattr(answer, "succeeded", not answer.succeeded)),
        "a lost header": ("Put", lambda answer: answer.ClearField("header")),
        "a hash": ("HashKV", lambda answer: setattr(answer, "hash", answer.hash ^ 1)),
    }
    if options.auth:
        alterations = {
            "a revision": alterations["a revision"],
            "a user": ("UserList", lambda answer: answer.users.append("mallory")),
            "a role": ("UserGet", lambda answer: answer.roles.append("root")),
            "a right": ("RoleGet", _other_right),
            "a lost token": ("Authenticate", lambda answer: answer.ClearField("token")),
        }
    with Run(options, rpc) as run:
        for what, (method, change) in alterations.items():
            armed = [True]

            def alter(called, outcome):
                if called != method or outcome.code != 0 or not armed[0]:
                    return outcome
                before = outcome.message.SerializeToString()
                change(outcome.message)
                armed[0] = outcome.message.SerializeToString() == before
                return outcome

            run.session._alter = alter
            _, difference = run.generate(options.seed, 1500 if options.auth else 400)
            if difference is None:
                print(f"self-test: altering {what} was NOT noticed")
                return 1
            print(f"self-test: altering {what} was noticed")
    return 0


def _add(message, name, amount):
    setattr(message, name, getattr(message, name) + amount)


def _other_right(answer):
    if answer.perm:
        answer.perm[0].permType ^= 1


def _swap_first_two(answer):
    if len(answer.kvs) > 1:
        first = type(answer.kvs[0])()
        first.CopyFrom(answer.kvs[0])
        answer.kvs[0].CopyFrom(answer.kvs[1])
        answer.kvs[1].CopyFrom(first)


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--reference", default="etcd", help="the etcd binary")
    parser.add_argument("--release", nargs=2, metavar=("VERSION", "CACHE"),
                        help="a release of etcd that Go builds into the folder CACHE, in its place")
    parser.add_argument("--subject", default="build/quorate", help="what is compared with it")
    parser.add_argument("--subject-arg", action="append", default=[], help="a flag for it")
    parser.add_argument("--seed", type=int, default=None, help="default: a new one")
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--tmp-dir", default=None, help="where the servers' data goes")
    parser.add_argument("--members", type=int, default=1, metavar="N",
                        help="compare with a follower in a cluster of so many")
    parser.add_argument("--auth", action="store_true", help="users, roles, and requests under their tokens")
    parser.add_argument("--replay", metavar="FILE", help="run the steps of an earlier failure")
    parser.add_argument("--shrink", action="store_true", help="cut the failing steps down")
    parser.add_argument("--save", metavar="FILE", help="where failing steps are written")
    parser.add_argument("--verbose", action="store_true", help="also print what was answered")
    parser.add_argument("--self-test", action="store_true", help="test this test, without a subject")
    options = parser.parse_args()
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def main():
    options = parse_options()
    if options.release:
        try:
            options.reference = build(*options.release, ["etcd"])[0]
        except NotBuilt as reason:
            print(f"skipped: etcd {options.release[0]} can't be built here: {reason}")
            return SKIPPED
    with tempfile.TemporaryDirectory(prefix="quorate-diff-proto-") as generated:
        rpc = protos.compile_into(generated)["rpc"]
        if options.self_test:
            return self_test(options, rpc)
        print(f"seed {options.seed}", flush=True)
        began = time.monotonic()
        with Run(options, rpc) as run:
            if options.replay:
                steps, difference = run.replay(read_steps(options.replay))
            else:
                steps, difference = run.generate(options.seed, options.requests)
            met, seen = run.session.comparer.met, run.session.seen
        if difference:
            report(options, rpc, options.seed, steps, difference)
            return 1
        print(f"{len(steps)} steps without a difference in {time.monotonic() - began:.0f} s")
        if options.verbose:
            print("\n".join(f"  {count:6} {what}" for what, count in sorted(seen.items())))
        for known in KNOWN_DIFFERENCES + OUTSIDE_ANSWERS:
            if met[known.name]:
                print(f"  known: {known.name} x {met[known.name]}: {known.reason}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
