# SPDX-License-Identifier: Apache-2.0
"""A clean Debian in a folder, with a network of its own, in which packages are installed and members are
started as their units say. No systemd runs in a chroot, so ExecStart, User, WorkingDirectory and UMask are
carried out by hand, and `systemctl` is a stand-in that reaches services.Services."""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import threading

TEST = pathlib.Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TEST / "support"), str(TEST / "docs")]
import services  # noqa: E402

SUITE = "bookworm"
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
               "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
START_S = 120

# One question and its answer at a time; there is no Python in the root.
SYSTEMCTL = """#!/bin/sh
echo "$*" >/run/systemctl.ask
read -r answer </run/systemctl.answer
[ "$answer" = ok ] || { echo "systemctl: $answer" >&2; exit 1; }
"""


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n"
                             f"{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def mirror():
    uris = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages",
               f"Codename: {SUITE}").split()
    return uris[0] if uris else None


def bootstrap(path, *packages):
    """What Roots are copies of."""
    include = [f"--include={','.join(packages)}"] if packages else []
    run("debootstrap", "--variant=minbase", *include, SUITE, path, mirror())
    # The installer of Debian writes it, and programs in Go do without "localhost" otherwise.
    (pathlib.Path(path) / "etc/hosts").write_text("127.0.0.1 localhost\n::1 localhost\n")
    # Nothing is to be started by packages, as in an image that is being built.
    policy = pathlib.Path(path) / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)


def build_debs(project, build, out, version):
    """Of what is built; by the names of the packages."""
    run(pathlib.Path(project) / "packaging/build", "deb", "--from", build, "--out", out, "--version", version)
    return {deb.name.split("_")[0]: deb for deb in pathlib.Path(out).glob("*.deb")}


def missing():
    """Why no clean root can be made here, or None."""
    if os.geteuid() != 0:
        return "only root can make a clean root"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode != 0:
        return "no network namespaces can be made"
    for program in ("debootstrap", "dh", "dpkg-buildpackage", "ip"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if not mirror():
        return f"apt knows no mirror of {SUITE}"
    return None


class Root:
    """A Debian of its own, without anything of ours."""

    count = 0

    def __init__(self, clean, path):
        self.path = pathlib.Path(path)
        run("cp", "-a", "--reflink=auto", clean, self.path)
        self.mount()
        Root.count += 1
        self.network = f"qpkg{os.getpid() % 100000}x{Root.count}"
        run("ip", "netns", "add", self.network)
        run(*self.inside_network, "ip", "link", "set", "lo", "up")

    @property
    def inside_network(self):
        return ("ip", "netns", "exec", self.network)

    def mount(self):
        run("mount", "--bind", "/proc", self.path / "proc")

    def unmount(self):
        subprocess.run(["umount", self.path / "proc"], check=False)

    def close(self):
        subprocess.run(["ip", "netns", "del", self.network], check=False)
        self.unmount()

    def run(self, *command, user=None, network=False, host=False):
        """With `network`, in the host's network, for apt; with `host`, the host's program in ours."""
        if host:
            return run(*self.inside_network, *command)
        return run(*([] if network else self.inside_network), "chroot",
                   *([f"--userspec={user}:{user}"] if user else []), self.path, *command, env=ENVIRONMENT)

    def apt_get(self, *words):
        return self.run("apt-get", *words, "-y", "-q", network=True)

    def install(self, debs):
        inside = self.path / "debs"
        shutil.rmtree(inside, ignore_errors=True)
        inside.mkdir()
        for deb in debs:
            shutil.copy(deb, inside)
        self.apt_get("install", "--no-install-recommends", *[f"/debs/{deb.name}" for deb in debs])

    def user_id(self, name):
        line = next(line for line in (self.path / "etc/passwd").read_text().splitlines()
                    if line.startswith(name + ":"))
        return int(line.split(":")[2])


class Service(services.Service):
    """A member of the root, by its unit."""

    def __init__(self, unit, root):
        super().__init__(unit, root.path, None)
        self.root = root
        template, _, instance = unit.removesuffix(".service").partition("@")
        file = "quorate@.service" if instance else f"{template}.service"
        text = (root.path / "lib/systemd/system" / file).read_text(encoding="utf-8")
        self.settings = {key: value.replace("%i", instance).replace("%S", "/var/lib")
                         for key, value in re.findall(r"^(\w+)=(.*)$", text, re.M)}
        name = unit.replace("@", "-")
        self.log = root.path / f"var/log/{name}.log"
        self.notify = root.path / f"tmp/{name}.notify"

    def command(self):
        own = self.settings
        return [*self.root.inside_network, "chroot", self.root.path, "setpriv", f"--reuid={own['User']}",
                f"--regid={own['Group']}", "--init-groups", "--pdeathsig=KILL", "/bin/sh", "-c",
                f"cd {own['WorkingDirectory']} && umask {own['UMask']} && exec {own['ExecStart']}"]

    def environment(self):
        return {**ENVIRONMENT, "NOTIFY_SOCKET": f"/tmp/{self.notify.name}"}

    def launch(self):
        super().launch()
        self.notify.chmod(0o777)

    def start(self):
        self.launch()
        self.wait("READY=1")
        return self

    def end(self):
        """In order, or it is an error."""
        self.stop()
        if self.process.returncode != 0:
            raise AssertionError(f"ended with {self.process.returncode}: {self.tail()}")


class RootServices(services.Services):
    """`systemctl` in the root, for as long as this is open."""

    def __init__(self, root):
        self.root = root
        self.folder, self.services = root.path, {}
        stand_in = root.path / "usr/local/bin/systemctl"
        stand_in.write_text(SYSTEMCTL)
        stand_in.chmod(0o755)
        self.ask, self.answer = (root.path / f"run/systemctl.{name}" for name in ("ask", "answer"))
        for pipe in (self.ask, self.answer):
            os.mkfifo(pipe)
        self.thread = threading.Thread(target=self.serve)
        self.thread.start()

    def serve(self):
        while True:
            words = self.ask.read_text().split()
            if words == ["exit"]:
                self.stop_all()
                return
            answer = "ok"
            try:
                self.carry_out(words)
            except Exception as error:  # the shell waits for an answer
                answer = f"{' '.join(words)}: {error}".replace("\n", " ")
            self.answer.write_text(answer + "\n")

    def service(self, unit):
        if unit not in self.services:
            self.services[unit] = Service(unit, self.root)
        return self.services[unit]

    def stop_all(self):
        for service in self.services.values():
            service.stop()

    def run_to_the_end(self, command):
        self.root.run(*command)

    def close(self):
        self.ask.write_text("exit\n")
        self.thread.join()
