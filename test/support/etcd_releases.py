# SPDX-License-Identifier: Apache-2.0
"""Releases of etcd that Debian 12 does not have, built by Go's own tools from the modules that etcd publishes."""

import contextlib
import fcntl
import os
import subprocess

BUILD_TIMEOUT_S = 1200
PACKAGES = {"etcd": "server", "etcdctl": "etcdctl", "etcdutl": "etcdutl"}


class NotBuilt(Exception):
    """There is no such program, and why."""


def build(version, cache, names):
    """The paths of a release's programs; those that are not in the folder `cache` yet are built there."""
    folder = os.path.join(os.path.abspath(cache), f"etcd-{version}")
    programs = [os.path.join(folder, name) for name in names]
    os.makedirs(folder, exist_ok=True)
    with locked(folder):
        for name, program in zip(names, programs):
            if not os.path.exists(program):
                build_one(version, folder, name, program)
    return programs


@contextlib.contextmanager
def locked(folder):
    """Tests that want the same release run side by side."""
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def build_one(version, folder, name, program):
    # In a module of its own: etcd's have replacements in them, which `go install` does not take.
    if not os.path.exists(os.path.join(folder, "go.mod")):
        go(folder, "mod", "init", "quorate.test/etcd")
    package = f"go.etcd.io/etcd/{PACKAGES[name]}/v3"
    go(folder, "get", f"{package}@v{version}")
    go(folder, "build", "-o", program + ".part", package)
    os.rename(program + ".part", program)


def go(folder, *arguments):
    environment = dict(os.environ, CGO_ENABLED="0", GOFLAGS="-buildvcs=false -modcacherw",
                       GOTOOLCHAIN="local")
    try:
        done = subprocess.run(["go", *arguments], cwd=folder, capture_output=True, text=True,
                              env=environment, timeout=BUILD_TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise NotBuilt("Go is not installed") from error
    if done.returncode != 0:
        raise NotBuilt(f"go {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
