#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Patroni's use of the store: two agents of a database cluster that speak JSON alone to three members, with a
lock on a lease, transactions for whatever two may want at once, and a copy of all keys kept up to date by a
watch that is read as it grows, on a connection of its own.

usage: patroni_test.py QUORATE
"""

import base64
import http.client
import json
import os
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from clusters import Cluster, wait_for  # noqa: E402

BINARY = None
TIMEOUT_S = 20
PREFIX = "/service/demo/"
TTL_S = 3
STALE_TOKEN = ("etcdserver: invalid auth token", "etcdserver: revision of auth store is old")


def b64(text):
    return base64.b64encode(text.encode()).decode()


def plain(text):
    return base64.b64decode(text).decode()


class Refused(Exception):
    """An error's code and message."""


class Dcs:
    """What Patroni's client does: one member after the other, and a new login when the token is none."""

    def __init__(self, endpoints, user=None):
        self.endpoints = list(endpoints)
        self.user = user
        self.token = None
        assert all(self.page(endpoint, "/version")["etcdserver"] >= "3.4" for endpoint in endpoints)

    @staticmethod
    def page(endpoint, path):
        connection = http.client.HTTPConnection(endpoint, timeout=TIMEOUT_S)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def open(self, endpoint, path, content):
        connection = http.client.HTTPConnection(endpoint, timeout=TIMEOUT_S)
        headers = {"Authorization": self.token} if self.token else {}
        connection.request("POST", "/v3" + path, json.dumps(content), headers)
        return connection, connection.getresponse()

    def once(self, endpoint, path, content):
        connection, answer = self.open(endpoint, path, content)
        try:
            body = json.loads(answer.read().splitlines()[0])
        finally:
            connection.close()
        if answer.status != 200:
            error = body.get("error", body)  # that of a stream is within
            raise Refused(error["code"], error["message"])
        return body

    def log_in(self, endpoint):
        self.token = None
        if self.user:
            name, password = self.user
            self.token = self.once(endpoint, "/auth/authenticate", {"name": name, "password": password})["token"]

    def ask(self, path, **content):
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            endpoint = self.endpoints[0]
            try:
                if self.user and not self.token:
                    self.log_in(endpoint)
                return self.once(endpoint, path, content)
            except Refused as refused:
                if refused.args[1] in STALE_TOKEN and self.token:
                    self.token = None
                elif refused.args[0] != 14:  # unavailable
                    raise
            except (OSError, http.client.HTTPException):
                pass
            self.endpoints.append(self.endpoints.pop(0))
            if time.monotonic() > deadline:
                raise TimeoutError(path)

    def get(self, prefix):
        """(key -> pair, revision)"""
        body = self.ask("/kv/range", key=b64(prefix), range_end=b64(prefix[:-1] + chr(ord(prefix[-1]) + 1)))
        return {plain(kv["key"]): kv for kv in body.get("kvs", ())}, int(body["header"]["revision"])

    def put(self, key, value, **fields):
        return self.ask("/kv/put", key=b64(PREFIX + key), value=b64(value), **fields)

    def txn(self, compare, success, failure=None):
        """Whether it succeeded, and the answers."""
        body = self.ask("/kv/txn", compare=[compare], success=[success], failure=[failure] if failure else [])
        return body.get("succeeded", False), body.get("responses", [])

    def create(self, key, value, **fields):
        key = b64(PREFIX + key)
        return self.txn({"key": key, "target": "CREATE", "create_revision": "0"},
                        {"request_put": {"key": key, "value": b64(value), **fields}},
                        {"request_range": {"key": key}})


class KeyCache(threading.Thread):
    """The keys under the prefix: read once, then followed on a connection of its own. After any break from
    the beginning."""

    def __init__(self, endpoints, user):
        super().__init__(daemon=True)
        self.dcs = Dcs(endpoints, user)
        self.keys = {}
        self.loads = 0
        self.progress = 0
        self.events = []
        self.ended = False
        self.connection = None
        self.start()

    def run(self):
        while not self.ended:
            try:
                self.load_and_follow()
            except (OSError, http.client.HTTPException, ValueError, AttributeError, Refused):
                self.dcs.endpoints.append(self.dcs.endpoints.pop(0))
                time.sleep(0.05)

    def load_and_follow(self):
        pairs, revision = self.dcs.get(PREFIX)
        self.keys = {key: plain(kv.get("value", "")) for key, kv in pairs.items()}
        self.loads += 1
        create = {"key": b64(PREFIX), "range_end": b64(PREFIX[:-1] + "0"), "start_revision": str(revision + 1),
                  "progress_notify": True}
        self.connection, answer = self.dcs.open(self.dcs.endpoints[0], "/watch", {"create_request": create})
        decoder, text = json.JSONDecoder(), ""
        while not self.ended:
            piece = answer.read1(65536)
            if not piece:
                raise ValueError("the watch has ended")
            text += piece.decode()
            while text := text.lstrip():
                try:
                    message, end = decoder.raw_decode(text)
                except ValueError:
                    break  # not all of it is here
                text = text[end:]
                self.take(message)

    def take(self, message):
        if "error" in message or message["result"].get("canceled"):
            raise ValueError(message)
        result = message["result"]
        if "events" not in result and not result.get("created"):
            self.progress += 1
        for event in result.get("events", ()):
            key = plain(event["kv"]["key"])
            if event.get("type") == "DELETE":
                self.keys.pop(key, None)
            else:
                self.keys[key] = plain(event["kv"].get("value", ""))
            self.events.append((event.get("type", "PUT"), key))

    def end(self):
        self.ended = True
        if self.connection is not None and self.connection.sock is not None:
            self.connection.sock.close()


class Agent:
    def __init__(self, name, endpoints, user=None):
        self.name = name
        self.dcs = Dcs(endpoints, user)
        self.cache = KeyCache(endpoints, user)
        self.lease = None

    def join(self):
        """A lease that its own key and, maybe, the lock hang on."""
        self.lease = self.dcs.ask("/lease/grant", TTL=TTL_S)["ID"]
        self.dcs.put("members/" + self.name, '{"state":"running"}', lease=self.lease)

    def keep_alive(self):
        return int(self.dcs.ask("/lease/keepalive", ID=self.lease)["result"].get("TTL", 0))

    def acquire(self):
        """Whether it has the lock; else who has."""
        done, answers = self.dcs.create("leader", self.name, lease=self.lease)
        if done:
            return True
        kvs = answers[0]["response_range"].get("kvs", ())
        return plain(kvs[0].get("value", "")) if kvs else None

    def release(self):
        key = b64(PREFIX + "leader")
        return self.dcs.txn({"key": key, "target": "VALUE", "value": b64(self.name)},
                            {"request_delete_range": {"key": key}})[0]


class PatroniTest(unittest.TestCase):
    def start(self, user=None):
        folder = tempfile.TemporaryDirectory(prefix="quorate-patroni-")
        self.addCleanup(folder.cleanup)
        self.cluster = Cluster(BINARY, folder.name, 3, [
            "--heartbeat-interval=50", "--election-timeout=500", "--bcrypt-cost=4",
            "--watch-progress-notify-interval=200ms"])
        self.addCleanup(self.cluster.__exit__)
        self.cluster.start()
        endpoints = self.cluster.endpoints
        if user:
            self.admit(Dcs(endpoints), *user)
        agents = [Agent("a", endpoints, user), Agent("b", endpoints[1:] + endpoints[:1], user)]
        for agent in agents:
            self.addCleanup(agent.cache.end)
        return agents

    @staticmethod
    def admit(dcs, name, password):
        """Authentication is on, and Patroni's user has its prefix."""
        dcs.ask("/auth/user/add", name="root", password="r")
        dcs.ask("/auth/user/grant", user="root", role="root")
        dcs.ask("/auth/user/add", name=name, password=password)
        dcs.ask("/auth/role/add", name="patroni")
        dcs.ask("/auth/role/grant", name="patroni", perm={
            "permType": "READWRITE", "key": b64("/service/"), "range_end": b64("/service0")})
        dcs.ask("/auth/user/grant", user=name, role="patroni")
        dcs.ask("/auth/enable")

    def leader_of(self, agent):
        return agent.cache.keys.get(PREFIX + "leader")

    def live(self, agents):
        """From bootstrap to switchover."""
        a, b = agents
        self.assertEqual(len(a.dcs.ask("/cluster/member/list")["members"]), 3)
        self.assertEqual([agent.dcs.create("initialize", "")[0] for agent in agents], [True, False])
        for agent in agents:
            agent.join()
        self.assertTrue(a.acquire())
        self.assertEqual(b.acquire(), "a")
        for agent in agents:
            wait_for(lambda one=agent: self.leader_of(one) == "a" and PREFIX + "members/b" in one.cache.keys,
                     "both know")
        # A member of the store goes, whichever leads; the lock stays.
        victim = self.leading_member()
        victim.kill()
        for _ in range(3):
            for agent in agents:
                self.assertGreater(agent.keep_alive(), 0)
        self.assertEqual(b.acquire(), "a")
        victim.start()
        # The first agent falls silent: its keys go with its lease, and the other one takes over.
        taken = []

        def take_over():
            b.keep_alive()
            taken.append(b.acquire())
            return taken[-1] is True

        wait_for(take_over, "the lock is free")
        self.assertEqual(set(taken[:-1]) - {"a", None}, set())
        wait_for(lambda: self.leader_of(a) == "b" and PREFIX + "members/a" not in a.cache.keys, "the other one sees")
        self.assertEqual(a.keep_alive(), 0)
        self.assertFalse(a.release())
        a.join()
        self.assertEqual(a.acquire(), "b")
        # A change of the configuration that was made meanwhile is not overwritten.
        b.dcs.put("config", "1")
        found = b.dcs.get(PREFIX + "config")[0][PREFIX + "config"]
        b.dcs.put("config", "2")
        key = b64(PREFIX + "config")
        stale = b.dcs.txn({"key": key, "target": "MOD", "mod_revision": found["mod_revision"]},
                          {"request_put": {"key": key, "value": b64("3")}})
        self.assertFalse(stale[0])
        # A switchover: asked for by a key, done by letting go.
        a.dcs.put("failover", '{"leader":"b","member":"a"}')
        wait_for(lambda: b.cache.keys.get(PREFIX + "failover"), "the wish")
        self.assertTrue(b.release())
        wait_for(lambda: a.keep_alive() > 0 and a.acquire() is True, "the lock")
        a.dcs.ask("/kv/deleterange", key=b64(PREFIX + "failover"))
        a.dcs.ask("/lease/revoke", ID=b.lease)
        for agent in agents:
            wait_for(lambda one=agent: one.cache.keys == {
                key: plain(kv.get("value", "")) for key, kv in one.dcs.get(PREFIX)[0].items()}, "the caches are right")
            self.assertEqual(self.leader_of(agent), "a")
            self.assertNotIn(PREFIX + "members/b", agent.cache.keys)
            self.assertGreater(len(agent.cache.events), 3)
            wait_for(lambda one=agent: one.cache.progress > 0, "word of a watch where nothing happens")

    def leading_member(self):
        def find():
            for member in self.cluster.members:
                metrics = member.metrics()
                if "\netcd_server_is_leader 1" in metrics:
                    return member
            return None
        return wait_for(find, "a leader")

    def test_patroni(self):
        self.live(self.start())

    def test_patroni_with_a_password(self):
        agents = self.start(("patroni", "one"))
        self.live(agents)
        # Another password ends the tokens; who knows the new one goes on.
        root = Dcs(self.cluster.endpoints, ("root", "r"))
        root.ask("/auth/user/changepw", name="patroni", password="two")
        for agent in agents:
            agent.dcs.user = ("patroni", "two")
            agent.dcs.put("status", "new")
        with self.assertRaises(Refused) as refused:
            agents[0].dcs.ask("/kv/put", key=b64("/elsewhere"))
        self.assertEqual(refused.exception.args, (7, "etcdserver: permission denied"))


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    unittest.main(verbosity=2)
