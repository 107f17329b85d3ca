#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a program that uses a server through an independent client of another language.

usage: clients_test.py QUORATE LANGUAGE CACHE [STEP...]

The program's sources are in clients/LANGUAGE; they are built in the folder CACHE with the client
that their language's own package tool brings, and the test is skipped where that tool is missing
or can't get it. A program does these steps, the ones its client has functions for, in this order:

    kv, txn, errors   everything that can be asked, answered and refused
    lease             granted, kept alive, revoked, run out
    watch             from the past, and on over a restart of the server
    lock, election    between two sessions
    members           who they are, and how this one is
    auth              users and what they may, enabled and disabled again

It takes the server's address from ENDPOINT and, with TLS, the file of its CA from CA. For each step
it prints "ok STEP", for a check that does not hold "failed: REASON", and "done" at its end. Where
it prints "restart", the server is started again, and the program gets the line "restarted".
"""

import glob
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))

from certificates import Authority, Pair  # noqa: E402
from member import SKIPPED, Member  # noqa: E402
from tls_member import TlsMember  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
BINARY = None
LANGUAGE = None
CACHE = None
STEPS = ["kv", "txn", "errors", "lease", "watch", "lock", "election", "members", "auth"]
BUILD_TIMEOUT_S = 1200
RUN_TIMEOUT_S = 300


class NotHere(Exception):
    """A tool or a package that is not to be had here."""


class BuildFailed(Exception):
    """The program does not build, with what it needs in place."""


def call(failure, folder, *command, **environment):
    if shutil.which(command[0]) is None:
        raise NotHere(f"{command[0]} is not installed")
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=BUILD_TIMEOUT_S, check=False)
    if done.returncode != 0:
        raise failure(f"{' '.join(command)}: {done.stdout.strip()[-2000:]}")


# Each first fetches what it needs, which may not be possible here, and then builds, which is.


def build_c(folder):
    call(NotHere, folder, "pkg-config", "--exists", "libcurl")
    call(BuildFailed, folder, "cc", "-O1", "-Wall", "-Wextra", "-Werror", "-o", "client",
         "client.c", "-lcurl")
    return ["./client"]


def build_go(folder):
    settings = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-buildvcs=false -modcacherw"}
    call(NotHere, folder, "go", "mod", "download", **settings)
    call(BuildFailed, folder, "go", "build", "-o", "client", ".", **settings)
    return ["./client"]


def build_java(folder):
    call(NotHere, folder, "mvn", "-q", "-B", "clean", "process-resources",
         "dependency:build-classpath", "-Dmdep.outputFile=classpath")
    call(NotHere, folder, "javac", "-version")
    with open(os.path.join(folder, "classpath"), encoding="utf-8") as file:
        libraries = file.read().strip()
    sources = sorted(glob.glob(os.path.join(folder, "src/main/java/*.java")))
    call(BuildFailed, folder, "javac", "-Xlint:all,-processing", "-Werror", "-d", "classes", "-cp",
         libraries, *sources)
    return ["java", "-Xmx256m", "-cp", f"classes:{libraries}", "Main"]


def build_node(folder):
    call(NotHere, folder, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock")
    call(NotHere, folder, "node", "--version")
    return ["node", "client.js"]


def build_rust(folder):
    call(NotHere, folder, "protoc", "--version")
    call(NotHere, folder, "cargo", "fetch", "--quiet")
    call(BuildFailed, folder, "cargo", "build", "--quiet", "--offline")
    return ["target/debug/client"]


BUILDERS = {"c": build_c, "go": build_go, "java": build_java, "node": build_node,
            "rust": build_rust}


def build():
    folder = os.path.join(os.path.abspath(CACHE), LANGUAGE)
    shutil.copytree(os.path.join(HERE, "clients", LANGUAGE), folder, dirs_exist_ok=True)
    return folder, BUILDERS[LANGUAGE](folder)


class ClientsTest(unittest.TestCase):
    program = None
    folder = None

    def run_program(self, member, **environment):
        """What the program printed, line by line; a failure shows all of it and the log."""
        process = subprocess.Popen(
            self.program, cwd=self.folder, env={**os.environ, "ENDPOINT": member.endpoint, **environment},
            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        watchdog = threading.Timer(RUN_TIMEOUT_S, process.kill)
        watchdog.start()
        lines = []
        try:
            for line in process.stdout:
                lines.append(line.rstrip("\n"))
                if lines[-1] == "restart":
                    member.stop()
                    member.start()
                    process.stdin.write("restarted\n")
                    process.stdin.flush()
            process.wait()
        finally:
            watchdog.cancel()
            process.kill()
            process.wait()
            process.stdout.close()
            process.stdin.close()
        if process.returncode != 0 or "done" not in lines:
            self.fail(f"ended with {process.returncode}\n" + "\n".join(lines[-60:]) +
                      "\n--- server\n" + member.log())
        return [line.removeprefix("ok ") for line in lines if line.startswith("ok ")]

    def test_over_plain_text(self):
        with Member(BINARY) as member:
            self.assertEqual(self.run_program(member), STEPS)

    def test_over_tls(self):
        with tempfile.TemporaryDirectory(prefix="quorate-clients-") as directory:
            authority = Authority(directory)
            server = Pair(directory, "server")
            member = TlsMember(BINARY, authority, ["--cert-file", server.cert, "--key-file", server.key])
            authority.issue("server", "server", f"IP:{member.host}")
            with member:
                self.assertEqual(self.run_program(member, CA=authority.cert), STEPS)


if __name__ == "__main__":
    BINARY, LANGUAGE, CACHE = sys.argv[1:4]
    if sys.argv[4:]:
        STEPS = [step for step in STEPS if step in sys.argv[4:]]
    try:
        ClientsTest.folder, ClientsTest.program = build()
    except NotHere as reason:
        print(f"skipped: {reason}")
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1], verbosity=2)
