# SPDX-License-Identifier: Apache-2.0
"""What the tests of clusters share."""

import os
import random
import threading

import grpc
from client import Client
from clusters import Cluster, wait_for
from load import Load


class Skipped(Exception):
    """This machine or user can't run the test."""


class Failed(Exception):
    """A check did not hold."""


def check(condition, text):
    if not condition:
        raise Failed(text)


class Context:
    """What a test gets: options, protocol modules, a random source of its own."""

    def __init__(self, options, protos, name, directory):
        self.binary = os.path.abspath(options.binary)
        self.protos = protos
        self.random = random.Random(f"{options.seed} {name}")
        self.directory = directory
        self.clusters = []

    def cluster(self, size=3, *extra_args, **fields):
        directory = os.path.join(self.directory, f"cluster{len(self.clusters)}")
        cluster = Cluster(self.binary, directory, size, extra_args, **fields)
        self.clusters.append(cluster)
        return cluster

    def client(self, member, token=None):
        return Client(member.endpoint, self.protos, token)

    def load(self, cluster, **fields):
        return Load(cluster.endpoints, self.protos, **fields)

    def status(self, member):
        with self.client(member) as client:
            return client.status(timeout_s=3)

    def member_id(self, member):
        return self.status(member).header.member_id

    def leader(self, cluster):
        """The member that leads and that a majority follows."""

        def find():
            running = [member for member in cluster.members if member.running]
            statuses = {}
            for member in running:
                try:
                    statuses[member] = self.status(member)
                except grpc.RpcError:
                    continue  # stopped or cut off
            for member, status in statuses.items():
                agree = sum(1 for other in statuses.values()
                            if other.leader == status.header.member_id
                            and other.raftTerm == status.raftTerm)
                if status.leader == status.header.member_id and 2 * agree > len(cluster.members):
                    return member
            return None

        return wait_for(find, "a leader that a majority follows")

    def followers(self, cluster):
        leader = self.leader(cluster)
        return [member for member in cluster.members if member is not leader and member.running]

    def settle(self, cluster):
        """Waits until all members have applied the same, and compares their hashes."""

        def applied_alike():
            statuses = [self.status(member) for member in cluster.members]
            return len({(one.raftAppliedIndex, one.leader) for one in statuses}) == 1

        wait_for(applied_alike, "the same applied index on all members")
        hashes = {}
        for member in cluster.members:
            with self.client(member) as client:
                answer = client.hash_kv()
                hashes[member.name] = (answer.header.revision, answer.compact_revision, answer.hash)
        check(len(set(hashes.values())) == 1, f"the members' data differ: {hashes}")

    def finish(self, cluster, load, events_before=()):
        """The load ends; everything it was told is judged, with every member as the witness (of what
        was compacted, the events must be given)."""
        load.stop()
        self.settle(cluster)
        for member in cluster.members:
            load.verify(member.endpoint, events_before)
        check(load.history.acknowledged_changes() > 100, "the load hardly ran")


class Asks:
    """An iterator of requests for a stream, fed while it runs."""

    def __init__(self, *first):
        self.requests = list(first)
        self.condition = threading.Condition()
        self.closed = False

    def add(self, request):
        with self.condition:
            self.requests.append(request)
            self.condition.notify()

    def close(self):
        with self.condition:
            self.closed = True
            self.condition.notify()

    def __iter__(self):
        return self

    def __next__(self):
        with self.condition:
            while not self.requests and not self.closed:
                self.condition.wait()
            if self.requests:
                return self.requests.pop(0)
            raise StopIteration
