# SPDX-License-Identifier: Apache-2.0
"""One server on its way through a story (story.py), and what each step of it took."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "test", "support"))

from servers import Server  # noqa: E402
from story import KEY_BYTES  # noqa: E402

LATENCIES = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")


class StepFailed(Exception):
    """A load or a tool that ended with an error; carries what it said."""


class Runner:

    def __init__(self, options, label, binary, flags, directory):
        self.options = options
        self.label = label
        self.directory = directory
        self.server = Server(label.replace("/", "-"), binary, directory, flags)
        self.backup = os.path.join(directory, "backup.db")
        storage = [flag for flag in flags if flag.startswith("--storage=")]
        self.restore_tool = [binary, "util"] if storage else [options.etcdctl]
        self.restore_flags = storage

    def run(self, step):
        """The step's figures."""
        before = self._disk_written()
        if step.kind == "load":
            run = self._load(step)
        elif step.kind == "compact":
            run = self._load_and_compact(step)
        else:
            run = getattr(self, f"_{step.kind}")()
        written = self._disk_written() - (before if step.kind != "restart" else 0)
        run["disk_written_bytes"] = max(0, written)
        run["disk_bytes"] = directory_bytes(self.server.data_dir)
        run.setdefault("rss_bytes", int(status_of(self.server.pid)["VmRSS"]) * 1024)
        if step.puts and run.get("put_bytes"):
            run["written_per_byte"] = run["disk_written_bytes"] / run["put_bytes"]
        return run

    def _disk_written(self):
        with open(f"/proc/{self.server.pid}/io") as lines:
            fields = dict(line.strip().split(": ") for line in lines)
        return int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])

    def _load(self, step):
        report = os.path.join(self.directory, "load.json")
        command = [self.options.load, *step.arguments, "-e", self.server.endpoint]
        command += ["--server-pid", str(self.server.pid), "--json", report]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise StepFailed(
                f"{self.label}: {' '.join(command)} ended with {done.returncode}:\n"
                f"{done.stdout}{done.stderr}\n{self.server.log_tail()}"
            )
        with open(report) as text:
            result = json.load(text)
        figures = result["operations"][step.operation]
        server = result["servers"][0]
        run = {name: figures[name] for name in LATENCIES}
        run.update(
            rate=figures["rate"],
            count=figures["count"],
            cpu_us=server["cpu_us_per_request"],
            rss_bytes=server["rss_bytes"],
            peak_rss_bytes=server["peak_rss_bytes"],
            put_bytes=figures["count"] * (KEY_BYTES + self.options.value_bytes) if step.puts else 0,
        )
        if step.series:
            run["seconds"] = result["seconds"]
        return run

    def _load_and_compact(self, step):
        took = {}

        def compact():
            time.sleep(self.options.warmup + self.options.seconds)
            begin = time.monotonic()
            try:
                took["revision"] = self._revision()
                self._ctl("compact", str(took["revision"]), "--physical")
                took["compact_seconds"] = time.monotonic() - begin
            except StepFailed as failure:
                took["failure"] = failure

        beside = threading.Thread(target=compact)
        beside.start()
        try:
            run = self._load(step)
        finally:
            beside.join()
        if "failure" in took:
            raise took["failure"]
        run.update(took, compact_at_s=self.options.seconds)
        return run

    def _revision(self):
        status = json.loads(self._ctl("endpoint", "status", "-w", "json"))
        return status[0]["Status"]["header"]["revision"]

    def _ctl(self, *arguments):
        command = [self.options.etcdctl, f"--endpoints={self.server.endpoint}", *arguments]
        command += ["--command-timeout=600s"]
        env = dict(os.environ, ETCDCTL_API="3")
        done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
        if done.returncode != 0:
            raise StepFailed(f"{self.label}: {' '.join(command)}: {done.stderr}{done.stdout}")
        return done.stdout

    def _snapshot(self):
        begin = time.monotonic()
        try:
            self._ctl("snapshot", "save", self.backup)
        except StepFailed as failure:
            if "nimplemented" in str(failure):
                return {"note": "not in this version"}
            raise
        return {"took_seconds": time.monotonic() - begin, "file_bytes": os.path.getsize(self.backup)}

    def _restore(self):
        """By the offline tool, beside the server that runs on."""
        if not os.path.exists(self.backup):
            return {"note": "no backup to restore"}
        target = os.path.join(self.directory, "restored")
        env = dict(os.environ, ETCDCTL_API="3")
        command = [*self.restore_tool, "snapshot", "restore", self.backup, "--data-dir", target]
        command += self.restore_flags
        begin = time.monotonic()
        with open(os.path.join(self.directory, "restore.log"), "w+") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            took = time.monotonic() - begin
            if process.returncode != 0:
                log.seek(0)
                raise StepFailed(f"{self.label}: {' '.join(command)}: {log.read()}")
        os.unlink(self.backup)
        shutil.rmtree(target)
        return {"took_seconds": took, "peak_rss_bytes": usage.ru_maxrss * 1024}

    def _restart(self):
        self.server.stop()
        begin = time.monotonic()
        self.server.start()
        return {"took_seconds": time.monotonic() - begin}

    def _defragment(self):
        begin = time.monotonic()
        self._ctl("defrag")
        return {"took_seconds": time.monotonic() - begin}


def directory_bytes(path):
    """What is taken of the disk: blocks, so that holes do not count."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.stat(os.path.join(folder, name)).st_blocks * 512
            except FileNotFoundError:
                pass  # a merge has removed it
    return total


def status_of(pid):
    with open(f"/proc/{pid}/status") as lines:
        return {line.split(":")[0]: line.split()[1] for line in lines if len(line.split()) > 1}
