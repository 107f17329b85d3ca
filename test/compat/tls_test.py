#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""TLS as etcdctl, curl and openssl see it: certificates of both sides, revocation, reload.

usage: tls_test.py QUORATE
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from certificates import Authority  # noqa: E402
from member import free_ports, require  # noqa: E402
from tls_member import TlsMember  # noqa: E402

BINARY = None
PATIENCE_S = 60


def wait_for(condition, what):
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {PATIENCE_S} s")
        time.sleep(0.05)


def run(*command, **options):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False,
                          **options)


class TlsTest(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="quorate-tls-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.ca = Authority(self.path("ca"))
        self.server = self.ca.issue("server", "server", "IP:127.0.0.1,DNS:localhost")
        self.client = self.ca.issue("client", "a client")

    def path(self, name):
        return os.path.join(self.directory, name)

    def start(self, *extra_args, authority=True, mutual=True):
        args = ["--cert-file", self.server.cert, "--key-file", self.server.key]
        if mutual:
            args += ["--client-cert-auth", "--trusted-ca-file", self.ca.cert]
        member = TlsMember(BINARY, self.ca if authority else None,
                           [*args, *extra_args] if authority else list(extra_args), self.client)
        # The certificates are for 127.0.0.1, whatever address the server listens on.
        member.__enter__()
        self.addCleanup(member.__exit__, None, None, None)
        return member

    def etcdctl(self, member, *arguments, pair=None, ca=None):
        command = ["etcdctl", "--endpoints", member.endpoint, "--dial-timeout=5s",
                   "--command-timeout=10s", "--cacert", ca or self.ca.cert,
                   "--insecure-skip-tls-verify"]
        if pair is not None:
            command += ["--cert", pair.cert, "--key", pair.key]
        return run(*command, *arguments, env=dict(os.environ, ETCDCTL_API="3"))

    def curl(self, url, *arguments, pair=None):
        command = ["curl", "-sS", "-k", "--max-time", "20"]
        if pair is not None:
            command += ["--cert", pair.cert, "--key", pair.key]
        return run(*command, *arguments, url)

    def shown_certificate(self, member):
        """What the server shows now, as PEM."""
        return ssl.get_server_certificate((member.host, member.port))

    def hang_up(self, member):
        member.process.send_signal(signal.SIGHUP)

    def test_mutual(self):
        member = self.start("--client-crl-file", self.ca.crl)
        self.assertEqual(self.etcdctl(member, "put", "k", "v", pair=self.client).stdout, "OK\n")
        self.assertEqual(self.etcdctl(member, "get", "k", pair=self.client).stdout, "k\nv\n")
        self.assertNotEqual(self.etcdctl(member, "get", "k").returncode, 0)
        stranger = Authority(self.path("other"), "other").issue("stranger", "a stranger")
        self.assertNotEqual(self.etcdctl(member, "get", "k", pair=stranger).returncode, 0)
        wait_for(lambda: "rejected connection on client endpoint" in member.whole_log(),
                 "a line about the stranger")
        for version in ("--http1.1", "--http2"):
            self.assertIn('"true"', self.curl(member.endpoint + "/health", version,
                                              pair=self.client).stdout)
        self.assertNotEqual(self.curl(member.endpoint + "/health").returncode, 0)

    def test_one_policy_on_every_listener(self):
        """A revoked client is refused whichever address it comes to (GHSA-3wh4-j44w-pg92)."""
        revoked = self.ca.issue("revoked", "a thief")
        http_port, metrics_port = free_ports("127.0.0.1", 2)
        http, metrics = (f"https://127.0.0.1:{port}" for port in (http_port, metrics_port))
        ticket = self.path("ticket")
        member = TlsMember(BINARY, self.ca, [
            "--cert-file", self.server.cert, "--key-file", self.server.key,
            "--trusted-ca-file", self.ca.cert, "--client-crl-file", self.ca.crl,
            "--listen-client-http-urls", http, "--listen-metrics-urls", metrics], self.client)
        grpc = member.endpoint
        member.endpoint = http  # where its health is asked for
        with member:
            member.endpoint = grpc
            pages = (http + "/health", http + "/version", metrics + "/metrics")
            for page in pages:
                self.assertEqual(self.curl(page, pair=revoked).returncode, 0, page)
            self.assertEqual(self.etcdctl(member, "put", "k", "v", pair=revoked).stdout, "OK\n")
            s_client = ["openssl", "s_client", "-connect", f"127.0.0.1:{http_port}", "-cert",
                        revoked.cert, "-key", revoked.key, "-ign_eof"]
            ask = "GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            self.assertIn("200 OK", run(*s_client, "-sess_out", ticket, input=ask).stdout)
            again = run(*s_client, "-sess_in", ticket, input=ask).stdout
            self.assertIn("Reused, TLSv1.3", again)
            self.assertIn("200 OK", again)
            self.ca.revoke(revoked)
            self.hang_up(member)
            wait_for(lambda: self.curl(pages[0], pair=revoked).returncode != 0, "the revocation")
            for page in pages:
                self.assertNotEqual(self.curl(page, pair=revoked).returncode, 0, page)
                self.assertEqual(self.curl(page, pair=self.client).returncode, 0, page)
            self.assertNotEqual(
                self.etcdctl(member, "put", "k", "v", pair=revoked).returncode, 0)
            # Nor does a session from before help.
            self.assertNotIn("200 OK", run(*s_client, "-sess_in", ticket, input=ask).stdout)
            self.assertEqual(self.etcdctl(member, "get", "k", pair=self.client).stdout, "k\nv\n")

    def test_reload(self):
        member = self.start()
        watch = subprocess.Popen(
            ["etcdctl", "--endpoints", member.endpoint, "--cacert", self.ca.cert,
             "--insecure-skip-tls-verify", "--cert", self.client.cert, "--key", self.client.key,
             "watch", "w"],
            stdout=subprocess.PIPE, text=True, env=dict(os.environ, ETCDCTL_API="3"))
        self.addCleanup(watch.stdout.close)
        self.addCleanup(watch.wait)
        self.addCleanup(watch.kill)
        wait_for(lambda: "etcd_debugging_mvcc_watcher_total 1" in member.get("/metrics")[1],
                 "the watch")
        before = self.shown_certificate(member)
        # Without a signal, by looking at the files.
        self.ca.issue("server", "server", "IP:127.0.0.1,DNS:localhost")
        wait_for(lambda: self.shown_certificate(member) != before, "the new certificate")
        # A bad file changes nothing, and is spoken of once.
        good = self.shown_certificate(member)
        shutil.copy(self.server.key, self.path("kept"))
        os.replace(self.path("kept"), self.path("kept.key"))
        shutil.copy(self.client.key, self.path("wrong"))
        os.replace(self.path("wrong"), self.server.key)
        wait_for(lambda: "changed TLS files can't be used" in member.whole_log(), "the complaint")
        self.assertIn("it is not the key of certificate file", member.whole_log())
        self.assertEqual(self.shown_certificate(member), good)
        self.assertEqual(self.etcdctl(member, "put", "a", "b", pair=self.client).stdout, "OK\n")
        self.hang_up(member)
        wait_for(lambda: "(--key-file)" in member.whole_log(), "the option in the complaint")
        self.assertEqual(member.whole_log().count("changed TLS files can't be used"), 1)
        os.replace(self.path("kept.key"), self.server.key)
        # Another authority is trusted from now on.
        other = Authority(self.path("other"), "other")
        newcomer = other.issue("newcomer", "a newcomer")
        self.assertNotEqual(self.etcdctl(member, "get", "a", pair=newcomer).returncode, 0)
        with open(self.ca.cert) as old, open(other.cert) as new:
            bundle = old.read() + new.read()
        with open(self.path("bundle"), "w") as file:
            file.write(bundle)
        os.replace(self.path("bundle"), self.ca.cert)
        self.hang_up(member)
        wait_for(lambda: self.etcdctl(member, "get", "a", pair=newcomer).stdout == "a\nb\n",
                 "the new authority")
        # The watch has lived through all of it.
        self.assertEqual(self.etcdctl(member, "put", "w", "seen", pair=newcomer).stdout, "OK\n")
        self.assertEqual([watch.stdout.readline() for _ in range(3)], ["PUT\n", "w\n", "seen\n"])

    def test_auto_tls(self):
        member = self.start("--auto-tls", "--self-signed-cert-validity", "2", authority=False)
        data = os.path.join(member.directory, "data")
        cert = os.path.join(data, "fixtures", "client", "cert.pem")
        with open(cert) as file:
            self.assertEqual(self.shown_certificate(member).strip(), file.read().strip())
        text = run("openssl", "x509", "-in", cert, "-noout", "-text").stdout
        self.assertIn("O = etcd", text)
        self.assertIn("P-521", text)
        self.assertIn(f"IP Address:{member.host}", text)
        key = os.path.join(data, "fixtures", "client", "key.pem")
        self.assertEqual(os.stat(key).st_mode & 0o077, 0)
        self.assertEqual(self.etcdctl(member, "put", "k", "v").stdout, "OK\n")
        shown = self.shown_certificate(member)
        member.stop()
        member.start()
        self.assertEqual(self.shown_certificate(member), shown)

    def test_versions_and_suites(self):
        suite = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
        member = self.start("--cipher-suites", suite, mutual=False)

        def shake(*arguments):
            answer = run("openssl", "s_client", "-connect", f"{member.host}:{member.port}",
                         *arguments, input="")
            return answer.stdout if answer.returncode == 0 else "refused"

        self.assertIn("ECDHE-ECDSA-AES128-GCM-SHA256", shake("-tls1_2"))
        self.assertEqual(shake("-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"), "refused")
        self.assertEqual(shake("-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"), "refused")
        self.assertIn("ALPN protocol: h2", shake("-alpn", "h2,http/1.1"))
        self.assertIn("ALPN protocol: http/1.1", shake("-alpn", "http/1.1"))
        self.assertEqual(shake("-alpn", "spdy/1"), "refused")
        modern = self.start("--tls-min-version", "TLS1.3", mutual=False)
        member = modern
        self.assertEqual(shake("-tls1_2"), "refused")
        self.assertIn("TLSv1.3", shake())

    def test_unix_sockets(self):
        plain, secure = self.path("plain.sock"), self.path("secure.sock")
        member = TlsMember(BINARY, self.ca, [
            "--cert-file", self.server.cert, "--key-file", self.server.key], self.client)
        urls = f"{member.endpoint},unix://{plain},unixs://{secure}"
        place = member.command.index("--listen-client-urls") + 1
        member.command[place] = urls
        with member:
            done = run("etcdctl", "--endpoints", f"unix://{plain}", "put", "k", "v",
                       env=dict(os.environ, ETCDCTL_API="3"))
            self.assertEqual(done.stdout, "OK\n", done.stderr)
            for scheme, file in (("http", plain), ("https", secure)):
                page = self.curl(f"{scheme}://localhost/version", "--unix-socket", file)
                self.assertIn("etcdserver", page.stdout, page.stderr)
        self.assertFalse(os.path.exists(plain))

    def test_plain_and_tls_on_one_port(self):
        member = TlsMember(BINARY, self.ca, [
            "--cert-file", self.server.cert, "--key-file", self.server.key, "--client-cert-auth",
            "--trusted-ca-file", self.ca.cert], self.client)
        plain = member.endpoint.replace("https:", "http:")
        place = member.command.index("--listen-client-urls") + 1
        member.command[place] = f"{plain},{member.endpoint}"
        with member:
            self.assertEqual(self.etcdctl(member, "put", "k", "v", pair=self.client).stdout, "OK\n")
            done = run("etcdctl", "--endpoints", plain, "get", "k",
                       env=dict(os.environ, ETCDCTL_API="3"))
            self.assertEqual(done.stdout, "k\nv\n", done.stderr)
            for version in ("--http1.1", "--http2"):
                self.assertIn('"true"', self.curl(member.endpoint + "/health", version,
                                                  pair=self.client).stdout)
            self.assertIn('"true"', self.curl(plain + "/health").stdout)
            # Who comes by TLS must still show a certificate.
            self.assertNotEqual(self.curl(member.endpoint + "/health").returncode, 0)
            # One that says nothing, or nonsense, or goes, keeps nobody out.
            with socket.create_connection((member.host, member.port)), \
                    socket.create_connection((member.host, member.port)) as odd:
                odd.sendall(b"\x80nonsense\r\n\r\n")
                socket.create_connection((member.host, member.port)).close()
                self.assertIn('"true"', self.curl(plain + "/health").stdout)
                self.assertEqual(self.etcdctl(member, "get", "k", pair=self.client).stdout, "k\nv\n")
            before = self.shown_certificate(member)
            self.ca.issue("server", "server", "IP:127.0.0.1,DNS:localhost")
            self.hang_up(member)
            wait_for(lambda: self.shown_certificate(member) != before, "the new certificate")
            log = member.whole_log()
            self.assertIn("serving client traffic securely", log)
            self.assertIn("serving client traffic insecurely", log)

    def test_common_names_are_users(self):
        """With authentication on, a certificate's common name is who calls, unless there is a token. Not over
        JSON, where etcd's gateway would call with its own."""
        alice = self.ca.issue("alice", "alice")
        nobody = self.ca.issue("nobody", "nobody")
        nameless = self.ca.issue("nameless", "")
        root = self.ca.issue("root", "root")
        member = self.start("--bcrypt-cost=4")
        for command in ("user add root:r", "user grant-role root root", "user add alice --no-password", "role add keys",
                        "role grant-permission keys readwrite a/ --prefix", "user grant-role alice keys",
                        "auth enable"):
            done = self.etcdctl(member, *command.split(), pair=root)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(self.etcdctl(member, "put", "a/1", "v", pair=alice).stdout, "OK\n")
        for pair, text in ((alice, "permission denied"), (nobody, "permission denied"),
                           (nameless, "user name is empty")):
            done = self.etcdctl(member, "put", "b", "v", pair=pair)
            self.assertIn(text, done.stderr)
        self.assertEqual(self.etcdctl(member, "user", "list", pair=root).stdout, "alice\nroot\n")
        self.assertEqual(self.etcdctl(member, "--user", "root:r", "put", "b", "v", pair=alice).stdout, "OK\n")
        body = '{"key":"YS8x"}'
        for pair, status in ((alice, "400"), (root, "400"), (nameless, "400")):
            answer = self.curl(member.endpoint + "/v3/kv/range", "-d", body, "-w", "%{http_code}", pair=pair).stdout
            self.assertTrue(answer.endswith(status), answer)
        asked = '{"name":"root","password":"r"}'
        token = json.loads(self.curl(member.endpoint + "/v3/auth/authenticate", "-d", asked, pair=nameless).stdout)["token"]
        answer = self.curl(member.endpoint + "/v3/kv/range", "-d", body, "-H", f"Authorization: {token}", pair=nameless)
        self.assertIn('"count":"1"', answer.stdout)

    def test_a_revocation_is_noticed_without_a_signal(self):
        """The list and the authorities are files as well, that are looked at; who is connected stays."""
        revoked = self.ca.issue("revoked", "a thief")
        member = self.start("--client-crl-file", self.ca.crl)
        context = ssl._create_unverified_context()
        context.load_cert_chain(revoked.cert, revoked.key)
        with context.wrap_socket(socket.create_connection((member.host, member.port))) as connected:
            self.assertEqual(self.etcdctl(member, "put", "k", "v", pair=revoked).stdout, "OK\n")
            self.ca.revoke(revoked)
            wait_for(lambda: self.curl(member.endpoint + "/health", pair=revoked).returncode != 0, "the revocation")
            self.assertIn('"true"', self.curl(member.endpoint + "/health", pair=self.client).stdout)
            connected.sendall(b"GET /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertIn(b"200 OK", connected.recv(4096))
        other = Authority(self.path("other"), "other")
        newcomer = other.issue("newcomer", "a newcomer")
        self.assertNotEqual(self.etcdctl(member, "get", "k", pair=newcomer).returncode, 0)
        with open(self.path("lists"), "w") as lists, open(self.path("bundle"), "w") as bundle:
            for authority in (self.ca, other):
                lists.write(pathlib.Path(authority.crl).read_text(encoding="ascii"))
                bundle.write(pathlib.Path(authority.cert).read_text(encoding="ascii"))
        os.replace(self.path("lists"), self.ca.crl)
        os.replace(self.path("bundle"), self.ca.cert)
        wait_for(lambda: self.etcdctl(member, "get", "k", pair=newcomer).stdout == "k\nv\n", "the new authority")
        self.assertNotEqual(self.curl(member.endpoint + "/health", pair=revoked).returncode, 0)

    def test_names_that_etcds_file_allows(self):
        """A rule of etcd's configuration file about who may come in is kept."""
        other = self.ca.issue("other", "another client")
        for rule, shown in (("allowed-cn: ['a client', nobody]", 'common name \\"another client\\"'),
                            ("allowed-hostname: [client.example]", "")):
            self.client = self.ca.issue("client", "a client", "DNS:client.example")
            member = TlsMember(BINARY, self.ca, [], self.client)
            arguments = dict(zip(member.command[1::2], member.command[2::2]))
            file = self.path("etcd.conf.yml")
            with open(file, "w") as out:
                for name, value in arguments.items():
                    out.write(f"{name[2:]}: '{value}'\n")
                out.write("client-transport-security:\n"
                          f"  cert-file: {self.server.cert}\n  key-file: {self.server.key}\n"
                          f"  client-cert-auth: true\n  trusted-ca-file: {self.ca.cert}\n  {rule}\n")
            member.command[1:] = ["--config-file", file]
            with member:
                self.assertEqual(self.etcdctl(member, "put", "k", "v", pair=self.client).stdout, "OK\n")
                self.assertNotEqual(self.etcdctl(member, "get", "k", pair=other).returncode, 0)
                wait_for(lambda one=member, text=shown: "rejected connection on client endpoint" in one.whole_log()
                         and text in one.whole_log(), "a line about the other client")

    def test_names_that_flags_allow(self):
        """The same by flags, over gRPC and HTTP."""
        other = self.ca.issue("other", "another client", "DNS:other.example")
        self.client = self.ca.issue("client", "a client", "DNS:client.example")
        for flag in ("--client-cert-allowed-cn=a client,nobody",
                     "--client-cert-allowed-hostname=nobody.example,client.example"):
            with self.subTest(flag):
                member = self.start(flag)
                self.assertEqual(self.etcdctl(member, "put", "k", "v", pair=self.client).stdout, "OK\n")
                self.assertIn('"true"', self.curl(member.endpoint + "/health", pair=self.client).stdout)
                self.assertNotEqual(self.etcdctl(member, "get", "k", pair=other).returncode, 0)
                self.assertNotEqual(self.curl(member.endpoint + "/health", pair=other).returncode, 0)
                wait_for(lambda one=member: "rejected connection on client endpoint" in one.whole_log(),
                         "a line about the other client")

    def test_refusals_at_start(self):
        other = Authority(self.path("other"), "other")
        expired = self.ca.issue("expired", "expired", days=-1)
        files = ["--cert-file", self.server.cert, "--key-file", self.server.key]
        with open(self.path("text"), "w") as file:
            file.write("no certificate\n")
        mutual = files + ["--trusted-ca-file", self.ca.cert]
        cases = [
            (["--cert-file", self.path("none"), "--key-file", self.server.key],
             ['cannot use certificate file', "No such file", "(--cert-file)"]),
            # One file for both is named as what it fails as.
            (["--cert-file", self.path("none"), "--key-file", self.path("none")],
             ['cannot use certificate file', "(--cert-file)"]),
            (["--cert-file", self.server.cert, "--key-file", self.client.key],
             ["it is not the key of certificate file", "(--key-file)"]),
            (["--cert-file", self.server.cert, "--key-file", self.path("text")],
             ["cannot use key file", "(--key-file)"]),
            (["--cert-file", expired.cert, "--key-file", expired.key],
             ["has expired on", "(--cert-file)"]),
            (files + ["--trusted-ca-file", self.path("text")],
             ["cannot use CA file", "(--trusted-ca-file)"]),
            (mutual + ["--client-crl-file", self.path("text")],
             ["it holds no revocation list", "(--client-crl-file)"]),
            (mutual + ["--client-crl-file", other.crl],
             ['"CN=test other" is not signed by', "(--client-crl-file)"]),
            (files + ["--client-crl-file", self.ca.crl],
             ["--client-crl-file needs --trusted-ca-file"]),
            (files + ["--auto-tls"], ["--auto-tls makes up a certificate"]),
            (files + ["--cipher-suites", "RC4-SHA"], ['unexpected TLS cipher suite "RC4-SHA"']),
            (files + ["--cipher-suites", "TLS_RSA_WITH_RC4_128_SHA"],
             ["cipher suite TLS_RSA_WITH_RC4_128_SHA is not offered"]),
            (files + ["--tls-min-version", "TLS1.3", "--cipher-suites",
                      "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
             ["cipher suites cannot be configured when only TLS1.3 is enabled"]),
            ([], ["--cert-file, --key-file", "with HTTPS scheme"]),
        ]
        for args, expected in cases:
            member = TlsMember(BINARY, self.ca, args)
            for command in (member.command, member.command + ["--check-config"]):
                done = run(*command)
                text = done.stdout + done.stderr
                self.assertNotEqual(done.returncode, 0, text)
                self.assertEqual([part for part in expected if part not in text], [], text)
            shutil.rmtree(member.directory, ignore_errors=True)


if __name__ == "__main__":
    BINARY = sys.argv.pop(1)
    require("etcdctl", "curl", "openssl")
    unittest.main(verbosity=2)
