# SPDX-License-Identifier: Apache-2.0
"""What clients hold on to while leaders change: leases and watches."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
from client import Client
from clusters import wait_for
from context import Asks, check
from history import Violation
from load import all_changes, event_tuple


def test_lease(context):
    """A lease kept alive through a follower outlives its leaders; one that nobody keeps alive ends."""
    with context.cluster().start() as cluster:
        follower = context.followers(cluster)[0]
        with context.client(follower) as client:
            pb = client.pb
            kept = client.lease_grant(TTL=5).ID
            left = client.lease_grant(TTL=5).ID
            client.put(key=b"kept", value=b"1", lease=kept)
            client.put(key=b"left", value=b"1", lease=left)
            begin = time.monotonic()
            for _ in range(2):
                leader = context.leader(cluster)
                if leader is follower:
                    with context.client(leader) as own:
                        other = next(one for one in cluster.members if one is not leader)
                        own.move_leader(targetID=context.member_id(other))
                    leader = context.leader(cluster)
                leader.kill()
                context.leader(cluster)
                leader.start()
                wait_for(lambda: keep_alive_once(client, pb, kept) > 0, "the lease is kept alive")
            # A new leader gives every lease its whole time again, and then it is over.
            # Who says at once that there will be no more is answered, too, whoever it asks.
            for member in cluster.members:
                with context.client(member) as one:
                    asks = [pb.LeaseKeepAliveRequest(ID=kept)] * 3
                    answers = list(one.keep_alive(iter(asks), timeout_s=10))
                    check([answer.TTL > 0 for answer in answers] == [True] * 3, f"three renewals: {answers}")
            wait_for(lambda: keep_alive_once(client, pb, kept) > 0
                     and not client.range(key=b"left").kvs, "the other lease ends")
            check(time.monotonic() - begin >= 4.5, "a lease ended before its time")
            check(client.range(key=b"kept").count == 1, "the key of a living lease is gone")
            check(client.lease_time_to_live(ID=left).TTL == -1, "the lease that ended still lives")
            client.lease_revoke(ID=kept)
            check(client.range(key=b"kept").count == 0, "the key of a revoked lease is there")
        context.settle(cluster)


def test_lost_leader(context):
    """What only a leader can answer is asked of the next one when it ends, or hangs, with the question."""
    with context.cluster().start() as cluster:
        with context.client(context.leader(cluster)) as client:
            lease = client.lease_grant(TTL=60).ID
        for ends in (True, False, True, False):
            leader = context.leader(cluster)
            others = [one for one in cluster.members if one is not leader]
            with contextlib.ExitStack() as clients, ThreadPoolExecutor(8) as pool:
                asked = [clients.enter_context(context.client(one)) for one in others for _ in range(2)]
                for client in asked:
                    client.status()  # connected
                if ends:
                    leader.process.kill()
                else:
                    leader.pause()
                renewals = [pool.submit(keep_alive_once, client, client.pb, lease) for client in asked[::2]]
                times = [pool.submit(client.lease_time_to_live, ID=lease) for client in asked[1::2]]
                check([one.result() > 0 for one in renewals] == [True] * 2, "a lease ended")
                check([one.result().TTL > 0 for one in times] == [True] * 2, "a lease has no time left")
            if ends:
                leader.process.wait()
                leader.start()
            else:
                leader.resume()
        context.settle(cluster)


def keep_alive_once(client, pb, lease):
    asks = Asks(pb.LeaseKeepAliveRequest(ID=lease))
    stream = client.keep_alive(asks, timeout_s=10)
    try:
        return next(stream).TTL
    finally:
        asks.close()
        stream.cancel()


class Watcher:
    """Watches the load's keys, as etcd's client does: after a break it goes on elsewhere behind the
    last revision it has seen."""

    def __init__(self, endpoints, protos, first):
        self.endpoints = endpoints
        self.protos = protos
        self.turn = first
        self.events = []
        self.failure = None
        self.stopped = False
        self.breaks = 0
        self.stream = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.stopped:
            try:
                self.follow()
            except grpc.RpcError:
                self.breaks += 1
                self.turn += 1
                time.sleep(0.05)
            except Exception as error:
                self.failure = error
                return

    def follow(self):
        endpoint = self.endpoints[self.turn % len(self.endpoints)]
        with Client(endpoint, self.protos) as client:
            pb = client.pb
            next_revision = self.events[-1][0] + 1 if self.events else 1
            asks = Asks(pb.WatchRequest(create_request=pb.WatchCreateRequest(
                key=b"key/", range_end=b"key0", start_revision=next_revision)))
            self.stream = client.watch(asks)
            try:
                for response in self.stream:
                    if response.canceled:
                        raise Violation(f"cancelled: {response}")
                    self.events += [event_tuple(event) for event in response.events]
            finally:
                asks.close()

    def end(self, changes):
        """What was seen, once it is as much as there is to be seen."""
        wait_for(lambda: self.failure or len(self.events) >= len(changes), "all events", 30)
        self.stopped = True
        self.stream.cancel()
        self.thread.join()
        if self.failure:
            raise self.failure
        return self.events


def test_watch(context):
    """Watches through each member, over changes of leaders: complete, in order, nothing twice."""
    with context.cluster().start() as cluster, context.load(cluster) as load:
        watchers = [Watcher(cluster.endpoints, context.protos, i) for i in range(3)]
        for number in range(3):
            leader = context.leader(cluster)
            if number == 1:
                with context.client(leader) as client:
                    other = next(one for one in cluster.members if one is not leader)
                    client.move_leader(targetID=context.member_id(other))
            else:
                leader.kill()
                load.wait_for_more(50)
                leader.start()
            load.wait_for_more(50)
        context.finish(cluster, load)
        changes = all_changes(cluster.members[0].endpoint, context.protos)
        check(len(changes) > 100, f"only {len(changes)} changes")
        for watcher in watchers:
            check(watcher.end(changes) == changes, "a watch saw something else than there was")
        check(sum(watcher.breaks for watcher in watchers) > 0, "no watch was ever broken")
