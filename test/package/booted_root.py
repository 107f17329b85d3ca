# SPDX-License-Identifier: Apache-2.0
"""A clean Debian in which systemd runs, as in a machine: a container of systemd-nspawn's with a network of
its own, where commands are given as root gives them."""

import os
import pathlib
import shutil
import subprocess

from clean_root import ENVIRONMENT, Root, run
from clusters import wait_for

BOOT_S = 120
# What a minimal bootstrap lacks of a machine.
PACKAGES = ("systemd", "systemd-sysv", "dbus", "procps")


def own_cgroups():
    """Where this process is in the hierarchies that systemd keeps its services in."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        for name in {"name=systemd": ["systemd"], "": ["unified", "."]}.get(controllers, []):
            folder = pathlib.Path("/sys/fs/cgroup", name, path.lstrip("/"))
            if (folder / "cgroup.procs").exists():
                yield folder
                break


class BootedRoot(Root):
    """Fails with AssertionError where systemd can't be started."""

    def __init__(self, clean, path):
        self.cgroups, self.container = [], None
        super().__init__(clean, path)
        (self.path / "usr/sbin/policy-rc.d").unlink()
        self.console = self.path.parent / (self.path.name + ".console")
        try:
            self.boot()
        except BaseException:
            self.close()
            raise

    def mount(self):
        """The container mounts what it needs."""

    def unmount(self):
        pass

    def boot(self):
        command = ["systemd-nspawn", f"--directory={self.path}", f"--machine={self.network}",
                   f"--network-namespace-path=/run/netns/{self.network}", "--register=no", "--boot"]
        enter = ""
        if not os.path.exists("/run/systemd/system"):
            # Nobody gives the container a place of its own, beside others.
            command.insert(1, "--keep-unit")
            for parent in own_cgroups():
                self.cgroups.append(parent / self.network)
                self.cgroups[-1].mkdir()
                enter += f"echo $$ >{self.cgroups[-1]}/cgroup.procs; "
        with open(self.console, "wb") as console:
            self.container = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", "sh", "-ec", enter + 'exec "$@"', "sh", *command],
                stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            self.leader = wait_for(self.process_1, "a process 1", BOOT_S)
            wait_for(lambda: self.run("sh", "-c", "systemctl is-system-running || true").strip()
                     in ("running", "degraded"), "a running system", BOOT_S)
        except TimeoutError as error:
            text = self.console.read_text(errors="replace")[-2000:]
            raise AssertionError(f"systemd did not start: {error}\n{text}") from error

    def process_1(self):
        """Of the container, as the host numbers it."""
        children = pathlib.Path(f"/proc/{self.container.pid}/task/{self.container.pid}/children")
        return next((child for child in children.read_text().split()
                     if pathlib.Path(f"/proc/{child}/comm").read_text() == "systemd\n"), None)

    def run(self, *command, user=None, network=False, host=False):
        if host:
            return super().run(*command, host=True)
        # Without --net it is the host's network, for apt.
        return run("nsenter", f"--target={self.leader}", "--mount", "--uts", "--ipc", "--pid", "--cgroup",
                   *([] if network else ["--net"]), "--root", "--wdns=/",
                   *(["runuser", "-u", user, "--"] if user else []), *command, env=ENVIRONMENT)

    def show(self, unit, key):
        """A property of a unit."""
        return self.run("systemctl", "show", "--value", f"--property={key}", unit).strip()

    def close(self):
        if self.container is not None and self.container.poll() is None:
            self.container.terminate()  # a shutdown in order
            try:
                self.container.wait(BOOT_S)
            except subprocess.TimeoutExpired:
                self.container.kill()
                self.container.wait()
        for cgroup in self.cgroups:
            for folder, _, _ in os.walk(cgroup, topdown=False):
                os.rmdir(folder)
        super().close()


def why_not():
    """What is missing for one, or None."""
    if not shutil.which("systemd-nspawn"):
        return "systemd-nspawn is not installed"
    return None
