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
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "test", "support"))

from disk import measure_sync  # noqa: E402
from report import write_html  # noqa: E402
from servers import Server  # noqa: E402
from story import KEY_BYTES, many_keys, story  # noqa: E402

ENGINES = ("leveldb", "rocksdb", "wiredtiger", "lmdb")
LATENCIES = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")
TURNS = "taking turns"
ALONE = "one after another"


class StepFailed(Exception):
    """A load or a tool that ended with an error; carries what it said."""


class Runner:
    """One server on its way through the story."""

    def __init__(self, options, label, binary, flags, directory):
        self.options = options
        self.label = label
        self.directory = directory
        self.server = Server(label.replace("/", "-"), binary, directory, flags)
        self.backup = os.path.join(directory, "backup.db")
        storage = [flag for flag in flags if flag.startswith("--storage=")]
        self.restore_tool = [binary, "util"] if storage else [options.etcdctl]
        self.restore_flags = storage

    def run(self, step):
        """The step's figures."""
        before = self._disk_written()
        if step.kind == "load":
            run = self._load(step)
        elif step.kind == "compact":
            run = self._load_and_compact(step)
        else:
            run = getattr(self, f"_{step.kind}")()
        written = self._disk_written() - (before if step.kind != "restart" else 0)
        run["disk_written_bytes"] = max(0, written)
        run["disk_bytes"] = directory_bytes(self.server.data_dir)
        run.setdefault("rss_bytes", int(status_of(self.server.pid)["VmRSS"]) * 1024)
        if step.puts and run.get("put_bytes"):
            run["written_per_byte"] = run["disk_written_bytes"] / run["put_bytes"]
        return run

    def _disk_written(self):
        with open(f"/proc/{self.server.pid}/io") as lines:
            fields = dict(line.strip().split(": ") for line in lines)
        return int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])

    def _load(self, step):
        report = os.path.join(self.directory, "load.json")
        command = [self.options.load, *step.arguments, "-e", self.server.endpoint]
        command += ["--server-pid", str(self.server.pid), "--json", report]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StepFailed(
                f"{self.label}: {' '.join(command)} ended with {done.returncode}:\n"
                f"{done.stdout}{done.stderr}\n{self.server.log_tail()}"
            )
        with open(report) as text:
            result = json.load(text)
        figures = result["operations"][step.operation]
        server = result["servers"][0]
        run = {name: figures[name] for name in LATENCIES}
        run.update(
            rate=figures["rate"],
            count=figures["count"],
            cpu_us=server["cpu_us_per_request"],
            rss_bytes=server["rss_bytes"],
            peak_rss_bytes=server["peak_rss_bytes"],
            put_bytes=figures["count"] * (KEY_BYTES + self.options.value_bytes) if step.puts else 0,
        )
        if step.series:
            run["seconds"] = result["seconds"]
        return run

    def _load_and_compact(self, step):
        took = {}

        def compact():
            time.sleep(self.options.warmup + self.options.seconds)
            begin = time.monotonic()
            try:
                took["revision"] = self._revision()
                self._ctl("compact", str(took["revision"]), "--physical")
                took["compact_seconds"] = time.monotonic() - begin
            except StepFailed as failure:
                took["failure"] = failure

        beside = threading.Thread(target=compact)
        beside.start()
        try:
            run = self._load(step)
        finally:
            beside.join()
        if "failure" in took:
            raise took["failure"]
        run.update(took, compact_at_s=self.options.seconds)
        return run

    def _revision(self):
        status = json.loads(self._ctl("endpoint", "status", "-w", "json"))
        return status[0]["Status"]["header"]["revision"]

    def _ctl(self, *arguments):
        command = [self.options.etcdctl, f"--endpoints={self.server.endpoint}", *arguments]
        command += ["--command-timeout=600s"]
        env = dict(os.environ, ETCDCTL_API="3")
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        if done.returncode != 0:
            raise StepFailed(f"{self.label}: {' '.join(command)}: {done.stderr}{done.stdout}")
        return done.stdout

    def _snapshot(self):
        begin = time.monotonic()
        try:
            self._ctl("snapshot", "save", self.backup)
        except StepFailed as failure:
            if "nimplemented" in str(failure):
                return {"note": "not in this version"}
            raise
        return {"took_seconds": time.monotonic() - begin, "file_bytes": os.path.getsize(self.backup)}

    def _restore(self):
        """By the offline tool, beside the server that runs on."""
        if not os.path.exists(self.backup):
            return {"note": "no backup to restore"}
        target = os.path.join(self.directory, "restored")
        env = dict(os.environ, ETCDCTL_API="3")
        command = [*self.restore_tool, "snapshot", "restore", self.backup, "--data-dir", target]
        command += self.restore_flags
        begin = time.monotonic()
        with open(os.path.join(self.directory, "restore.log"), "w+") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - begin
            if process.returncode != 0:
                log.seek(0)
                raise StepFailed(f"{self.label}: {' '.join(command)}: {log.read()}")
        os.unlink(self.backup)
        shutil.rmtree(target)
        return {"took_seconds": took, "peak_rss_bytes": usage.ru_maxrss * 1024}

    def _restart(self):
        self.server.stop()
        begin = time.monotonic()
        self.server.start()
        return {"took_seconds": time.monotonic() - begin}

    def _defragment(self):
        begin = time.monotonic()
        self._ctl("defrag")
        return {"took_seconds": time.monotonic() - begin}


class Comparison:
    def __init__(self, options):
        self.options = options
        self.directory = tempfile.mkdtemp(prefix="quorate-engines-", dir=options.tmp_dir)
        self.runs = []
        self.disk = []
        self.left_out = {}  # server -> why

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
        print(
            f"round {number + 1}/{self.options.rounds} {way:18} {step.name:24} {runner.label:11} {told}",
            file=sys.stderr,
            flush=True,
        )


def directory_bytes(path):
    """What is taken of the disk: blocks, so that holes do not count."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # a merge has removed it
    return total


def status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return {line.split(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}


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
    parser.add_argument("--engine", action="append", metavar="PLUGIN", help="instead of all that are built")
    parser.add_argument("--etcd", default="etcd", help="the etcd binary")
    parser.add_argument("--etcdctl", default="etcdctl")
    parser.add_argument("--quorate", default=os.path.join(build, "quorate"), help="the Quorate binary")
    parser.add_argument("--load", default=os.path.join(build, "bench", "load", "quorate-load"))
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
