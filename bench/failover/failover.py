#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How long writers wait when the leader of three is killed; prints JSON.

    bench/failover/failover.py --binary build/quorate [--kills 30] [--election-timeout 1000]
    bench/failover/failover.py --binary etcd

The writers know all members and go to the next one when a call fails; the wait is from the kill to the
first put that is acknowledged after it and began after it.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
for folder in ("support", "cluster"):
    sys.path.insert(0, os.path.join(HERE, "..", "..", "test", folder))

import grpc  # noqa: E402
import protos as proto_modules  # noqa: E402
from client import Client  # noqa: E402
from clusters import Cluster, wait_for  # noqa: E402

WRITERS = 4
REST_S = 1.0  # between a member's return and the next kill


class Writers:
    """Put all the time, and know when the last put began that was acknowledged."""

    def __init__(self, endpoints, protos):
        self.endpoints = endpoints
        self.protos = protos
        self.acknowledged = [(0, 0)] * WRITERS  # (began, ended)
        self.stopped = False
        self.threads = [threading.Thread(target=self.run, args=(i,), daemon=True)
                        for i in range(WRITERS)]
        for thread in self.threads:
            thread.start()

    def run(self, number):
        turn = number
        while not self.stopped:
            with Client(self.endpoints[turn % len(self.endpoints)], self.protos) as client:
                try:
                    while not self.stopped:
                        began = time.monotonic()
                        client.put(timeout_s=20, key=b"failover/%d" % number, value=b"x" * 100)
                        self.acknowledged[number] = (began, time.monotonic())
                except grpc.RpcError:
                    turn += 1
                    time.sleep(0.005)

    def first_after(self, moment):
        """When the first put was acknowledged that began after a moment."""
        def ended():
            return [end for began, end in self.acknowledged if began > moment]

        while not ended():
            time.sleep(0.002)
        return min(ended())

    def stop(self):
        self.stopped = True
        for thread in self.threads:
            thread.join()


def leader_of(cluster, protos):
    def find():
        for member in cluster.members:
            with Client(member.endpoint, protos) as client:
                status = client.status(timeout_s=3)
                if status.leader == status.header.member_id:
                    return member
        return None

    return wait_for(find, "a leader")


def measure(options, protos, directory):
    arguments = [f"--election-timeout={options.election_timeout}",
                 f"--heartbeat-interval={max(options.election_timeout // 10, 1)}"]
    waits = []
    with Cluster(options.binary, directory, 3, arguments).start() as cluster:
        writers = Writers(cluster.endpoints, protos)
        for number in range(options.kills):
            time.sleep(REST_S)
            leader = leader_of(cluster, protos)
            killed = time.monotonic()
            leader.kill()
            waits.append(writers.first_after(time.monotonic()) - killed)
            print(f"{number + 1}: {1000 * waits[-1]:.0f} ms", file=sys.stderr, flush=True)
            leader.start()
        writers.stop()
    return sorted(waits)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", required=True)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--election-timeout", type=int, default=1000, metavar="MS")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="failover-") as directory:
        protos = proto_modules.compile_into(directory)
        waits = measure(options, protos, os.path.join(directory, "cluster"))
    median = statistics.median(waits)
    print(json.dumps({
        "binary": options.binary,
        "election_timeout_ms": options.election_timeout,
        "waits_ms": [round(1000 * wait) for wait in waits],
        "median_ms": round(1000 * median),
        "median_election_timeouts": round(1000 * median / options.election_timeout, 2),
    }))


if __name__ == "__main__":
    main()
