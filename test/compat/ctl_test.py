#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs quoratectl and etcdctl side by side and compares what they print, byte by byte, with what they
exit; then what etcdctl can't show: failover, TLS, watches that resume, locks, mirrors, snapshots.

usage: ctl_test.py QUORATE [--etcdctl ETCDCTL | --release VERSION CACHE] [group...]

The etcdctl is that of --etcdctl, of QUORATE_TEST_ETCDCTL, or the installed one; or with --release that of a
release, which Go builds into the folder CACHE. Steps that it is too old for (Debian has 3.4) are counted as
skipped. Both tools get the same server, made anew between
them with the same ports, so that ids and revisions are equal; leases, times and sizes become words.
"""

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import ctl_steps
from member import Member, SKIPPED

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from clusters import Cluster  # noqa: E402
from etcd_releases import NotBuilt, build  # noqa: E402

CALL_TIMEOUT_S = 60
WAIT_S = 60
# An id is made of the URLs and the second, and looked for before the URLs: a member that is added twice within
# a second gets this answer, and the one about its URLs later.
SAME_SECOND = b"member ID already exist"

WORDS = [
    (re.compile(r"took = \S+"), "took = TIME"),
    (re.compile(r"took \d\S*"), "took TIME"),
    (re.compile(r'("took":)"[^"]*"'), r"\1TIME"),
    (re.compile(r'("Took" : )\S+'), r"\1TIME"),
    (re.compile(r'("(?:dbSize|dbSizeInUse|raftIndex|raftAppliedIndex|hash)":)\d+'), r"\1NUMBER"),
    (re.compile(r'("(?:DBSize|DBSizeInUse|RaftIndex|RaftAppliedIndex|Hash)" : )\d+'), r"\1NUMBER"),
    (re.compile(r"remaining\(\d+s\)"), "remaining(TIME)"),
    (re.compile(r'("ttl":)[1-9]\d+'), r"\1TIME"),
    # The leader lowers it some time after a downgrade began.
    (re.compile(r"(Downgrade cancel success, cluster version )\S+"), r"\1VERSION"),
    # Go puts one blank or two there, differently in each program that is built.
    (re.compile(r"  alarm:"), " alarm:"),
    (re.compile(r'("TTL" : |"TTL":|TTL\()(?:2999|3000|3999|4000)\b'), r"\1TTL"),
]
# Lines of numbers that no two runs have in common: of endpoint status, hashkv and health.
LOOSE = re.compile(r"^endpoint (status|hashkv|health).*-w table|^endpoint (status|hashkv)( --cluster)?$")
LEASE_HEX = re.compile(r"lease ([0-9a-f]{16})|^([0-9a-f]{16})$", re.M)
LEASE_FIELDS = re.compile(r'("(?:ID|Lease|id|lease)"\s*:\s*)([0-9a-f]{15,20}|[1-9]\d{14,19})')
MEMBER_HEX = re.compile(r"^\s*([0-9a-f]{14,16}),|Member +([0-9a-f]+) added")
# Ids of members that were added: no two are the same.
ADDED_HEX = re.compile(r'(\bMember +|"ID":"|"member_id":"|^)([0-9a-f]{12,16})\b', re.M)
ADDED_NUMBER = re.compile(r'(\bID"\s*:\s*)([1-9]\d{14,19})')
ADDED_CELL = re.compile(r"│ +([0-9a-f]{12,16}) +│")


class Failed(Exception):
    pass


def check(good, what):
    if not good:
        raise Failed(what)


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise Failed(f"{what} does not come about")
        time.sleep(0.05)
    return found


class Tool:
    """One of the two clients."""

    def __init__(self, command):
        self.command = command

    def run(self, args, endpoints, stdin="", env=None):
        words = args if isinstance(args, list) else shlex.split(args)
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith(("ETCDCTL_", "QUORATECTL_"))}
        environment.update(ETCDCTL_ENDPOINTS=endpoints, ETCDCTL_API="3", **(env or {}))
        return subprocess.run([*self.command, *words], input=stdin.encode(), capture_output=True,
                              env=environment, timeout=CALL_TIMEOUT_S, check=False)

    def start(self, args, endpoints, **options):
        environment = dict(os.environ, ETCDCTL_ENDPOINTS=endpoints)
        return subprocess.Popen([*self.command, *shlex.split(args)], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env=environment, text=True, **options)

    def ok(self, args, endpoints, **options):
        done = self.run(args, endpoints, **options)
        check(done.returncode == 0, f"{args}: exit code {done.returncode}, {done.stderr.decode()}")
        return done.stdout.decode()


class Normaliser:
    """Makes the output of one tool comparable with the other's."""

    def __init__(self, tool):
        self.tool = tool
        self.leases = {}
        self.members = {}
        self.directory = ""

    def lease(self, number):
        return self.leases.setdefault(number, f"LEASE{len(self.leases)}")

    def member(self, number):
        return self.members.setdefault(number, f"MEMBER{len(self.members)}")

    def __call__(self, step, text):
        lines = [line for line in text.split("\n") if not line.startswith('{"level"')]
        text = "\n".join(lines)
        for pattern, word in WORDS:
            text = pattern.sub(word, text)
        if step.args.startswith(("lease", "get leased")):
            text = LEASE_HEX.sub(
                lambda m: "lease " + self.lease(int(m[1] or m[2], 16)), text)
            base = 16 if "--hex" in step.args else 10
            if "json" in step.args or "fields" in step.args:
                text = LEASE_FIELDS.sub(lambda m: m[1] + self.lease(int(m[2], base)), text)
        if step in ctl_steps.MEMBERS:
            text = ADDED_HEX.sub(lambda m: m[1] + self.member(int(m[2], 16)), text)
            text = ADDED_NUMBER.sub(lambda m: m[1] + self.member(int(m[2])), text)
            text = re.sub(r"Member +MEMBER", "Member MEMBER", text)  # an ID's first digit may be 0
            text = ADDED_CELL.sub(lambda m: f"│ {self.member(int(m[1], 16))} │", text)
        text = text.replace(self.directory, "DIR") if self.directory else text
        if LOOSE.match(step.args):
            text = re.sub(r"\d[\d.]*(?: [kMG]?B|%|ms|µs|s)?", "N", text)
            text = re.sub(r"[ ─]+", " ", text)
        return text


def outcome(step, done, normalise):
    """What has to be equal: the exit code, standard output, and the error's line."""
    def text_of(raw):
        return raw.decode("utf-8", "backslashreplace")

    errors = [line for line in normalise(step, text_of(done.stderr)).splitlines() if line]
    return (done.returncode, normalise(step, text_of(done.stdout)), errors if step.stderr else None)


class Comparison:
    """The same steps by both tools on one server that is new for each."""

    def __init__(self, ours, theirs, version):
        self.tools = [theirs, ours]
        self.version = version
        self.count = 0
        self.skipped = 0
        self.differences = []

    def run(self, binary, steps, *extra_args):
        # One that only one tool knows would leave two servers that differ.
        self.skipped += sum(step.since > self.version for step in steps)
        steps = [step for step in steps if step.since <= self.version]
        member = Member(binary, extra_args)
        results = []
        try:
            for tool in self.tools:
                member.start()
                with tempfile.TemporaryDirectory() as directory:
                    results.append(self.collect(tool, member, steps, directory))
                member.stop()
                shutil.rmtree(os.path.join(member.directory, "data"))
        finally:
            member.__exit__(None, None, None)
        for (step, theirs), (_, ours) in zip(*results):
            self.compare(step, theirs, ours)

    def collect(self, tool, member, steps, directory):
        normalise = Normaliser(tool)
        normalise.directory = directory
        kept = {"lease": "0", "member": "0", "added": "0", "dir": directory}
        endpoint = f"{member.host}:{member.port}"
        outcomes = []
        for step in steps:
            args = step.args
            for name, value in kept.items():
                args = args.replace("{" + name + "}", value)
            done = tool.run(args, endpoint, step.stdin)
            if SAME_SECOND in done.stderr:
                done = wait_for(lambda line=args: self.in_another_second(tool.run(line, endpoint)), "the next second")
            if step.keep == "added":
                if done.returncode != 0:  # within the second of one that was removed
                    done = wait_for(lambda line=args: self.succeeded(tool.run(line, endpoint)), "a member")
                done = self.in_order(tool, args, endpoint, done)
            outcomes.append((step, outcome(step, done, normalise)))
            if step.keep:
                kept[step.keep] = self.id_of(done.stdout.decode()) or kept[step.keep]
        return outcomes

    def in_order(self, tool, args, endpoint, done):
        """Adds the member again until its id is on the roomier side of the first one's. An id is made of the
        second, so one that was removed is not taken again within it."""
        own = int(re.search(r"^([0-9a-f]+), started", tool.ok("member list", endpoint), re.M)[1], 16)
        above = own < 1 << 63
        while (int(self.id_of(done.stdout.decode()), 16) > own) != above:
            tool.ok(f"member remove {self.id_of(done.stdout.decode())}", endpoint)
            done = wait_for(lambda: self.succeeded(tool.run(args, endpoint)), "another member")
        return done

    @staticmethod
    def in_another_second(done):
        return None if SAME_SECOND in done.stderr else done

    @staticmethod
    def succeeded(done):
        return done if done.returncode == 0 else None

    @staticmethod
    def id_of(text):
        found = LEASE_HEX.search(text) or MEMBER_HEX.search(text)
        if found:
            return found[1] or found[2]
        number = re.search(r'"ID":("?)(\w+)', text)
        return (number[2] if number[1] else f"{int(number[2]):x}") if number else None

    def compare(self, step, theirs, ours):
        self.count += 1
        if theirs != ours:
            self.differences.append(f"  {step.args}\n    etcdctl:    {theirs}\n    quoratectl: {ours}")


def side_by_side(test):
    comparison = Comparison(test.ours, test.theirs, test.version)
    steps = ctl_steps
    comparison.run(test.binary, steps.PUTS + steps.GETS + steps.TXNS + steps.DELETES +
                   steps.LEASES + steps.CLUSTER + steps.WATCHES + steps.DOWNGRADE)
    comparison.run(test.binary, steps.MEMBERS)
    comparison.run(test.binary, steps.FULL, steps.FULL_QUOTA)
    comparison.run(test.binary, steps.AUTH)
    if shutil.which("etcd"):
        comparison.run("etcd", steps.AUTH)
    else:
        comparison.skipped += len(steps.AUTH)
        print("skipped: the commands of auth on etcd, since none is installed")
    print(f"{comparison.count} commands compared with etcdctl {'.'.join(map(str, test.version))}, "
          f"{comparison.skipped} skipped that it is too old for")
    check(not comparison.differences, "\n" + "\n".join(comparison.differences))


def read_lines(stream, into):
    def follow():
        for line in stream:
            into.append(line.rstrip("\n"))

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    return thread


def failover(test):
    """Three members, one after the other killed: calls find another, a watch misses nothing."""
    with tempfile.TemporaryDirectory() as directory, Cluster(test.binary, directory) as cluster:
        cluster.start()
        endpoints = ",".join(cluster.endpoints)
        ctl = test.ours
        ctl.ok("put before x", endpoints)
        watch = ctl.start("watch --prefix n --rev 1", endpoints)
        lines = []
        read_lines(watch.stdout, lines)
        try:
            for round_, victim in enumerate((0, 1)):
                ctl.ok(f"put n{2 * round_} a", endpoints)
                wait_for(lambda seen=2 * round_ + 1: len(lines) == 3 * seen, "the event")
                cluster.members[victim].kill()
                ctl.ok(f"--command-timeout=30s put n{2 * round_ + 1} b", endpoints)
                ctl.ok("--command-timeout=30s get before", endpoints)
                wait_for(lambda seen=2 * round_ + 2: len(lines) == 3 * seen, "the event after a loss")
                cluster.members[victim].launch()
                cluster.members[victim].wait_ready()
            check(lines[1::3] == ["n0", "n1", "n2", "n3"], f"events {lines}")
        finally:
            watch.kill()
            watch.wait()
        status = ctl.ok("endpoint status --cluster -w fields", endpoints)
        check(status.count('"Endpoint"') == 3, status)
        check(ctl.ok("endpoint health --cluster", endpoints).count("is healthy") == 3, "health")
        move_leader(ctl, endpoints)
        dead_endpoints(ctl, cluster)


def move_leader(ctl, endpoints):
    rows = [row.split(", ") for row in ctl.ok("endpoint status", endpoints).splitlines()]
    followers = [row[1] for row in rows if row[8] == "false"]
    check(len(followers) == 2, f"no two followers in {rows}")
    said = ctl.ok(f"move-leader {followers[0]}", endpoints)
    check(said.endswith(f" to {followers[0]}\n"), said)


def dead_endpoints(ctl, cluster):
    dead = "127.0.0.1:1"
    done = ctl.run("--command-timeout=1s get x", dead)
    text = done.stderr.decode()
    check(done.returncode == 1 and dead in text and "refused" in text, text)
    done = ctl.run("endpoint health --command-timeout=1s", f"{dead},{cluster.endpoints[0]}")
    check(done.returncode == 1 and b"is healthy" in done.stdout and
          dead.encode() in done.stderr, done)


def openssl(directory, *args):
    subprocess.run(["openssl", *args], cwd=directory, check=True, capture_output=True)


def make_certificates(directory):
    """A CA, a server's certificate for 127.0.0.1 and a client's."""
    openssl(directory, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out",
            "ca.crt", "-subj", "/CN=ca", "-days", "2")
    for name, extension in (("server", "subjectAltName=IP:127.0.0.1,DNS:good.example"),
                            ("client", "extendedKeyUsage=clientAuth")):
        openssl(directory, "req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                f"{name}.csr", "-subj", f"/CN={name}")
        with open(os.path.join(directory, f"{name}.ext"), "w") as file:
            file.write(extension + "\n")
        openssl(directory, "x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key",
                "-CAcreateserial", "-out", f"{name}.crt", "-days", "2", "-extfile", f"{name}.ext")


def tls(test):
    if not shutil.which("openssl"):
        print("skipped: openssl is not installed")
        return
    from servers import Server  # pylint: disable=import-outside-toplevel

    class TlsServer(Server):
        def command(self):
            client = f"https://{self.host}:{self.client_port}"
            return [word if "client-urls=" not in word else word.split("=")[0] + "=" + client
                    for word in super().command()]

        def _ready(self):
            done = test.ours.run(f"{self.files} get x --command-timeout=1s",
                                 f"https://{self.endpoint}")
            return done.returncode == 0

    with tempfile.TemporaryDirectory() as directory:
        make_certificates(directory)
        path = lambda name: os.path.join(directory, name)  # noqa: E731
        server = TlsServer("one", test.binary, path("member"), [
            f"--cert-file={path('server.crt')}", f"--key-file={path('server.key')}",
            f"--trusted-ca-file={path('ca.crt')}", "--client-cert-auth"])
        pair = f"--cert={path('client.crt')} --key={path('client.key')}"
        server.files = f"--cacert={path('ca.crt')} {pair}"
        server.start()
        try:
            url, bare = f"https://{server.endpoint}", server.endpoint
            test.ours.ok(f"{server.files} put a b", url)
            check(test.ours.ok(f"get a {server.files}", bare) == "a\nb\n", "TLS by the files alone")
            test.ours.ok(f"get a {pair} --insecure-skip-tls-verify", url)
            for wrong in (pair, f"--cacert={path('ca.crt')}"):
                done = test.ours.run(f"{wrong} get a --command-timeout=1s", url)
                check(done.returncode == 1 and bare in done.stderr.decode(), f"{wrong}: {done}")
            # With or without a scheme: it reads /metrics in the clear, or says that it does not.
            for endpoint in (url, bare):
                done = test.ours.run(f"{server.files} check datascale", endpoint)
                check(done.returncode == 1 and b"over plain HTTP" in done.stderr, done)
            done = test.ours.run(f"--cert={path('client.crt')} get a", url)
            check(done.returncode == 128 and b"--key" in done.stderr, done)
        finally:
            server.stop()


def streams(test):
    """What goes on and on: events and renewals, in all formats."""
    with Member(test.binary) as member:
        endpoint = f"{member.host}:{member.port}"
        for args in ("put w1 a", "put w1 b", "del w1", "put w2 '<&>'"):
            test.ours.ok(args, endpoint)
        lease = LEASE_HEX.search(test.ours.ok("lease grant 3000", endpoint))[1]
        watches = [f"watch --prefix w --rev 1 {flags} -- echo ran" for flags in
                   ("", "--prev-kv", "--hex", "-w fields", "-w fields --prev-kv", "-w protobuf --prev-kv")]
        watches.append("watch w1 w3 --rev 4 -- echo ran")
        if test.version >= ctl_steps.NEW:
            watches += [f"watch --prefix w --rev 1 {flags} -- echo ran" for flags in ("-w json", "-w json --prev-kv")]
        renewals = [f"lease keep-alive {lease}{flags}" for flags in ("", " -w json", " -w fields")]
        for args in watches + (renewals if test.version >= ctl_steps.NEW else renewals[:1]):
            # The last line of each: of the program that was run for the last event, or of a renewal.
            last, times = ("ran", 2 if "w3" in args else 4) if args in watches else ("TTL", 1)
            theirs, ours = (lines_of(tool, args, endpoint, last, times) for tool in (test.theirs, test.ours))
            if args in watches:
                # Programs run when an answer's events are printed, and the server may make two answers of them.
                theirs, ours = (sorted(lines, key=lambda line: last in line) for lines in (theirs, ours))
            check(theirs == ours, f"{args}\n  etcdctl:    {theirs}\n  quoratectl: {ours}")


def lines_of(tool, args, endpoint, last, times):
    """What a command prints up to the line with `last` in it for the given time."""
    process = tool.start(args, endpoint, errors="backslashreplace")
    lines = []
    try:
        while sum(last in line for line in lines) < times:
            line = process.stdout.readline()
            check(line, f"{args} ended: {process.stderr.read() if not line else ''}")
            lines.append(line)
        return lines
    finally:
        process.kill()
        process.communicate()


def locks(test):
    """One holder at a time, also between the two tools."""
    with Member(test.binary) as member:
        endpoint = f"{member.host}:{member.port}"
        first = test.ours.start("lock name", endpoint)
        held = first.stdout.readline()
        check(held.startswith("name/"), held)
        others = [tool.start("lock name -- echo got it", endpoint)
                  for tool in (test.ours, test.theirs)]
        wait_for(lambda: len(test.ours.ok("get name/ --prefix --keys-only", endpoint).split()) == 3,
                 "the queue")
        check(all(other.poll() is None for other in others), "a lock was given twice")
        first.send_signal(signal.SIGINT)
        check(first.wait(WAIT_S) == 0, first.stderr.read())
        for other in others:
            check(other.wait(WAIT_S) == 0 and other.stdout.read() == "got it\n", other.stderr.read())
        check(test.ours.ok("get name/ --prefix", endpoint) == "", "a lock's key was left")
        elections(test, endpoint)


def elections(test, endpoint):
    observer = test.ours.start("elect -l seat", endpoint)
    lines = []
    read_lines(observer.stdout, lines)
    first = test.ours.start("elect seat one", endpoint)
    try:
        check(first.stdout.readline().startswith("seat/"), "no election")
        wait_for(lambda: lines[1::2] == ["one"], "the first leader")
        second = test.theirs.start("elect seat two", endpoint)
        wait_for(lambda: len(test.ours.ok("get seat/ --prefix --keys-only", endpoint).split()) == 2,
                 "the second candidate")
        first.send_signal(signal.SIGTERM)
        check(first.wait(WAIT_S) == 0, first.stderr.read())
        wait_for(lambda: lines[1::2] == ["one", "two"], "the second leader")
        # It may be the last to hear of it, and a signal before that is an error to it.
        check(second.stdout.readline().startswith("seat/"), "the second one is not elected")
        second.send_signal(signal.SIGTERM)
        check(second.wait(WAIT_S) == 0, second.stderr.read())
        observer.send_signal(signal.SIGINT)
        check(observer.wait(WAIT_S) == 0, observer.stderr.read())
    finally:
        for process in (observer, first):
            process.kill()
            process.wait()


def watches(test):
    with Member(test.binary) as member:
        endpoint = f"{member.host}:{member.port}"
        ctl = test.ours
        ctl.ok("put w1 a", endpoint)
        echo = "'echo $ETCD_WATCH_EVENT_TYPE $ETCD_WATCH_KEY $ETCD_WATCH_VALUE $ETCD_WATCH_REVISION'"
        watch = ctl.start(f"watch --rev 1 w1 -- sh -c {echo}", endpoint)
        try:
            check([watch.stdout.readline() for _ in range(4)] ==
                  ["PUT\n", "w1\n", "a\n", '"PUT" "w1" "a" 2\n'], "watch with a command")
        finally:
            watch.kill()
            watch.wait()
        watch = ctl.start("watch -i", endpoint, stdin=subprocess.PIPE)
        try:
            watch.stdin.write("watch w1 --rev 1\n")
            watch.stdin.flush()
            check([watch.stdout.readline() for _ in range(3)] == ["PUT\n", "w1\n", "a\n"], "-i")
            watch.stdin.write("progress\n")
            watch.stdin.flush()
            check(watch.stdout.readline() == "progress notify: 2\n", "progress")
            watch.stdin.close()
            check(watch.wait(WAIT_S) == 3, "the end of the input")
        finally:
            watch.kill()
            watch.wait()
        env = {"QUORATECTL_WATCH_KEY": "w1"}
        done = ctl.run("watch w1", endpoint, env=env)
        check(done.returncode == 128 and b"conflicting" in done.stderr, done)


def files(test):
    """Snapshots and mirrors."""
    with Member(test.binary) as one, Member(test.binary) as two, \
            tempfile.TemporaryDirectory() as directory:
        ctl, source, target = test.ours, f"{one.host}:{one.port}", f"{two.host}:{two.port}"
        for i in range(3):
            ctl.ok(f"put m/{i} v{i}", source)
        path = os.path.join(directory, "snap.db")
        said = ctl.ok(["snapshot", "save", path], source)
        check(said.startswith(f"Snapshot saved at {path}\n") and "Server version 3." in said, said)
        check(os.listdir(directory) == ["snap.db"], os.listdir(directory))
        status = subprocess.run([test.binary, "util", "snapshot", "status", path],
                                capture_output=True, text=True, check=False)
        check(status.returncode == 0, status.stderr)
        before = open(path, "rb").read()
        done = ctl.run(["snapshot", "save", path, "--command-timeout=1s"], "127.0.0.1:1")
        check(done.returncode == 5 and open(path, "rb").read() == before, done)
        check(os.listdir(directory) == ["snap.db"], os.listdir(directory))
        done = ctl.run(["snapshot", "save", "/nowhere/x.db"], source)
        check(done.returncode == 5 and b"/nowhere/x.db.part" in done.stderr, done)

        mirror = ctl.start(f"make-mirror --prefix m/ --dest-prefix copy/ {target}", source)
        try:
            copied = lambda: ctl.ok("get copy/ --prefix", target)  # noqa: E731
            wait_for(lambda: copied() == "copy/0\nv0\ncopy/1\nv1\ncopy/2\nv2\n", "the copy")
            ctl.ok("put m/3 later", source)
            ctl.ok("del m/0", source)
            wait_for(lambda: copied() == "copy/1\nv1\ncopy/2\nv2\ncopy/3\nlater\n", "the mirror")
        finally:
            mirror.kill()
            mirror.wait()


# How each shell is asked for what fits; {line} is what was typed, in words, the last one to be completed.
ASK = {
    "bash": 'COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _quoratectl; '
            'printf "%s\\n" "${{COMPREPLY[@]}}"',
    # compadd gets all words and takes those that fit.
    "zsh": 'words=({line}); CURRENT=${{#words}}; _quoratectl',
    "fish": "complete -C \"$(string join ' ' -- {line})\"",
    # The line in words again, with the cursor at its end.
    "pwsh": "; $line = {line} -join ' '; (TabExpansion2 $line $line.Length).CompletionMatches.CompletionText",
}
NAMES = {"pwsh": "powershell"}  # etcdctl's for it
BEFORE = {"zsh": 'compadd() {{ shift; print -l -- ${{(M)@:#$words[-1]*}}; }}; compdef() {{ }}; _files() {{ }}\n'}


def completion(test):
    """What shells offer, of those that are installed; bash always is."""
    for shell in ASK:
        script = test.ours.ok(f"completion {NAMES.get(shell, shell)}", "")
        if not shutil.which(shell):
            print(f"skipped: {shell} is not installed", file=sys.stderr)
            continue
        for line, wanted in ((("quoratectl", "lease", ""), {"grant", "keep-alive", "list", "revoke"}),
                             (("quorate", "ctl", "lease", "re"), {"revoke"}),
                             (("quoratectl", "get", "key", "--print"), {"--print-value-only"}),
                             (("quoratectl", "--user", "x", "-w", "f"), {"fields"})):
            words = (", " if shell == "pwsh" else " ").join(f"'{word}'" for word in line)
            done = subprocess.run(
                [shell, "-c", BEFORE.get(shell, "").format() + script + ASK[shell].format(line=words)],
                capture_output=True, text=True, check=False)
            offered = {one.split("\t")[0] for one in done.stdout.splitlines()}
            check(wanted <= offered and (len(line[-1]) == 0 or wanted == offered),
                  f"{shell}: {line} is offered {offered}, {done.stderr}")


def names(test):
    """etcd's names for the programs, as links."""
    with tempfile.TemporaryDirectory() as directory:
        for name, wanted in (("etcdctl", "  etcdctl get [options] <key> [range_end]\n"),
                             ("quoratectl", "  quoratectl get [options] <key> [range_end]\n")):
            link = os.path.join(directory, name)
            os.symlink(test.binary, link)
            for words in ("help get", "get --help"):
                check(wanted in Tool([link]).ok(words, ""), f"{name} {words}")
            script = Tool([link]).ok("completion bash", "")
            check(f"_quoratectl {name}\n" in script, script)
            check(("_quoratectl quorate\n" in script) == (name == "quoratectl"), script)
        link = os.path.join(directory, "etcdutl")
        os.symlink(test.binary, link)
        check("  snapshot restore " in Tool([link]).ok("--help", ""), "etcdutl")


def passwords(test):
    """Where there is no terminal to ask on, each command says how else it takes one."""
    for words, wanted in (("user add root", "on standard input, with --interactive=false"),
                          ("user passwd root", "on standard input, with --interactive=false"),
                          ("get x --user=root", "with --user=name:password, --password or QUORATECTL_PASSWORD"),
                          ("make-mirror a --dest-user=root", "with --dest-user=name:password or --dest-password")):
        process = test.ours.start(words, "", stdin=subprocess.DEVNULL, start_new_session=True)
        error = process.communicate(timeout=CALL_TIMEOUT_S)[1]
        check(process.returncode == 128 and error.endswith(f"no terminal to ask on; give it {wanted}\n"),
              f"{words}: {process.returncode}, {error}")


def help_words(text, title):
    """The names in the list under `title` of a help text of etcdctl's."""
    after = re.split(rf"\n{title}:?\n", text)[1:]
    return re.findall(r"^  +([a-z][a-z-]*)\s", after[0].split("\n\n")[0], re.M) if after else []


def help_flags(text, title="Flags"):
    """Flags as --name, or -l, --name, each with the kind of its value and its default."""
    _, _, after = text.partition(f"\n{title}:\n" if title else "\n\n")
    found = {}
    for line in after.split("\n\n")[0].splitlines():
        match = re.match(r"^  +(?:-(\w), )?--([a-z-]+)(?: (\w+))?  +(.*)$", line)
        if match:
            letter, name, kind, said = match.groups()
            default = re.search(r'\(default [\["]*(.*?)[\]"]*\)$', said)
            found[name] = (letter, KINDS.get(kind, kind), default[1] if default else None)
    return found


# Go's names for kinds of values that are written alike.
KINDS = {"strings": "string", "int64": "int", "uint32": "uint"}


def commands_of(tool, *words):
    """All commands that can be run, as tuples of words, with the flags of each."""
    text = tool.ok([*words, "--help"], "")
    below = [word for title in ("Available Commands", "Commands", *SECTIONS) for word in help_words(text, title)]
    found = {}
    for word in below:
        if (*words, word) not in (("help",), ("options",)):
            found.update(commands_of(tool, *words, word))
    return found or {words: help_flags(text)}


SECTIONS = ("Key-value commands", "Cluster maintenance commands", "Concurrency commands",
            "Authentication commands", "Utility commands", "Additional Commands")


def surface(test):
    """Every command, flag, letter and default of etcdctl's is there."""
    if test.version < ctl_steps.NEW:
        print("skipped: this etcdctl is too old to be compared by its help")
        return
    theirs, ours = commands_of(test.theirs), commands_of(test.ours)
    check(len(theirs) >= 48, f"only {len(theirs)} commands were found in etcdctl's help")
    wrong = []
    for command, flags in theirs.items():
        if command not in ours:
            wrong.append(f"{' '.join(command)}: there is no such command")
            continue
        wrong += [f"{' '.join(command)} --{name}: {wanted} in etcdctl, {ours[command].get(name)} here"
                  for name, wanted in flags.items()
                  if name != "help" and ours[command].get(name) != wanted]
    theirs, ours = (help_flags(tool.ok("options", ""), "") for tool in (test.theirs, test.ours))
    check(len(theirs) >= 20, f"only {len(theirs)} flags for all commands were found in etcdctl's help")
    wrong += [f"--{name}: {wanted} in etcdctl, {ours.get(name)} here" for name, wanted in theirs.items()
              if ours.get(name) != wanted]
    check(not wrong, "\n  " + "\n  ".join(wrong))


def version_of(tool):
    try:
        found = re.search(r"etcdctl version: (\d+)\.(\d+)", tool.ok("version", ""))
    except (OSError, Failed):
        return None
    return (int(found[1]), int(found[2])) if found else None


GROUPS = [side_by_side, surface, streams, failover, tls, locks, watches, files, completion, names, passwords]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary")
    parser.add_argument("--etcdctl", default=os.environ.get("QUORATE_TEST_ETCDCTL", "etcdctl"))
    parser.add_argument("--release", nargs=2, metavar=("VERSION", "CACHE"))
    parser.add_argument("groups", nargs="*")
    test = parser.parse_intermixed_args()
    if test.release:
        try:
            test.etcdctl = build(*test.release, ["etcdctl"])[0]
        except NotBuilt as reason:
            print(f"skipped: etcdctl {test.release[0]} can't be built here: {reason}")
            sys.exit(SKIPPED)
    test.binary = os.path.abspath(test.binary)
    test.ours = Tool([test.binary, "ctl"])
    test.theirs = Tool([test.etcdctl])
    test.version = version_of(test.theirs)
    if test.version is None:
        print("skipped: no etcdctl is installed to compare with")
        sys.exit(SKIPPED)
    failed = []
    for group in GROUPS:
        if test.groups and group.__name__ not in test.groups:
            continue
        started = time.monotonic()
        try:
            group(test)
            print(f"ok      {group.__name__} ({time.monotonic() - started:.1f} s)", flush=True)
        except (Failed, AssertionError) as error:
            failed.append(group.__name__)
            print(f"failed  {group.__name__}: {error}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
