#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the same etcdctl commands against Quorate and against etcd and compares what they print.

usage: etcdctl_test.py QUORATE [--etcd ETCD] [--perf LOAD]

Revisions have to be equal as they are. Cluster, member and lease ids become their order of
appearance, since they are random; times, sizes, hashes and versions become a word.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
import threading

import etcdctl_steps
from etcdctl_steps import Ctl, Follow
from member import Member, require

CALL_TIMEOUT_S = 30
ENDED_EARLY = "ended early: "

# A text, and what it becomes; "#" in the replacement is the number of the id.
RANDOM_NUMBERS = re.compile(r'("(?:cluster_id|member_id|leader|ID|lease|memberID)"\s*:\s*)(\d{5,})')
FIELD_IDS = re.compile(r'("(?:ClusterID|MemberID|Lease|ID)"\s*:\s*)(\d{5,})')
HEX_IDS = re.compile(r"\b[0-9a-f]{14,16}\b")
WORDS = [
    (re.compile(r"remaining\(\d+s\)"), "remaining(TIME)"),
    (re.compile(r"took = \S+"), "took = TIME"),
    (re.compile(r"took too long, \S+"), "took TIME"),
    (re.compile(r'"(dbSize|dbSizeInUse|raftIndex|raftAppliedIndex|hash)":\d+'), r'"\1":NUMBER'),
    (re.compile(r'"(Hash|RaftTerm)"\s*:\s*\d+'), r'"\1" : NUMBER'),
    (re.compile(r'"(raft_term|raftTerm)":\d+'), r'"\1":NUMBER'),
    (re.compile(r'"version":"[^"]*"'), '"version":VERSION'),
    # What etcd 3.4 does not know yet.
    (re.compile(r',"(storageVersion|dbSizeQuota|downgradeInfo)":("[^"]*"|\d+|\{[^}]*\})'), ""),
]
# etcd lists them in the order of a Go map.
ATTACHED_KEYS = re.compile(r"attached keys\(\[(.*)\]\)")
STATUS_LINE = re.compile(
    r"^(ENDPOINT, [0-9A-Z]+, )[^,]+, [^,]+, (true|false), (true|false), \d+, \d+, \d+, (.*)$", re.M)


class Normaliser:
    """Makes the output of two servers comparable; one per server, since ids are its own."""

    def __init__(self, member):
        self.member = member
        self.ids = {}

    def name_of(self, number):
        return self.ids.setdefault(number, f"ID{len(self.ids)}")

    def __call__(self, text):
        lines = [line for line in text.splitlines() if not line.startswith('{"level"')]
        text = "\n".join(lines)
        text = text.replace(self.member.endpoint, "ENDPOINT")
        text = text.replace(self.member.endpoint.removeprefix("http://"), "ENDPOINT")
        text = text.replace(self.member.peer_url, "PEER")
        for pattern in (RANDOM_NUMBERS, FIELD_IDS):
            text = pattern.sub(lambda m: m[1] + self.name_of(int(m[2])), text)
        text = HEX_IDS.sub(lambda m: self.name_of(int(m[0], 16)), text)
        for pattern, replacement in WORDS:
            text = pattern.sub(replacement, text)
        text = ATTACHED_KEYS.sub(lambda m: f"attached keys {sorted(m[1].split())}", text)
        return STATUS_LINE.sub(r"\1VERSION, SIZE, \2, \3, TERM, INDEX, INDEX, \4", text)


class Session:
    """etcdctl against one member."""

    def __init__(self, member):
        self.member = member
        self.normalise = Normaliser(member)
        self.saved = {}

    def environment(self):
        return {**os.environ, "ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": self.member.endpoint}

    def command(self, args):
        if "{next}" in args:
            self.saved["next"] = str(self.revision() + 1)
        for name, value in self.saved.items():
            args = args.replace("{" + name + "}", value)
        return ["etcdctl", *shlex.split(args)]

    def revision(self):
        answer = self.call("get none -w json").stdout
        return int(re.search(r'"revision":(\d+)', answer)[1])

    def call(self, args, stdin=""):
        return subprocess.run(
            self.command(args), input=stdin, env=self.environment(), timeout=CALL_TIMEOUT_S,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)

    def run(self, step):
        """What the step printed, normalised."""
        if isinstance(step, Follow):
            return self.follow(step)
        done = self.call(step.args, step.stdin)
        if step.save:
            self.saved[step.save] = re.search(r"\b[0-9a-f]{12,16}\b", done.stdout)[0]
        parts = [f"exit {done.returncode}", done.stdout, done.stderr]
        return self.normalise("\n".join(part for part in parts if part))

    def follow(self, step):
        """Starts the call, then does the others, and reads as many lines as are expected."""
        with tempfile.TemporaryFile("w+") as errors:
            process = subprocess.Popen(
                self.command(step.args), env=self.environment(), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=errors, text=True)
            deadline = threading.Timer(CALL_TIMEOUT_S, process.kill)
            deadline.start()
            try:
                others = [self.run(other) for other in step.meanwhile]
                lines = []
                while len(lines) < step.lines:
                    line = process.stdout.readline()
                    if not line:
                        break
                    lines.append(line)
                if len(lines) < step.lines:
                    errors.seek(0)
                    lines.append(ENDED_EARLY + errors.read())
            finally:
                process.terminate()
                process.wait()
                process.stdout.close()
                deadline.cancel()
        return self.normalise("".join(others + lines))


def compare(binaries, steps=etcdctl_steps.ALL, server_args=()):
    """Prints each step whose output differs; how many there were."""
    differences = 0
    with Member(binaries[0], server_args) as ours, Member(binaries[1], server_args) as theirs:
        sessions = [Session(ours), Session(theirs)]
        for step in steps:
            outputs = [session.run(step) for session in sessions]
            # A step that prints less than it should on both is a mistake of the test.
            if outputs[0] != outputs[1] or ENDED_EARLY in outputs[0]:
                differences += 1
                print(f"--- {step}\nquorate: {outputs[0]}\netcd:    {outputs[1]}\n")
    print(f"{len(steps)} steps, {differences} differences")
    return differences


def check_perf(binary, load):
    """etcd's own load test; whether it passes."""
    with Member(binary) as member:
        session = Session(member)
        done = subprocess.run(
            session.command(f"check perf --load={load}"), env=session.environment(),
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        print("\n".join(re.findall(r"(?:PASS|FAIL)\b.*", done.stdout)))
        return done.returncode == 0 and "FAIL" not in done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("quorate")
    parser.add_argument("--etcd", default="etcd")
    parser.add_argument("--perf", metavar="LOAD", help="etcdctl check perf instead (s, m, l, xl)")
    options = parser.parse_args()
    require("etcdctl", options.etcd)
    if options.perf:
        return 0 if check_perf(options.quorate, options.perf) else 1
    return 1 if compare([options.quorate, options.etcd]) else 0


if __name__ == "__main__":
    sys.exit(main())
