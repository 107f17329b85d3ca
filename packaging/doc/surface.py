#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes surface.md: every method, route, flag, gate and metric of etcd's, and how it stands with it here.

usage: surface.py QUORATE [OUTPUT]     without an output: to standard output

All of it comes from the program: its tables (`quorate surface`), and a member that is started for it and
asked. What etcd has is listed in test/docs/etcd_surface.py, with the reasons for what is not here.
"""

import pathlib
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test" / "docs"), str(ROOT / "test" / "compat")]

import etcd_surface as etcd  # noqa: E402
from member import Member  # noqa: E402

INTRODUCTION = """# What there is of etcd's interface

etcd 3.7 by name: its gRPC methods, HTTP pages, JSON routes, flags, commands, exit codes, feature gates and
metrics, each with what Quorate makes of it. `troubleshoot.md` has all of its exit codes, which tell kinds of
failure apart. This page is made by `packaging/doc/surface.py` from the program's own tables and
from a running member; a test makes it again and compares.
"""


class Facts:
    """What the program and a member of it say about themselves."""

    def __init__(self, program):
        self.options, self.gates, self.routes = {}, {}, {}
        lines = subprocess.run([program, "surface"], check=True, capture_output=True, text=True).stdout
        for line in lines.splitlines():
            kind, name, first, second, third = line.split("\t")
            {"option": self.options, "gate": self.gates, "route": self.routes}[kind][name] = (first, second, third)
        with Member(program, ["--metrics=extensive"]) as member:
            self.pages = {page: status_of(member, path) for page, path in etcd.PAGES.items()}
            self.refused_routes = {path for path in self.routes if not leads_somewhere(member, path)}
            self.peer_pages = {page: status_of(member, path, member.peer_url)
                               for page, path in etcd.PEER_PAGES.items()}
            metrics = member.get("/metrics")[1]
        with tempfile.TemporaryDirectory() as folder:
            self.exit_codes = {what: exit_code(program, [*arguments, f"--data-dir={folder}/data"])
                               for what, (arguments, _) in etcd.EXIT_CODES.items()}
        self.gate_groups = {name for name in etcd.GATE_GROUPS if takes(program, f"--feature-gates={name}=true")}
        self.commands = {name for name in etcd.COMMANDS if takes(program, name.split()[1])}
        self.metrics = dict(re.findall(r"(?m)^# TYPE (\S+) (\S+)$", metrics))
        self.methods = set(re.findall(
            r'(?m)^grpc_server_started_total\{grpc_method="(\w+)",grpc_service="([\w.]+)"', metrics))
        # Series with labels of what happens come with it: of those the source has the name.
        self.named = set()
        for path in sorted((ROOT / "src").rglob("*.cc")):
            self.named.update(re.findall(r'"((?:etcd|grpc|os|process)_\w+)"', path.read_text(encoding="utf-8")))


def exit_code(program, arguments):
    return subprocess.run([program, *arguments], capture_output=True, timeout=60, check=False).returncode


def takes(program, argument):
    return exit_code(program, [argument, "--check-config"]) == 0


def status_of(member, path, address=None):
    try:
        with urllib.request.urlopen((address or member.endpoint) + path, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def leads_somewhere(member, path):
    """Whether the gateway reads the body of a request, which is no object here."""
    request = urllib.request.Request(member.endpoint + path, data=b"[]")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status == 200
    except urllib.error.HTTPError as error:
        return error.code == 400


def reason_for(name, reasons):
    for key, reason in reasons.items():
        if name == key or (key.endswith("*") and name.startswith(key[:-1])):
            return reason
    return None


def state(there, name, reasons):
    """Of a table's row; None: there is neither the thing nor a reason."""
    if there:
        return "yes"
    reason = reason_for(name, reasons)
    return reason and f"no: {reason}"


def method_rows(facts):
    for service, methods in etcd.METHODS.items():
        for method in methods.split():
            name = f"{service}/{method}"
            yield name, state((method, service) in facts.methods, name, etcd.NO_METHOD)


def page_rows(facts):
    for page in etcd.PAGES:
        yield page, state(facts.pages[page] == 200, page, etcd.NO_PAGE)


def peer_page_rows(facts):
    for page in etcd.PEER_PAGES:
        yield page, state(facts.peer_pages[page] == 200, page, etcd.NO_PEER_PAGE)


def command_rows(facts):
    for name in etcd.COMMANDS:
        yield name, state(name in facts.commands, name, etcd.NO_COMMAND)


def exit_code_rows(facts):
    for what, (_, etcds) in etcd.EXIT_CODES.items():
        ours = facts.exit_codes[what]
        yield what, str(ours) if ours == etcds else f"{ours}, with etcd {etcds}"


def route_rows(facts):
    for route in etcd.ROUTES:
        service, method, _ = facts.routes.get(route, ("", "", ""))
        name = f"{service}/{method}"
        there = route in facts.routes and route not in facts.refused_routes
        missing = reason_for(name, etcd.NO_METHOD)
        yield route, f"yes: {method}" if there and not missing else (missing and f"no: {missing}")


def option_rows(facts):
    words = {"full": "yes", "no effect": "accepted, no effect", "refused": "refused", "ignored": "ignored, as etcd does"}
    for name in etcd.FLAGS + etcd.LEGACY_FLAGS:
        if name not in facts.options:
            yield name, None
            continue
        _, support, note = facts.options[name]
        yield name, words[support] + (f": {note}" if note and support != "ignored" else "")


def gate_rows(facts):
    for name in etcd.GATES:
        default, support, note = facts.gates.get(name, (None, None, None))
        if default is None:
            yield name, None
        else:
            yield name, ("yes" if support == "full" else f"accepted, no effect: {note}") + f" (default {default})"
    for name in etcd.GATE_GROUPS:
        yield name, "yes" if name in facts.gate_groups else None


def metric_rows(facts):
    for one in etcd.METRICS:
        name, kind = one.split(":")
        there = facts.metrics.get(name) == kind
        if not there and name not in facts.metrics and name in facts.named:
            yield name, "yes, once there is something to count"
        else:
            yield name, state(there, name, etcd.NO_METRIC)


def answer_rows(_):
    return etcd.ANSWERS.items()


def our_options(facts):
    return [(name, note or "yes") for name, (owner, _, note) in facts.options.items() if owner == "ours"]


def our_metrics(facts):
    known = {one.split(":")[0] for one in etcd.METRICS}
    return [(name, kind) for name, kind in sorted(facts.metrics.items()) if name not in known]


SECTIONS = [
    ("gRPC methods", "Method", method_rows),
    ("HTTP pages", "Page", page_rows),
    ("HTTP pages on the peer port", "Page", peer_page_rows),
    ("JSON routes", "Route", route_rows),
    ("Flags", "Flag", option_rows),
    ("Commands", "Command", command_rows),
    ("Exit codes", "Started with", exit_code_rows),
    ("Feature gates", "Gate", gate_rows),
    ("Metrics", "Metric", metric_rows),
    ("Answers that are not etcd's", "Request", answer_rows),
    ("Flags of our own", "Flag", our_options),
    ("Metrics of our own", "Metric", our_metrics),
]


def page(facts):
    out = [INTRODUCTION]
    for title, head, rows in SECTIONS:
        out += [f"## {title}\n", f"| {head} | State |", "|---|---|"]
        out += [f"| {name} | {state or 'MISSING'} |" for name, state in rows(facts)]
        out.append("")
    return "\n".join(out)


def main():
    text = page(Facts(str(pathlib.Path(sys.argv[1]).resolve())))
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).write_text(text, encoding="utf-8")
    else:
        print(text, end="")


if __name__ == "__main__":
    main()
