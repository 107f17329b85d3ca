# SPDX-License-Identifier: Apache-2.0
"""Stands in for systemd while a walk-through is followed: `systemctl` in a shell reaches this process,
which starts members as their units do and waits until they say that they are ready. Services of
/etc/systemd/system are run to their end."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from servers import spawn  # noqa: E402

START_S = 120

SYSTEMCTL = """#!/usr/bin/python3
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as one:
    one.connect(os.environ["SERVICES"])
    one.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    answer = one.makefile().readline().strip()
if answer:
    sys.exit("systemctl: " + answer)
"""
RUNUSER = """#!/bin/sh
[ "$1 $2 $3" = "-u quorate --" ] && shift 3 && exec "$@"
"""


# What programs of an installed system do that an ordinary user's folder has no need of.
INSTALL = """#!/bin/bash
words=()
while [ $# -gt 0 ]; do
    case $1 in -o | -g) shift ;; *) words+=("$1") ;; esac
    shift
done
exec /usr/bin/install "${words[@]}"
"""


class Service:
    def __init__(self, unit, folder, program):
        name = unit.removesuffix(".service").removeprefix("quorate").removeprefix("@") or "quorate"
        self.config = folder / "etc/quorate" / f"{name}.conf"
        self.directory = folder / "var/lib/quorate"
        self.log = folder / f"{name}.log"
        self.notify = folder / f"{name}.notify"
        self.program = program
        self.process = None

    def command(self):
        return [self.program, "--config-file", self.config]

    def environment(self):
        return {**os.environ, "NOTIFY_SOCKET": str(self.notify)}

    def launch(self):
        self.notify.unlink(missing_ok=True)
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.notify))
        self.socket.settimeout(1)
        with open(self.log, "ab") as log:
            self.process = spawn(self.command(), stdout=log, stderr=log, cwd=self.directory,
                                 env=self.environment())

    def wait(self, wanted):
        for _ in range(START_S):
            try:
                if wanted in self.socket.recv(65536).decode().split("\n"):
                    return
            except TimeoutError:
                pass
            if self.process.poll() is not None:
                raise RuntimeError(f"ended with {self.process.returncode}: " + self.tail())
        raise RuntimeError(f"{wanted} did not come: " + self.tail())

    def tail(self):
        return self.log.read_text(errors="replace").rstrip().rsplit("\n", 1)[-1][-1500:]

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(START_S)
            self.socket.close()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)
        self.wait("RELOADING=1")
        self.wait("STATUS=serving")


class Services:
    """Ends with close(). One thread does everything, since members end with the thread that started
    them."""

    def __init__(self, folder, program):
        self.folder = pathlib.Path(folder)
        self.program = program
        self.services = {}
        self.listener = socket.socket(socket.AF_UNIX)
        self.path = str(self.folder / "services")
        self.listener.bind(self.path)
        self.listener.listen()
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection, connection.makefile("rw") as stream:
                words = json.loads(stream.readline())
                if words == ["exit"]:
                    for service in self.services.values():
                        service.stop()
                    return
                answer = ""
                try:
                    self.carry_out(words)
                except Exception as error:  # the shell waits for an answer
                    answer = f"{' '.join(words)}: {error}"
                stream.write(answer.replace("\n", " ") + "\n")

    def carry_out(self, words):
        if words[0] in ("daemon-reload", "enable"):
            for unit in words[1:]:
                if "." in unit and not (self.folder / "etc/systemd/system" / unit).exists():
                    raise ValueError("there is no such unit")
            return
        own = self.folder / "etc/systemd/system" / f"{words[-1]}.service"
        if words[0] == "start" and own.exists():
            text = own.read_text(encoding="utf-8")
            self.run_to_the_end(re.search(r"^ExecStart=(.*)$", text, re.M).group(1).split())
            return
        self.act(words[0], [self.service(unit) for unit in words[1:]])

    def service(self, unit):
        return self.services.setdefault(unit, Service(unit, self.folder, self.program))

    def act(self, verb, services):
        if verb == "restart":
            self.act("stop", services)
            verb = "start"
        if verb not in ("start", "stop", "reload"):
            raise ValueError("the stand-in does not know this")
        for service in services:
            {"start": service.launch, "stop": service.stop, "reload": service.reload}[verb]()
        if verb == "start":
            for service in services:
                service.wait("READY=1")

    def run_to_the_end(self, command):
        """The command of a service of Type=oneshot."""
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL,
                              env={**os.environ, "PATH": f"{self.folder}/bin:{os.environ['PATH']}"})
        if done.returncode != 0:
            raise RuntimeError(f"ended with {done.returncode}: {done.stdout}{done.stderr}")

    def close(self):
        with socket.socket(socket.AF_UNIX) as one:
            one.connect(self.path)
            one.sendall(b'["exit"]\n')
            self.thread.join()
        self.listener.close()
