#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Measures Quorate side by side with etcd: the same load on the same machine and disk, servers
taking turns round by round, medians of the rounds. Prints a table and writes JSON beside it.

Figures move from machine to machine and from hour to hour; the ratios of one run are what counts.
Nothing is asserted but that every request succeeded.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, HERE)
sys.path.insert(0, os.path.join(ROOT, "test", "support"))

from cases import plan  # noqa: E402
from disk import measure_sync  # noqa: E402
from servers import Server  # noqa: E402

MEBI = 1 << 20
FIGURES = ("rate", "p50_us", "p99_us", "p999_us", "cpu_us", "client_cpu_us", "rss", "peak_rss")


class LoadFailed(Exception):
    pass


class Bench:
    def __init__(self, options):
        self.options = options
        self.plan = plan(options.full)
        if options.seconds:
            self.plan.seconds = options.seconds
        if options.rounds:
            self.plan.rounds = options.rounds
        self.directory = tempfile.mkdtemp(prefix="quorate-bench-", dir=options.tmp_dir)
        self.runs = []  # every single measurement
        self.started = []  # start-up time and memory at rest
        self.disk = []

    def servers(self):
        """(label, binary, flags) of what is compared; the first is what ratios refer to."""
        chosen = []
        if "etcd" not in self.options.skip:
            chosen.append(("etcd", self.options.etcd, self.options.etcd_arg))
        engines = self.options.engine or [None]
        for engine in engines:
            flags = list(self.options.quorate_arg)
            if engine:
                flags.append(f"--storage={engine}")
            label = f"quorate/{engine}" if len(engines) > 1 else "quorate"
            if "quorate" not in self.options.skip:
                chosen.append((label, self.options.quorate, flags))
        return chosen

    def groups(self):
        wanted = self.options.only
        for group in self.plan.groups:
            if group.full_only and not self.options.full and not wanted:
                continue
            cases = [case for case in group.cases if not wanted or any(w in case.name for w in wanted)]
            paces = {case.paced_by for case in cases}
            cases = [case for case in group.cases if case in cases or case.name in paces]
            if cases:
                yield group, cases

    def run(self):
        for number in range(self.plan.rounds):
            self.disk.append(measure_sync(self.directory))
            order = self.servers()
            if number % 2 == 1:
                order.reverse()
            for group, cases in self.groups():
                for label, binary, flags in order:
                    self._run_group(number, group, cases, label, binary, flags)

    def _run_group(self, number, group, cases, label, binary, flags):
        with tempfile.TemporaryDirectory(dir=self.directory) as where:
            server = Server(label.replace("/", "-"), binary, where, flags)
            try:
                server.start()
                if group.preload:
                    self._preload(server, group.preload)
                if group.restart:
                    server.stop()
                    begin = time.monotonic()
                    server.start()
                    self._note_start(group, label, server, time.monotonic() - begin)
                rates = {}
                for case in cases:
                    run = self._run_case(server, case, rates)
                    rates[case.name] = run["rate"]
                    self.runs.append(dict(run, round=number, server=label, case=case.name))
                    self._progress(number, label, case, run)
            finally:
                server.stop()

    def _note_start(self, group, label, server, seconds):
        rss = int(_status_of(server.pid)["VmRSS"]) * 1024
        self.started.append(
            {"server": label, "keys": group.preload, "seconds": seconds, "rss": rss}
        )

    def _load(self, server, arguments):
        report = os.path.join(self.directory, "load.json")
        command = [self.options.load] + arguments
        command += ["-e", server.endpoint, "--server-pid", str(server.pid), "--json", report]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise LoadFailed(
                f"{server.name}: {' '.join(command)} ended with {done.returncode}:\n"
                f"{done.stdout}{done.stderr}\n{server.log_tail()}"
            )
        with open(report) as text:
            return json.load(text)

    def _preload(self, server, keys):
        # Any get tells that the keys are there.
        self._load(server, ["get", "-n", "100", "-k", str(keys), "-p", str(keys)])

    def _run_case(self, server, case, rates):
        arguments = list(case.arguments)
        arguments += ["-d", str(self.plan.seconds), "-w", str(self.plan.warmup)]
        if case.paced_by:
            rate = rates[case.paced_by] * case.paced_share / case.events_per_request
            arguments += ["-r", f"{max(1.0, rate):.1f}"]
        return _figures(case, self._load(server, arguments))

    def _progress(self, number, label, case, run):
        print(
            f"round {number + 1}/{self.plan.rounds}  {case.name:26} {label:18} "
            f"{run['rate']:>10,.0f}/s  p50 {run['p50_us']:>9,.0f} us  p99 {run['p99_us']:>9,.0f} us",
            file=sys.stderr,
            flush=True,
        )

    def medians(self):
        """{case: {server: figures}}, in the order of the plan."""
        result = {}
        for group, cases in self.groups():
            for case in cases:
                for label, _, _ in self.servers():
                    runs = [
                        run for run in self.runs if (run["case"], run["server"]) == (case.name, label)
                    ]
                    figures = {
                        name: statistics.median(run[name] for run in runs) for name in FIGURES
                    }
                    result.setdefault(case.name, {})[label] = figures
        return result


def _figures(case, report):
    operations = report["operations"]
    chosen = [operations[case.operation]] if case.operation else list(operations.values())
    server = report["servers"][0]
    return {
        "rate": sum(one["rate"] for one in chosen),
        # Of several operations the slower one's.
        "p50_us": max(one["p50_us"] for one in chosen),
        "p99_us": max(one["p99_us"] for one in chosen),
        "p999_us": max(one["p999_us"] for one in chosen),
        "cpu_us": server["cpu_us_per_request"],
        "client_cpu_us": report["client"]["cpu_us_per_request"],
        "rss": server["rss_bytes"],
        "peak_rss": server["peak_rss_bytes"],
    }


def _status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return {line.split(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}


def table(bench):
    """Aligned text: a line for each server, ratios to the first one behind the others."""
    lines = []
    disk = {key: statistics.median(one[key] for one in bench.disk) for key in bench.disk[0]}
    lines.append(
        f"fdatasync of 512 B: p50 {disk['p50_us']:.0f} us, p99 {disk['p99_us']:.0f} us, "
        f"{disk['per_second']:,.0f}/s\n"
    )
    lines.append(
        f"{'case':26} {'server':18} {'rate/s':>10} {'p50 us':>9} {'p99':>9} {'p99.9':>9} "
        f"{'CPU us':>7} {'RSS MiB':>8}   {'rate':>6} {'p99':>6} {'CPU':>6}  target"
    )
    targets = {case.name: case.target for _, cases in bench.groups() for case in cases}
    for case, by_server in bench.medians().items():
        base = next(iter(by_server.values()))
        for label, f in by_server.items():
            line = (
                f"{case:26} {label:18} {f['rate']:>10,.0f} {f['p50_us']:>9,.0f} {f['p99_us']:>9,.0f} "
                f"{f['p999_us']:>9,.0f} {f['cpu_us']:>7.1f} {f['rss'] / MEBI:>8.0f}"
            )
            if f is not base:
                line += (
                    f"   {_ratio(f['rate'], base['rate'])} {_ratio(f['p99_us'], base['p99_us'])} "
                    f"{_ratio(f['cpu_us'], base['cpu_us'])}"
                )
                line += f"  >= {targets[case]}" if targets[case] else ""
            lines.append(line)
    lines += _remarks(bench, disk)
    return "\n".join(lines)


def _ratio(value, base):
    return f"{value / base:>5.2f}x" if base else "     -"


def _remarks(bench, disk):
    lines = [""]
    medians = bench.medians()
    for case, client in (("put 1", "that sleeps meanwhile"), ("put 1, polling", "that polls")):
        for label, figures in medians.get(case, {}).items():
            ratio = figures["p50_us"] / disk["p50_us"]
            lines.append(
                f"{label}: a put of one client {client} takes {ratio:.2f} x the disk's fdatasync (p50)"
            )
    for keys in sorted({one["keys"] for one in bench.started}):
        for label in dict.fromkeys(one["server"] for one in bench.started):
            same = [s for s in bench.started if (s["keys"], s["server"]) == (keys, label)]
            if same:
                seconds = statistics.median(one["seconds"] for one in same)
                rss = statistics.median(one["rss"] for one in same) / MEBI
                lines.append(
                    f"{label}: started with {keys:,} keys in {seconds:.2f} s, {rss:.0f} MiB resident"
                )
    return lines


def machine(options):
    model = ""
    with open("/proc/cpuinfo") as lines:
        for line in lines:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "etcd": _version(options.etcd),
        "quorate": _version(options.quorate),
    }


def _version(binary):
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, timeout=20)
        return done.stdout.splitlines()[0] if done.stdout else ""
    except (OSError, subprocess.TimeoutExpired):
        return ""


def parse_options():
    parser = argparse.ArgumentParser(prog="bench/run", description=__doc__.split("\n\n")[0])
    build = os.environ.get("QUORATE_BUILD", os.path.join(ROOT, "build"))
    parser.add_argument("--full", action="store_true", help="10 s each and more cases (20 minutes)")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="cases with this in their name")
    parser.add_argument("--rounds", type=int, help="instead of 3")
    parser.add_argument("--seconds", type=float, help="to measure in each run")
    parser.add_argument("--engine", action="append", metavar="PLUGIN", help="storage engine; several are compared")
    parser.add_argument("--skip", action="append", default=[], choices=["etcd", "quorate"])
    parser.add_argument("--etcd", default="etcd", help="the etcd binary")
    parser.add_argument("--etcd-arg", action="append", default=[], help="a flag for it")
    parser.add_argument("--quorate", default=os.path.join(build, "quorate"), help="the Quorate binary")
    parser.add_argument("--quorate-arg", action="append", default=[], help="a flag for it")
    parser.add_argument("--load", default=os.path.join(build, "bench", "load", "quorate-load"))
    parser.add_argument("--tmp-dir", help="where data goes: the disk that is measured")
    parser.add_argument("--json", default="bench-result.json", help="file for the result")
    return parser.parse_args()


def main():
    options = parse_options()
    bench = Bench(options)
    try:
        bench.run()
    except LoadFailed as failure:
        print(failure, file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(bench.directory, ignore_errors=True)
    print(table(bench))
    result = {
        "machine": machine(options),
        "seconds": bench.plan.seconds,
        "rounds": bench.plan.rounds,
        "disk": bench.disk,
        "started": bench.started,
        "medians": bench.medians(),
        "runs": bench.runs,
    }
    with open(options.json, "w") as out:
        json.dump(result, out, indent=1)
    print(f"\nall figures: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
