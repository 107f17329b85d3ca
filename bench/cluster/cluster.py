#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What three members do; prints JSON.

    bench/cluster/cluster.py puts       the rate of puts beside etcd's three, in turns
    bench/cluster/cluster.py elections  elections under load that nobody needed, with a short timeout
    bench/cluster/cluster.py catchup    how fast a new member gets the data, and what clients feel of it

All members run on this machine, each on a disk folder of its own; `--help` has the rest.
"""

import argparse
import datetime
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
for folder in ("support", "cluster"):
    sys.path.insert(0, os.path.join(ROOT, "test", folder))

import protos as proto_modules  # noqa: E402
from client import Client  # noqa: E402
from clusters import Cluster, wait_for  # noqa: E402


SECONDS = {"puts": 5, "elections": 600, "catchup": 8}


def seconds_of(options):
    return options.seconds or SECONDS[options.what]


class Bench:
    def __init__(self, options, protos, directory):
        self.options = options
        self.protos = protos
        self.directory = directory
        self.started = 0

    def cluster(self, binary, *arguments):
        self.started += 1
        return Cluster(binary, os.path.join(self.directory, f"{self.started}"), 3, arguments)

    def client(self, member):
        return Client(member.endpoint, self.protos)

    def leader(self, cluster):
        def find():
            for member in cluster.members:
                with self.client(member) as client:
                    status = client.status(timeout_s=3)
                    if status.leader == status.header.member_id:
                        return member
            return None

        return wait_for(find, "a leader")

    def load_command(self, endpoint, *arguments):
        return [self.options.load, *arguments, "-e", endpoint]

    def report(self, endpoint, *arguments):
        path = os.path.join(self.directory, "load.json")
        subprocess.run([*self.load_command(endpoint, *arguments), "--json", path], check=True,
                       capture_output=True)
        with open(path) as text:
            return json.load(text)

    def load(self, endpoint, *arguments):
        return next(iter(self.report(endpoint, *arguments)["operations"].values()))


def metric(member, name):
    return float(re.search(rf"^{name} (\S+)", member.metrics(), re.M).group(1))


def syncs_of_logs(cluster):
    return sum(metric(member, "etcd_disk_wal_fsync_duration_seconds_count") for member in cluster.members)


class PutRun:
    """One run of puts on one cluster, with what each put has cost: CPU of all members together and of
    the load generator, which share the machine's cores, and syncs of the members' logs."""

    def __init__(self, bench, cluster, shape):
        leader = bench.leader(cluster)
        pids = ",".join(str(member.pid) for member in cluster.members)
        with bench.client(leader) as client:
            revision = client.status().header.revision
            syncs = syncs_of_logs(cluster)
            report = bench.report(leader.endpoint, *shape, "--server-pid", pids)
            syncs = syncs_of_logs(cluster) - syncs
            puts_made = client.status().header.revision - revision
        self.load = next(iter(report["operations"].values()))
        self.costs = {
            "servers_us": sum(server["cpu_us_per_request"] for server in report["servers"]),
            "client_us": report["client"]["cpu_us_per_request"],
            "syncs": syncs / puts_made,
        }


def puts(bench):
    """Both clusters run all the time and are loaded in turns, so that both see the same machine."""
    options = bench.options
    shape = ["put", "-c", "100", "-m", "10", "-v", "256", "-w", "1", "-d", str(seconds_of(options))]
    rates = {"quorate": [], "etcd": []}
    costs = {"quorate": [], "etcd": []}
    with bench.cluster(options.quorate).start() as ours, bench.cluster(options.etcd).start() as theirs:
        for number in range(options.rounds):
            for label, cluster in (("quorate", ours), ("etcd", theirs)):
                run = PutRun(bench, cluster, shape)
                rates[label].append(run.load["rate"])
                costs[label].append(run.costs)
                print(f"{number + 1}: {label:8} {run.load['rate']:>10,.0f}/s  "
                      f"p50 {run.load['p50_us']:,.0f} us  p99 {run.load['p99_us']:,.0f} us  "
                      f"CPU per put: members {run.costs['servers_us']:.1f} us, "
                      f"client {run.costs['client_us']:.1f} us  "
                      f"syncs per 1000 puts: {1000 * run.costs['syncs']:.1f}",
                      file=sys.stderr, flush=True)
    medians = {label: statistics.median(runs) for label, runs in rates.items()}
    per_put = {label: {name: round(statistics.median(run[name] for run in runs), 4)
                       for name in runs[0]} for label, runs in costs.items()}
    return {"rates": rates, "medians": medians, "per_put": per_put,
            "ratio": round(medians["quorate"] / medians["etcd"], 2)}


def leader_changes(member):
    return metric(member, "etcd_server_leader_changes_seen_total")


def elections(bench):
    options = bench.options
    timing = (f"--election-timeout={options.election_timeout}",
              f"--heartbeat-interval={options.heartbeat}")
    with bench.cluster(options.quorate, *timing).start() as cluster:
        leader = bench.leader(cluster)
        before = [leader_changes(member) for member in cluster.members]
        run = bench.load(leader.endpoint, "put", "-c", "20", "-m", "10", "-v", "256", "-w", "1", "-d",
                         str(seconds_of(options)), "--allow-errors")
        after = [leader_changes(member) for member in cluster.members]
    return {"election_timeout_ms": options.election_timeout, "heartbeat_ms": options.heartbeat,
            "seconds": seconds_of(options), "rate": run["rate"],
            "elections": max(b - a for a, b in zip(before, after))}


def median_p99(seconds):
    return statistics.median(second["p99_us"] for second in seconds)


def events_of(member):
    """What its log says, by message; the last one counts."""
    with open(member.log_path) as lines:
        told = [json.loads(line) for line in lines if line.startswith("{")]
    return {line["msg"]: line for line in told}


def seconds_between(earlier, later):
    begin, end = (datetime.datetime.fromisoformat(line["ts"].rstrip("Z")) for line in (earlier, later))
    return (end - begin).total_seconds()


class Joining:
    """A fourth member that joins a loaded cluster, which sends it everything as a snapshot. It would have
    a machine of its own: here it gets what the others leave of the processors, and a disk in memory if
    that has room."""

    def __init__(self, cluster, number, size):
        self.member = cluster.joining_member(f"m{number}")
        self.member.wrapper = ["chrt", "--idle", "0"]
        self.memory = None
        space = os.statvfs("/dev/shm")
        if space.f_bavail * space.f_frsize > 6 * size:
            self.memory = tempfile.mkdtemp(prefix="quorate-joins-", dir="/dev/shm")
            self.member.directory = self.memory
        cluster.members.append(self.member)

    def leave(self, client, cluster):
        listed = client.member_list().members
        wait_for(lambda: client.member_remove(ID=next(
            one.ID for one in listed if self.member.peer_url in one.peerURLs)), "removed")
        self.member.stop()
        cluster.members.remove(self.member)
        if self.memory is not None:
            shutil.rmtree(self.memory)


def catch_up_once(bench, cluster, number, paced):
    """The p99 is that of the seconds in which this goes on; its time begins with the start of the
    process, and the transfer's with the first byte."""
    leader = bench.leader(cluster)
    seconds = str(seconds_of(bench.options))
    quiet = bench.report(leader.endpoint, *paced, "-d", seconds, "-w", "1")
    with bench.client(leader) as client:
        status = client.status()
        joining = Joining(cluster, number, status.dbSize)
        member = joining.member
        wait_for(lambda: client.member_add(peerURLs=[member.peer_url], isLearner=True), "added")
        report = os.path.join(bench.directory, "busy.json")
        load = subprocess.Popen(
            [*bench.load_command(leader.endpoint, *paced, "-d", seconds), "--json", report],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        begin = time.monotonic()
        member.launch()
        with bench.client(member) as joined:
            wait_for(lambda: joined.range(key=b"x", serializable=True).header.revision
                     >= status.header.revision, "it has the data", timeout_s=600)
        took = time.monotonic() - begin
        load.wait()
        events = events_of(member)
        joining.leave(client, cluster)
    with open(report) as text:
        busy = json.load(text)["seconds"][:max(1, math.ceil(took))]
    received = events["receiving a snapshot"]
    transfer = seconds_between(received, events["a snapshot is complete"])
    run = {"bytes": status.dbSizeInUse, "seconds": round(took, 2),
           "mb_per_s": round(status.dbSizeInUse / took / 1e6, 1),
           "transfer_mb_per_s": round(received["bytes"] / transfer / 1e6, 1)}
    print(f"{number}: {run['seconds']} s, {run['mb_per_s']} MB/s, the transfer alone {run['transfer_mb_per_s']}"
          f" MB/s; put p99 {median_p99(quiet['seconds']):,.0f} us, meanwhile {median_p99(busy):,.0f} us",
          file=sys.stderr, flush=True)
    return run, quiet["seconds"], busy


def catchup(bench):
    """Rounds, since the machine is never quite the same; the p99s are those of the median second."""
    options = bench.options
    paced = ["put", "-c", "10", "-m", "2", "-v", "1024", "-k", "1000", "-r", str(options.rate)]
    with bench.cluster(options.quorate).start() as cluster:
        bench.load(bench.leader(cluster).endpoint, "put", "-c", "20", "-m", "10", "-v", "1024", "-n",
                   str(options.keys), "-k", str(options.keys), "--order", "sequential")
        rounds = [catch_up_once(bench, cluster, number + 4, paced) for number in range(options.rounds)]
    runs, quiet, busy = zip(*rounds)
    before = median_p99([second for seconds in quiet for second in seconds])
    meanwhile = median_p99([second for seconds in busy for second in seconds])
    return {"runs": runs, "p99_us_before": before, "p99_us_meanwhile": meanwhile,
            "ratio": round(meanwhile / before, 2)}


def main():
    build = os.path.join(ROOT, "build")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["puts", "elections", "catchup"])
    parser.add_argument("--quorate", default=os.path.join(build, "quorate"))
    parser.add_argument("--etcd", default="etcd")
    parser.add_argument("--load", default=os.path.join(build, "bench", "load", "quorate-load"))
    parser.add_argument("--seconds", type=int,
                        help="of load, in each run; "
                        + ", ".join(f"{what}: {seconds}" for what, seconds in SECONDS.items()))
    parser.add_argument("--rounds", type=int, default=5, help="of puts and catchup")
    parser.add_argument("--election-timeout", type=int, default=150, metavar="MS")
    parser.add_argument("--heartbeat", type=int, default=30, metavar="MS")
    parser.add_argument("--keys", type=int, default=300_000, help="of 1 KiB, to catch up with")
    parser.add_argument("--rate", type=int, default=500, help="of puts while a member catches up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cluster-bench-") as directory:
        bench = Bench(options, proto_modules.compile_into(directory), directory)
        print(json.dumps({"what": options.what, **globals()[options.what](bench)}))


if __name__ == "__main__":
    main()
