#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Authentication as clients meet it: etcdctl against Quorate and etcd, the JSON gateway, snapshots
between the two, and what outlives a restart.

usage: auth_test.py QUORATE [--etcd ETCD]
"""

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest

import auth_steps
import etcdctl_test
import gateway_test
from member import Member, require

TIMEOUT_S = 60
# The least there is: what a hash costs is not what is tested.
CHEAP = ("--bcrypt-cost=4",)
OPTIONS = None


def ctl(member, *args, user="", stdin=""):
    """Exit code and everything that etcdctl has printed."""
    login = ("--user", user) if user else ()
    done = subprocess.run(["etcdctl", "--endpoints", member.endpoint, *login, *args], input=stdin,
                          capture_output=True, text=True, timeout=TIMEOUT_S,
                          env=dict(os.environ, ETCDCTL_API="3"), check=False)
    return done.returncode, done.stdout + done.stderr


def b64(text):
    return base64.b64encode(text.encode()).decode()


class AuthTest(unittest.TestCase):
    def start(self, binary, *args, data_dir=None):
        member = Member(binary, (*CHEAP, *args), data_dir=data_dir).__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        return member

    def must(self, member, *args, user="", stdin=""):
        code, text = ctl(member, *args, user=user, stdin=stdin)
        self.assertEqual(code, 0, f"{args}: {text}")
        return text

    def set_up_users(self, member):
        """root:r may do all, alice:a reads and writes below a/, carol has a role that is empty."""
        for command in ("user add root:r", "user grant-role root root", "user add alice:a",
                        "user add carol:c", "role add keys", "role add nothing",
                        "role grant-permission keys readwrite a/ --prefix",
                        "role grant-permission keys read shared",
                        "user grant-role alice keys", "user grant-role carol nothing",
                        "put a/1 one", "put shared s", "put secret x", "auth enable"):
            self.must(member, *command.split())

    def check_users(self, member):
        self.assertIn("one", self.must(member, "get", "a/1", user="alice:a"))
        self.must(member, "put", "a/2", "two", user="alice:a")
        for user, args in (("alice:a", ("get", "secret")), ("alice:a", ("put", "shared", "x")),
                           ("carol:c", ("get", "a/1"))):
            code, text = ctl(member, *args, user=user)
            self.assertNotEqual(code, 0)
            self.assertIn("permission denied", text)
        self.assertIn("alice\ncarol\nroot\n", self.must(member, "user", "list", user="root:r"))
        code, text = ctl(member, "member", "list")
        self.assertIn("user name is empty" if member.command[0] == OPTIONS.quorate else "t,", text)
        self.assertIn("[a/, a0) (prefix a/)", self.must(member, "role", "get", "keys", user="root:r"))

    def test_etcdctl_prints_what_it_prints_with_etcd(self):
        self.assertEqual(
            etcdctl_test.compare([OPTIONS.quorate, OPTIONS.etcd], auth_steps.ALL, CHEAP), 0)

    def test_users_and_tokens_over_a_restart(self):
        member = self.start(OPTIONS.quorate)
        self.set_up_users(member)
        self.check_users(member)
        member.stop()
        member.start()
        self.check_users(member)
        with open(member.log_path) as log:
            self.assertIn('"change":"grant-role","user-name":"alice","role-name":"keys","by":""',
                          log.read())

    def test_the_way_back_in_without_a_password(self):
        member = self.start(OPTIONS.quorate)
        self.set_up_users(member)
        self.assertIn("user name is empty", ctl(member, "get", "a/1")[1])
        member.stop()
        member.command.append("--force-auth-disable")
        member.start()
        deadline = time.monotonic() + TIMEOUT_S
        while "authentication is off, as --force-auth-disable wants it; start without it again" not in member.log():
            self.assertLess(time.monotonic(), deadline, "authentication stays on")
            time.sleep(0.05)
        # Nothing else has changed, and what was forgotten can be set.
        self.assertEqual(self.must(member, "user", "list"), "alice\ncarol\nroot\n")
        self.assertIn("one", self.must(member, "get", "a/1"))
        self.must(member, "user", "passwd", "root", "--interactive=false", stdin="new")
        # It is turned off once: who enables it again, even under the option, means it.
        self.must(member, "auth", "enable")
        self.assertIn("user name is empty", ctl(member, "get", "a/1")[1])
        member.stop()
        member.command.pop()
        member.start()
        self.assertIn("user name is empty", ctl(member, "get", "a/1")[1])
        self.assertIn("authentication failed", ctl(member, "get", "a/1", user="root:r")[1])
        self.assertIn("one", self.must(member, "get", "a/1", user="root:new"))
        self.assertIn("one", self.must(member, "get", "a/1", user="alice:a"))

    def test_snapshots_carry_users_both_ways(self):
        with tempfile.TemporaryDirectory(prefix="quorate-auth-") as directory:
            ours = self.start(OPTIONS.quorate)
            self.set_up_users(ours)
            file = os.path.join(directory, "ours")
            self.must(ours, "snapshot", "save", file, user="root:r")

            theirs = Member(OPTIONS.etcd, CHEAP, data_dir=os.path.join(directory, "theirs"))
            self.addCleanup(theirs.__exit__, None, None, None)
            subprocess.run(["etcdctl", "snapshot", "restore", file, "--data-dir",
                            os.path.join(directory, "theirs"), "--name", "t",
                            "--initial-cluster", f"t={theirs.peer_url}",
                            "--initial-advertise-peer-urls", theirs.peer_url],
                           check=True, capture_output=True, timeout=TIMEOUT_S,
                           env=dict(os.environ, ETCDCTL_API="3"))
            theirs.start()
            self.check_users(theirs)

            back = os.path.join(directory, "back")
            self.must(theirs, "user", "add", "dave:d", user="root:r")
            self.must(theirs, "user", "delete", "dave", user="root:r")
            self.must(theirs, "snapshot", "save", back, user="root:r")
            again = Member(OPTIONS.quorate, CHEAP, data_dir=os.path.join(directory, "again"))
            self.addCleanup(again.__exit__, None, None, None)
            restored = subprocess.run(
                [OPTIONS.quorate, "util", "snapshot", "restore", back, "--data-dir",
                 os.path.join(directory, "again"), "--name", "t",
                 "--initial-cluster", f"t={again.peer_url}",
                 "--initial-advertise-peer-urls", again.peer_url, "-w", "json"],
                check=True, capture_output=True, timeout=TIMEOUT_S, text=True)
            self.assertEqual(json.loads(restored.stdout)["users"], 3)
            again.start()
            self.check_users(again)
            again.stop()
            checked = subprocess.run(
                [OPTIONS.quorate, "util", "verify", "--data-dir",
                 os.path.join(directory, "again"), "-w", "json"],
                check=True, capture_output=True, timeout=TIMEOUT_S, text=True)
            self.assertEqual(json.loads(checked.stdout)["users"], 3)

    def post(self, member, path, content, token=""):
        connection = http.client.HTTPConnection(member.host, member.port, timeout=TIMEOUT_S)
        try:
            headers = {"Authorization": token} if token else {}
            connection.request("POST", path, json.dumps(content), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def test_every_route_of_the_gateway(self):
        member = self.start(OPTIONS.quorate)

        def ok(path, content, token=""):
            status, body = self.post(member, "/v3/auth/" + path, content, token)
            self.assertEqual(status, 200, f"{path}: {body}")
            self.assertIn("member_id", body["header"])
            return body

        self.assertEqual(self.post(member, "/v3/auth/enable", {}),
                         (400, {"code": 9, "message": "etcdserver: root user does not exist"}))
        ok("user/add", {"name": "root", "password": "r"})
        ok("role/add", {"name": "root"})
        ok("user/grant", {"user": "root", "role": "root"})
        ok("user/add", {"name": "alice", "password": "a"})
        ok("user/add", {"name": "bob", "options": {"no_password": True}})
        ok("role/add", {"name": "keys"})
        ok("role/grant", {"name": "keys", "perm": {"permType": "READWRITE", "key": b64("a"),
                                                   "range_end": b64("b")}})
        ok("user/grant", {"user": "alice", "role": "keys"})
        self.assertEqual(ok("user/get", {"name": "alice"})["roles"], ["keys"])
        self.assertEqual(ok("role/get", {"role": "keys"})["perm"],
                         [{"permType": "READWRITE", "key": b64("a"), "range_end": b64("b")}])
        ok("enable", {})
        self.assertTrue(ok("status", {})["enabled"])
        self.assertEqual(self.post(member, "/v3/kv/range", {"key": b64("a")}),
                         (400, {"code": 3, "message": "etcdserver: user name is empty"}))
        self.assertEqual(self.post(member, "/v3/kv/range", {"key": b64("a")}, "nonsense")[0], 401)
        self.assertEqual(self.post(member, "/v3/auth/authenticate",
                                   {"name": "alice", "password": "x"})[0], 400)
        alice = ok("authenticate", {"name": "alice", "password": "a"})["token"]
        self.assertEqual(self.post(member, "/v3/kv/put", {"key": b64("a1")}, alice)[0], 200)
        self.assertEqual(self.post(member, "/v3/kv/put", {"key": b64("a1")}, "Bearer " + alice)[0], 200)
        self.assertEqual(self.post(member, "/v3/kv/put", {"key": b64("b")}, alice),
                         (403, {"code": 7, "message": "etcdserver: permission denied"}))
        self.assertEqual(self.post(member, "/v3/auth/user/list", {}, alice)[0], 403)
        # A lock is what its calls are.
        self.assertEqual(self.post(member, "/v3/lock/lock", {"name": b64("a1")}, alice)[0], 200)
        self.assertNotEqual(self.post(member, "/v3/lock/lock", {"name": b64("c")}, alice)[0], 200)
        self.assertNotEqual(self.post(member, "/v3/lock/lock", {"name": b64("a1")})[0], 200)
        root = ok("authenticate", {"name": "root", "password": "r"})["token"]
        self.assertEqual(ok("user/list", {}, root)["users"], ["alice", "bob", "root"])
        self.assertEqual(ok("role/list", {}, root)["roles"], ["keys", "root"])
        ok("user/changepw", {"name": "alice", "password": "new"}, root)
        self.assertEqual(self.post(member, "/v3/kv/put", {"key": b64("a1")}, alice)[0], 401)
        ok("user/revoke", {"name": "alice", "role": "keys"}, root)
        ok("role/revoke", {"role": "keys", "key": b64("a"), "range_end": b64("b")}, root)
        ok("role/delete", {"role": "keys"}, root)
        ok("user/delete", {"name": "bob"}, root)
        ok("disable", {}, root)
        self.assertNotIn("enabled", ok("status", {}))
        self.assertEqual(self.post(member, "/v3/kv/range", {"key": b64("a")})[0], 200)

    def test_a_watch_over_a_websocket_is_somebodys(self):
        """A browser hands the token over as a protocol's name; without one it watches nothing."""
        member = self.start(OPTIONS.quorate)
        self.set_up_users(member)
        token = self.post(member, "/v3/auth/authenticate", {"name": "alice", "password": "a"})[1]["token"]
        create = {"create_request": {"key": b64("a/"), "range_end": b64("a0"), "start_revision": 1}}
        secret = {"create_request": {"key": b64("secret"), "start_revision": 1}}
        with gateway_test.WebSocket(member, "/v3/watch", Sec_WebSocket_Protocol="Bearer, " + token) as peer:
            peer.send(create)
            self.assertTrue(peer.answer()["result"]["created"])
            self.assertEqual(peer.answer()["result"]["events"][0]["kv"]["value"], b64("one"))
            peer.send(secret)
            refused = peer.answer()["result"]
            self.assertEqual((refused["canceled"], refused["watch_id"]), (True, "-1"))
            self.assertIn("permission denied", refused["cancel_reason"])
        for protocol, text in (({}, "user name is empty"), ({"Sec_WebSocket_Protocol": "Bearer, nonsense"}, "invalid auth token")):
            with gateway_test.WebSocket(member, "/v3/watch", **protocol) as peer:
                peer.send(create)
                self.assertIn(text, json.dumps(peer.answer()))

    def test_health_and_metrics_need_no_login(self):
        member = self.start(OPTIONS.quorate)
        self.set_up_users(member)
        self.assertEqual(member.get("/health")[0], 200)
        self.assertIn("\netcd_debugging_auth_revision ", member.get("/metrics")[1])


def main():
    global OPTIONS
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("quorate")
    parser.add_argument("--etcd", default="etcd")
    OPTIONS, rest = parser.parse_known_args()
    require("etcdctl", OPTIONS.etcd)
    unittest.main(argv=[sys.argv[0], *rest])


if __name__ == "__main__":
    main()
