#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""etcd and Quorate with the same key know each other's signed tokens; simple tokens and strangers'
keys count nowhere else.

usage: token_exchange_test.py QUORATE
"""

import base64
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from member import Member, require

BINARY = None


def make_key(path, algorithm, *options):
    subprocess.run(["openssl", "genpkey", "-algorithm", algorithm, *options, "-out", path], check=True,
                   capture_output=True)


def post(member, path, body, token=None):
    """Status and answer of a call to the JSON gateway."""
    headers = {"Authorization": token} if token else {}
    request = urllib.request.Request(f"{member.endpoint}/v3/{path}", json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def turn_auth_on(member):
    for path, body in (("user/add", {"name": "root", "password": "r00t"}),
                       ("user/grant", {"user": "root", "role": "root"}),
                       ("enable", {})):
        status, answer = post(member, f"auth/{path}", body)
        assert status == 200, answer


def log_in(member):
    status, answer = post(member, "auth/authenticate", {"name": "root", "password": "r00t"})
    assert status == 200, answer
    return answer["token"]


def put(member, token):
    text = base64.b64encode(b"key").decode()
    return post(member, "kv/put", {"key": text, "value": text}, token)


class TokenExchange(unittest.TestCase):

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def start(self, binary, option):
        """A member with authentication on, until the test is over."""
        member = Member(binary, [f"--auth-token={option}", "--bcrypt-cost=4"])
        member.__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        turn_auth_on(member)
        return member

    def start_pair(self, option):
        return self.start(BINARY, option), self.start("etcd", option)

    def path(self, name):
        return os.path.join(self.directory.name, name)

    def check_exchange(self, option):
        ours, etcd = self.start_pair(option)
        for token in (log_in(ours), log_in(etcd)):
            for member in (ours, etcd):
                status, answer = put(member, token)
                self.assertEqual(status, 200, answer)
                changed = token[:-4] + ("AAAA" if token[-4:] != "AAAA" else "BBBB")
                status, answer = put(member, changed)
                self.assertEqual(status, 401, answer)
                self.assertIn("invalid auth token", str(answer))

    def test_ecdsa(self):
        make_key(self.path("ec"), "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        self.check_exchange(f"jwt,sign-method=ES256,priv-key={self.path('ec')}")

    def test_rsa_pss(self):
        make_key(self.path("rsa"), "RSA")
        self.check_exchange(f"jwt,sign-method=PS384,priv-key={self.path('rsa')},ttl=10m")

    def test_secret(self):
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            file.write("s" * 40 + "\n")
        self.check_exchange(f"jwt,sign-method=HS256,priv-key={self.path('secret')}")

    def test_simple_tokens_stay_at_home(self):
        ours, etcd = self.start_pair("simple")
        for member in (ours, etcd):
            token = log_in(member)
            self.assertRegex(token, r"^[A-Za-z]{16}\.[0-9]+$")
            self.assertEqual(put(member, token)[0], 200)
        # The other way round etcd would wait for the index that the token names.
        self.assertEqual(put(ours, token)[0], 401)

    def test_public_key_alone(self):
        make_key(self.path("ed"), "ED25519")
        subprocess.run(["openssl", "pkey", "-in", self.path("ed"), "-pubout", "-out", self.path("pub")],
                       check=True)
        issuer = self.start(BINARY, f"jwt,sign-method=EdDSA,priv-key={self.path('ed')}")
        verifier = self.start(BINARY, f"jwt,sign-method=EdDSA,pub-key={self.path('pub')}")
        self.assertEqual(put(verifier, log_in(issuer))[0], 200)
        status, answer = post(verifier, "auth/authenticate", {"name": "root", "password": "r00t"})
        self.assertNotEqual(status, 200)
        self.assertIn("auth: token signing attempted with verify-only key", str(answer))

    def test_a_new_key_is_taken_over(self):
        make_key(self.path("ec"), "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        member = self.start(BINARY, f"jwt,sign-method=ES256,priv-key={self.path('ec')}")
        old = log_in(member)
        self.assertEqual(put(member, old)[0], 200)
        make_key(self.path("ec"), "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
        member.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 60
        while put(member, old)[0] != 401:
            self.assertLess(time.monotonic(), deadline, "the old key's tokens still count")
            time.sleep(0.05)
        self.assertEqual(put(member, log_in(member))[0], 200)

    def test_signed_tokens_outlive_a_restart(self):
        with open(self.path("secret"), "w", encoding="utf-8") as file:
            file.write("s" * 40)
        member = self.start(BINARY, f"jwt,sign-method=HS256,priv-key={self.path('secret')}")
        token = log_in(member)
        member.stop()
        member.start()
        self.assertEqual(put(member, token)[0], 200)


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv[1])
    require("etcd", "openssl")
    unittest.main(argv=sys.argv[:1])
