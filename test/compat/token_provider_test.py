#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""--auth-token chooses a plugin and sets it up, as etcd's option does: what starts, what is refused and
why, and keys that change while the server runs.

usage: token_provider_test.py QUORATE VECTORS
"""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

from member import Member

BINARY = None
VECTORS = None  # keys and tokens of test/auth/jwt
WAIT_S = 60


def quorate(*arguments, directory="/"):
    """(exit code, standard output, last line of standard error)"""
    done = subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=WAIT_S,
                          cwd=directory, check=False)
    return done.returncode, done.stdout, (done.stderr.splitlines() or [""])[-1]


class TokenProviders(unittest.TestCase):

    def test_plugins_are_listed(self):
        code, out, _ = quorate("--list-plugins")
        self.assertEqual(code, 0)
        listed = {tuple(line.split()[:2]) for line in out.splitlines()}
        self.assertIn(("auth", "simple"), listed)
        self.assertIn(("auth", "jwt"), listed)

    def test_good_settings_are_valid(self):
        for value in (
                "simple",
                f"jwt,sign-method=RS256,pub-key={VECTORS}/rsa.pub",
                f"jwt,pub-key={VECTORS}/p521.pub,sign-method=ES512,ttl=10m",
                f"jwt,pub-key={VECTORS}/ed25519.pub,sign-method=EdDSA",
                f"jwt,priv-key={VECTORS}/secret,sign-method=HS512,ttl=1h30m"):
            code, out, error = quorate("--check-config", "--auth-token", value)
            self.assertEqual((code, out), (0, "configuration is valid\n"), error)

    def test_bad_settings_say_what_and_where(self):
        methods = ("RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, HS256, HS384, HS512, "
                   "EdDSA")
        for value, message in (
                ("jwt", f"auth plugin jwt: option sign-method is missing: needs one of {methods}"),
                ("jwt,sign-method=none,pub-key=/x",
                 f'auth plugin jwt: option sign-method = "none": needs one of {methods}'),
                ("jwt,sign-method=RS256,pub-key=/none/key",
                 'auth plugin jwt: pub-key "/none/key": can\'t be read: No such file or directory'),
                (f"jwt,sign-method=ES256,pub-key={VECTORS}/rsa.pub",
                 f'auth plugin jwt: pub-key "{VECTORS}/rsa.pub": is a key of kind RSA, ES256 needs EC'),
                (f"jwt,sign-method=HS256,priv-key={VECTORS}/secret,ttl=soon",
                 'auth plugin jwt: option ttl = "soon": needs a duration such as 90s, 5m or 1h30m, from '
                 "1000ms to 1000000h"),
                ("simple,ttl=5",
                 'auth plugin simple: unknown option "ttl"; known: tokens_max'),
                ("kerberos", "auth_kerberos.so: no such plugin; auth plugins there: jwt, simple"),
                ("../jwt", 'invalid value "../jwt" for auth-token: must begin with a plugin\'s name: a-z, '
                           "0-9 and _")):
            code, out, error = quorate("--check-config", "--auth-token", value)
            self.assertEqual((code, out), (3 if value == "../jwt" else 4, ""), value)
            self.assertTrue(error.startswith("quorate: ") and error.endswith(message), error)

    def test_a_wrong_key_leaves_no_trace(self):
        with tempfile.TemporaryDirectory() as directory:
            code, _, error = quorate("--data-dir=data", "--auth-token=jwt,sign-method=RS256,pub-key=/none",
                                     directory=directory)
            self.assertEqual(code, 4)
            self.assertIn('pub-key "/none": can\'t be read', error)
            self.assertEqual(os.listdir(directory), [])

    def test_wrong_costs_and_lives_are_refused(self):
        for flag in ("--bcrypt-cost=3", "--bcrypt-cost=32"):
            code, _, error = quorate("--check-config", flag)
            self.assertEqual(code, 2)
            self.assertIn("must be a whole number from 4 to 31", error)
        code, _, error = quorate("--check-config", "--auth-token-ttl=0")
        self.assertEqual(code, 2)
        self.assertIn("auth-token-ttl", error)

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_tokens_of_every_method_count_on_a_member(self):
        with tempfile.TemporaryDirectory() as directory:
            for method in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512",
                           "HS256", "HS384", "HS512", "EdDSA"):
                keys = self.keys_for(method, os.path.join(directory, method))
                with Member(BINARY, ["--bcrypt-cost=4", f"--auth-token=jwt,sign-method={method},{keys}"]) as member:
                    self.check_tokens(member, method)

    def keys_for(self, method, path):
        """Makes a key for it; the options that name it."""
        if method.startswith("HS"):
            self.write(path, "s" * 64)
            return f"priv-key={path}"
        curves = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
        kind = (["ed25519"] if method == "EdDSA" else
                ["EC", "-pkeyopt", f"ec_paramgen_curve:{curves[method]}"] if method in curves else
                ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        for command in (["genpkey", "-algorithm", *kind, "-out", path],
                        ["pkey", "-in", path, "-pubout", "-out", path + ".pub"]):
            subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=WAIT_S)
        return f"priv-key={path},pub-key={path}.pub"

    def check_tokens(self, member, method):
        """One is given out and holds; with another signature, or none, it does not."""
        def post(path, body, token=""):
            request = urllib.request.Request(f"{member.endpoint}/v3/{path}", data=json.dumps(body).encode(),
                                             headers={"Authorization": token} if token else {})
            try:
                with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                return error.code, json.load(error)

        for path, body in (("user/add", {"name": "root", "password": "r"}),
                           ("user/grant", {"user": "root", "role": "root"}), ("enable", {})):
            self.assertEqual(post("auth/" + path, body)[0], 200)
        token = post("auth/authenticate", {"name": "root", "password": "r"})[1]["token"]
        head, claims, signature = token.split(".")
        self.assertEqual(json.loads(base64.urlsafe_b64decode(head + "=="))["alg"], method)
        self.assertEqual(post("kv/put", {"key": "YQ=="}, token)[0], 200)
        unsigned = base64.urlsafe_b64encode(b'{"alg":"none","typ":"JWT"}').decode().rstrip("=")
        forged = signature[:-4] + ("AAAA" if signature[-4:] != "AAAA" else "BBBB")
        for wrong in (f"{head}.{claims}.{forged}", f"{head}.{claims}.", f"{unsigned}.{claims}."):
            status, said = post("kv/put", {"key": "YQ=="}, wrong)
            self.assertEqual((status, said["message"]), (401, "etcdserver: invalid auth token"), wrong)

    def test_keys_are_read_again(self):
        with tempfile.TemporaryDirectory() as directory:
            key = os.path.join(directory, "secret")
            self.write(key, "s" * 64)
            with Member(BINARY, [f"--auth-token=jwt,sign-method=HS256,priv-key={key}"]) as member:
                self.write(key, "")
                member.process.send_signal(signal.SIGHUP)
                line = self.wait_for_line(member, "keys for tokens stay as they were")
                self.assertIn("is empty; it should hold a key", line)
                # A short secret is warned about when it is read, so the log shows that it was.
                self.write(key, "short")
                member.process.send_signal(signal.SIGHUP)
                self.wait_for_line(member, "a secret of 5 bytes, HS256 should have 32")

    @staticmethod
    def write(path, content):
        with open(path, "w", encoding="utf-8") as file:
            file.write(content)

    def wait_for_line(self, member, text):
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            with open(member.log_path, encoding="utf-8") as log:
                for line in log:
                    if text in line:
                        return line
            time.sleep(0.05)
        return self.fail(f"no line with: {text}")


if __name__ == "__main__":
    BINARY = os.path.abspath(sys.argv[1])
    VECTORS = os.path.abspath(sys.argv[2])
    unittest.main(argv=sys.argv[:1])
