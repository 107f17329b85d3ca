#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares Quorate's storage engines with each other and with etcd: the same story on the same machine
and disk, and a report to read and to cite (HTML), with every single figure beside it (JSON and CSV).

Rounds go in two ways by turns. In one, a server has the machine to itself for its whole story. In the
other all of them are up, and take turns step by step, so that what changes on the machine meanwhile
meets all of them alike. Nothing is asserted but that every request succeeded.
"""

import argparse
import csv
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, HERE)

import pipeline  # noqa: E402
from disk import measure_sync  # noqa: E402
from report import write_html  # noqa: E402
from runner import Runner, StepFailed  # noqa: E402
from story import many_keys, story  # noqa: E402

ENGINES = ("leveldb", "rocksdb", "wiredtiger", "lmdb")
TURNS = "taking turns"
ALONE = "one after another"


class Comparison:
    def __init__(self, options):
        self.options = options
        self.directory = tempfile.mkdtemp(prefix="quorate-engines-", dir=options.tmp_dir)
        self.runs = []
        self.disk = []
        self.left_out = {}  # server -> why
        self.pipeline = []  # rows, see pipeline.py

    def parts(self):
        o = self.options
        yield story(o.keys, o.value_bytes, o.seconds, o.warmup)
        if not o.no_many_keys:
            yield many_keys(10 * o.keys, o.value_bytes, o.seconds, o.warmup)

    def steps(self):
        return [step for part in self.parts() for step in part]

    def servers(self):
        """(label, binary, flags) of what is compared."""
        chosen = []
        if shutil.which(self.options.etcd):
            # etcd's own quota would end the story: it counts its file, and the file only grows.
            chosen.append(("etcd", self.options.etcd, ["--quota-backend-bytes=17179869184"]))
        else:
            self.left_out["etcd"] = f"{self.options.etcd}: not installed"
        listed = subprocess.run(
            [self.options.quorate, "--list-plugins"], capture_output=True, text=True, check=True
        ).stdout
        there = {line.split()[1] for line in listed.splitlines() if line.startswith("storage ")}
        for engine in self.options.engine or ENGINES:
            if engine in there:
                flags = [f"--storage={engine}", "--quota-backend-bytes=17179869184"]
                chosen.append((engine, self.options.quorate, flags))
            else:
                self.left_out[engine] = "no such plugin in this build"
        return chosen

    def run(self):
        for number in range(self.options.rounds):
            self.disk.append(measure_sync(self.directory))
            servers = self.servers()
            if number % 4 >= 2:
                servers.reverse()
            way = ALONE if number % 2 == 0 else TURNS
            for part in self.parts():
                if way == ALONE:
                    for server in servers:
                        self._run_part(number, way, part, [server])
                else:
                    self._run_part(number, way, part, servers)
        if not self.options.no_pipeline:
            engines = [label for label, _, _ in self.servers() if label != "etcd"]
            self.pipeline = pipeline.measure(self.options, engines, self.directory, tell)

    def _run_part(self, number, way, part, servers):
        with tempfile.TemporaryDirectory(dir=self.directory) as where:
            runners = []
            try:
                for label, binary, flags in servers:
                    directory = os.path.join(where, label)
                    runners.append(Runner(self.options, label, binary, flags, directory))
                    runners[-1].server.start()
                for step in part:
                    for runner in runners:
                        self._run_step(number, way, step, runner)
            finally:
                for runner in runners:
                    runner.server.stop()

    def _run_step(self, number, way, step, runner):
        run = runner.run(step)
        self.runs.append(dict(run, round=number + 1, way=way, server=runner.label, step=step.name))
        if "rate" in run:
            told = f"{run['rate']:>10,.0f}/s  p99 {run['p99_us']:>9,.0f} us"
        else:
            told = run.get("note") or f"{run['took_seconds']:>10.2f} s"
        tell(f"round {number + 1}/{self.options.rounds} {way:18} {step.name:24} {runner.label:11} {told}")


def tell(line):
    print(line, file=sys.stderr, flush=True)


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
        return done.stdout.splitlines()[0] if done.stdout else ""
    except (OSError, subprocess.TimeoutExpired):
        return ""


def machine(options):
    def value_of(path, key):
        with open(path) as lines:
            return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(key)), "")

    libraries = {}
    for package in ("libleveldb1d", "librocksdb7.8", "libwiredtiger0", "liblmdb0"):
        libraries[package] = first_line(["dpkg-query", "-W", "-f=${Version}", package])
    return {
        "processor": value_of("/proc/cpuinfo", "model name"),
        "cores": os.cpu_count(),
        "memory": value_of("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "file system": first_line(["stat", "-f", "-c", "%T", options.tmp_dir or tempfile.gettempdir()]),
        "load average before": " ".join(f"{one:.1f}" for one in os.getloadavg()),
        "quorate": first_line([options.quorate, "--version"]),
        "commit": first_line(["git", "-C", ROOT, "describe", "--always", "--dirty"]),
        "etcd": first_line([options.etcd, "--version"]),
        **{f"library {name}": version for name, version in libraries.items() if version},
    }


def write_csv(path, runs):
    names = ["round", "way", "server", "step"]
    for run in runs:
        names += [name for name in run if name not in names and name != "seconds"]
    with open(path, "w", newline="") as out:
        writer = csv.DictWriter(out, names, extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows(runs)


def parse_options():
    parser = argparse.ArgumentParser(prog="bench/run --engines", description=__doc__.split("\n\n")[0])
    build = os.environ.get("QUORATE_BUILD", os.path.join(ROOT, "build"))
    parser.add_argument("--out", default="engines-report", help="folder for report.html, result.json, result.csv")
    parser.add_argument("--rounds", type=int, default=2, help="whole stories for each server; two ways by turns")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--value-bytes", type=int, default=1024)
    parser.add_argument("--seconds", type=float, default=5, help="of a step")
    parser.add_argument("--warmup", type=float, default=1, help="seconds before that")
    parser.add_argument("--no-many-keys", action="store_true", help="leave out the steps with ten times the keys")
    parser.add_argument("--no-pipeline", action="store_true",
                        help="leave out what engines cost in the server and alone")
    parser.add_argument("--engine", action="append", metavar="PLUGIN", help="instead of all that are built")
    parser.add_argument("--etcd", default="etcd", help="the etcd binary")
    parser.add_argument("--etcdctl", default="etcdctl")
    parser.add_argument("--quorate", default=os.path.join(build, "quorate"), help="the Quorate binary")
    parser.add_argument("--load", default=os.path.join(build, "bench", "load", "quorate-load"))
    parser.add_argument("--storage-bench", default=os.path.join(build, "bench", "micro", "storage_bench"))
    parser.add_argument("--tmp-dir", help="where data goes: the disk that is measured")
    parser.add_argument("--render", metavar="JSON", help="only write the report of an earlier result anew")
    return parser.parse_args()


def main():
    options = parse_options()
    if options.render:
        with open(options.render) as text:
            write_html(options.render.rsplit(".", 1)[0] + ".html", json.load(text))
        return 0
    comparison = Comparison(options)
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    before = machine(options)
    try:
        comparison.run()
    except StepFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(comparison.directory, ignore_errors=True)
    settings = {
        name: getattr(options, name) for name in ("rounds", "keys", "value_bytes", "seconds", "warmup")
    }
    result = {
        "began": began,
        "command": " ".join(["bench/run", "--engines", *sys.argv[1:]]),
        "machine": before,
        "settings": settings,
        "disk": comparison.disk,
        "servers": [
            {"name": label, "flags": flags} for label, _, flags in comparison.servers()
        ],
        "left_out": comparison.left_out,
        "steps": [
            {"name": s.name, "what": s.what, "arguments": s.arguments} for s in comparison.steps()
        ],
        "runs": comparison.runs,
        "pipeline": comparison.pipeline,
    }
    os.makedirs(options.out, exist_ok=True)
    with open(os.path.join(options.out, "result.json"), "w") as out:
        json.dump(result, out, indent=1)
    write_csv(os.path.join(options.out, "result.csv"), comparison.runs)
    write_html(os.path.join(options.out, "report.html"), result)
    print(f"{options.out}/report.html, with result.json and result.csv beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
