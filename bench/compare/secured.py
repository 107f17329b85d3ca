#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What security costs: the same load on a plain member, on one where users log in, and on one that is
reached over TLS. The three are up at once and take turns, round by round. Prints a table of medians with
ratios to the plain one, and writes JSON."""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))
sys.path.insert(0, os.path.join(ROOT, "test", "support"))

from certificates import Authority  # noqa: E402
from servers import Server  # noqa: E402

CASES = {
    "put 100x10": ["put", "-c", "100", "-m", "10"],
    "get 100x10": ["get", "-c", "100", "-m", "10"],
    "put 100x1": ["put", "-c", "100", "-m", "1"],
    "get 100x1": ["get", "-c", "100", "-m", "1"],
}
FIGURES = {"rate": "requests/s", "cpu_us": "server CPU us/request", "p50_us": "p50 us", "p99_us": "p99 us"}


class Plain(Server):
    def prepare(self):
        """Arguments of quorate-load."""
        return ["-e", self.endpoint]


class Users(Plain):
    """Authentication is on; the load is a user with one grant, and holds a token."""

    def ask(self, path, **content):
        url = f"http://{self.endpoint}/v3/auth/{path}"
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(content).encode())) as answer:
            return json.load(answer)

    def prepare(self):
        self.ask("user/add", name="root", password="root")
        self.ask("user/grant", user="root", role="root")
        self.ask("user/add", name="load", password="load")
        self.ask("role/add", name="load")
        # All keys: from the first on, without an end.
        self.ask("role/grant", name="load", perm={"permType": "READWRITE", "key": "AA==", "range_end": "AA=="})
        self.ask("user/grant", user="load", role="load")
        self.ask("enable")
        token = self.ask("authenticate", name="load", password="load")["token"]
        return [*super().prepare(), "--token", token]


class Tls(Plain):
    """TLS beside plain HTTP, on one address."""

    def command(self):
        authority = Authority(os.path.join(self.directory, "ca"))
        pair = authority.issue("server", "server")
        self.ca = authority.cert
        plain = f"http://{self.endpoint}"
        both = f"--listen-client-urls={plain},https://{self.endpoint}"
        command = [both if one.startswith("--listen-client-urls=") else one for one in super().command()]
        return [*command, f"--cert-file={pair.cert}", f"--key-file={pair.key}"]

    def prepare(self):
        return ["-e", f"https://{self.endpoint}", "--cacert", self.ca]


SERVERS = {"plain": Plain, "users": Users, "tls": Tls}


def measure(options, server, arguments, case, directory):
    report = os.path.join(directory, "load.json")
    command = [options.load, *CASES[case], *arguments, "-k", str(options.keys), "-d", str(options.seconds), "-w",
               str(options.warmup), "--server-pid", str(server.pid), "--json", report]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}{server.log_tail()}")
    with open(report) as text:
        result = json.load(text)
    (figures,) = result["operations"].values()
    return {**{name: figures[name] for name in ("rate", "p50_us", "p99_us")},
            "cpu_us": result["servers"][0]["cpu_us_per_request"]}


def run(options, directory):
    servers = {name: kind(name, options.quorate, os.path.join(directory, name)) for name, kind in SERVERS.items()}
    runs = []
    try:
        arguments = {name: server.start().prepare() for name, server in servers.items()}
        for name, server in servers.items():
            fill = [options.load, "put", *arguments[name], "-c", "10", "-m", "10", "-k", str(options.keys),
                    "-n", str(options.keys), "--order", "sequential"]
            subprocess.run(fill, check=True, capture_output=True)
        for number in range(options.rounds):
            names = list(SERVERS) if number % 2 == 0 else list(reversed(SERVERS))
            for case in options.only or CASES:
                for name in names:
                    figures = measure(options, servers[name], arguments[name], case, directory)
                    runs.append({"round": number + 1, "server": name, "case": case, **figures})
                    print(f"round {number + 1}/{options.rounds} {case:11} {name:6} {figures['rate']:>10,.0f}/s",
                          file=sys.stderr, flush=True)
    finally:
        for server in servers.values():
            server.stop()
    return runs


def median(runs, case, server, figure):
    return statistics.median(run[figure] for run in runs if (run["case"], run["server"]) == (case, server))


def print_table(runs):
    for figure, heading in FIGURES.items():
        print(f"\n{heading:24}" + "".join(f"{name:>12}" for name in SERVERS)
              + "".join(f"{name + '/plain':>14}" for name in list(SERVERS)[1:]))
        for case in dict.fromkeys(run["case"] for run in runs):
            values = [median(runs, case, name, figure) for name in SERVERS]
            ratios = "".join(f"{value / values[0]:>14.2f}" for value in values[1:])
            print(f"{case:24}" + "".join(f"{value:>12,.1f}" for value in values) + ratios)


def main():
    build = os.environ.get("QUORATE_BUILD", os.path.join(ROOT, "build"))
    parser = argparse.ArgumentParser(prog="bench/run --secured", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="of a measurement")
    parser.add_argument("--warmup", type=float, default=0.5, help="seconds before that")
    parser.add_argument("--keys", type=int, default=30_000)
    parser.add_argument("--only", action="append", choices=list(CASES), metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--out", default="secured.json", help="where every single figure goes")
    parser.add_argument("--quorate", default=os.path.join(build, "quorate"), help="the Quorate binary")
    parser.add_argument("--load", default=os.path.join(build, "bench", "load", "quorate-load"))
    parser.add_argument("--tmp-dir", help="where data goes: the disk that is measured")
    options = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="quorate-secured-", dir=options.tmp_dir)
    try:
        runs = run(options, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    with open(options.out, "w") as out:
        json.dump(runs, out, indent=1)
    print_table(runs)


if __name__ == "__main__":
    main()
