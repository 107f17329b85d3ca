#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds and runs test suites and counts what they say; `./dev test` and CI call it.

Every case of a GoogleTest program counts by itself, any other test counts as one. The last line is
"N passed, N failed", with ", N skipped" when there were any, and the exit code says the same.
"""

import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = os.cpu_count() or 2


class Build:
    """A build folder, made and brought up to date when a suite first asks for it."""

    def __init__(self, folder, options=(), environment=None, run_environment=None, wrapper=None):
        self.folder = ROOT / folder
        self.options = list(options)
        self.environment = {**os.environ, **(environment or {})}
        self.run_environment = run_environment or {}
        self.wrapper = wrapper or (lambda: None)
        self.configured = False

    def configure(self):
        """Once a run. A folder that is there may have been set up without tests, by `./dev run`."""
        if not self.configured:
            again = ["--reconfigure"] if (self.folder / "build.ninja").exists() else []
            call(["meson", "setup", *again, self.folder, *self.options], env=self.environment)
            self.configured = True

    def compile(self, targets=()):
        call(["ninja", "-C", self.folder, *targets], env=self.environment)

    def tests(self, suite):
        out = subprocess.run(["meson", "introspect", "--tests", self.folder], check=True,
                             capture_output=True, text=True).stdout
        return [test for test in json.loads(out)
                if suite in [name.split(":")[-1] for name in test["suite"]]]


class Failed(Exception):
    """A step that is no test, such as a build, went wrong."""


def call(command, env=None, quiet=False):
    command = [str(part) for part in command]
    done = subprocess.run(command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL if quiet else sys.stderr)
    if done.returncode != 0:
        raise Failed(f"{' '.join(command)} ended with {done.returncode}")


def without_address_randomization():
    """ThreadSanitizer of g++ 12 can't live with the layouts of new kernels; some containers do not
    let us change them, and then have to do."""
    probe = subprocess.run(["setarch", "-R", "true"], stderr=subprocess.DEVNULL, check=False)
    return "setarch -R" if probe.returncode == 0 else None


SANITIZED = ["-Dbench=false", "-Doptimization=1", "-Db_lundef=false"]
LINES_ONLY = "-Dcpp_args=-g1"  # all that their reports show, and much less to write and to link
# They look for crypt_r before the plugins that need it bring it, and call what they did not find.
CRYPT = {"LD_PRELOAD": "libcrypt.so.1"}
BUILDS = {
    "plain": Build("build", ["-Dtests=true", "-Dbench=true", "-Dprefix=/usr"]),
    "asan": Build("build-asan", [*SANITIZED, LINES_ONLY, "-Db_sanitize=address,undefined"],
                  run_environment={**CRYPT,
                                   "ASAN_OPTIONS": "detect_stack_use_after_return=1:"
                                                   "verify_asan_link_order=0",
                                   # The leak checker of g++ 12 takes the thread-local memory of a
                                   # plugin for that of an old glibc when it begins 16 bytes into a
                                   # page, and dies of the address that it then finds there. Without
                                   # that memory it has fewer roots, so it sees no leak less.
                                   "LSAN_OPTIONS": "use_tls=0",
                                   "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}),
    "tsan": Build("build-tsan", [*SANITIZED, LINES_ONLY, "-Db_sanitize=thread"],
                  # The libraries we link are not built with it, so it does not see the atomics of
                  # LevelDB's readers: what is called from within them tells nothing.
                  run_environment={**CRYPT,
                                   "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1:"
                                                   "ignore_noninstrumented_modules=1"},
                  wrapper=without_address_randomization),
    "clang": Build("build-clang", ["-Dtests=true", "-Dbench=true"],
                   environment={"CC": "clang", "CXX": "clang++"}),
    "fuzz": Build("build-fuzz", [*SANITIZED, "-Db_sanitize=address,undefined", "-Dfuzz=true",
                                "-Dcpp_args=-fsanitize=fuzzer-no-link"],
                  environment={"CC": "clang", "CXX": "clang++"},
                  run_environment={"UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1"}),
}

# In the order they run in: what fails most often and costs least comes first. The minutes are what a
# suite may need on two cores; with --minutes it is skipped when less is left.
SUITES = {
    "fast": ("plain", "fast", 0),
    "tidy": ("plain", "tidy", 0),
    "docs": ("plain", "docs", 0),
    "contents": ("plain", "contents", 0),
    "compat": ("plain", "compat", 0),
    "clients": ("plain", "clients", 0),
    "diff": ("plain", "diff", 0),
    "crash": ("plain", "crash", 0),
    "sim": ("plain", "sim", 0),
    "cluster": ("plain", "cluster", 4),
    "format": (None, "format", 0),
    "fuzz": ("fuzz", "fuzz", 8),
}
# Only when named: each builds the whole tree once more, or etcd, or sets a Debian up, or takes a minute
# for every ten files.
SLOW_SUITES = {
    "package": ("plain", "package", 0),
    "asan": ("asan", "fast", 17),
    "tsan": ("tsan", "fast", 17),
    "clang": ("clang", "fast", 25),
    "lint": (None, "lint", 0),
    "releases": ("plain", "releases", 0),
}


# The ends of what failed tests printed are repeated before the counts, which is all that is left of
# a run in some places: so many tests, so many lines of each.
REPEATED_TESTS_MAX = 8
REPEATED_LINES_MAX = 25


class Counts:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped
        self.failures = []  # the name of each failed test, and the end of what it printed

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def count_gtest(report):
    """The counts of one GoogleTest JSON report."""
    counts = Counts()
    for group in report.get("testsuites", []):
        for case in group.get("testsuite", []):
            if case.get("status") != "RUN" or case.get("result") == "SKIPPED":
                counts.skipped += 1
            elif case.get("failures"):
                counts.failed += 1
            else:
                counts.passed += 1
    return counts


def program_of(command):
    """The name of the program that a test runs, behind a wrapper that may stand before it."""
    words = command[2:] if command[0] == "setarch" else command
    return pathlib.Path(words[0]).name


def end_of_output(entry):
    """The last lines of a test in meson's log."""
    lines = (entry.get("stdout", "") + entry.get("stderr", "")).rstrip().splitlines()
    return [line[:300] for line in lines[-REPEATED_LINES_MAX:]]


def count_results(log_lines, reports):
    """From meson's log (one JSON object a line) and the GoogleTest reports by program name."""
    total = Counts()
    for line in log_lines:
        entry = json.loads(line)
        result = entry["result"]
        program = program_of(entry["command"])
        good = result in ("OK", "EXPECTEDFAIL")
        if not good and result != "SKIP":
            total.failures.append((f"{entry['name']} ({result})", end_of_output(entry)))
        if program in reports:
            counts = count_gtest(reports[program])
            if not good and counts.failed == 0:
                counts.failed = 1  # it ended badly after, or in the midst of, its cases
            total.add(counts)
        elif good:
            total.passed += 1
        elif result == "SKIP":
            total.skipped += 1
        else:
            total.failed += 1
    return total


def run_meson_suite(name, build, suite):
    build.configure()
    tests = build.tests(suite)
    if not tests:
        print(f"{name}: there are no tests in {build.folder}", file=sys.stderr)
        return Counts(failed=1)
    if suite == "sim":
        # Nothing but these: each is a program with a mistake in it, which no other suite builds.
        build.compile(sorted(os.path.relpath(test["cmd"][0], build.folder) for test in tests))
    elif suite == "fuzz":
        # The programs among the words of the commands: everything else would be built for nothing.
        # Meson names them from the build folder, and everything outside of it by a whole path.
        build.compile(sorted({word for test in tests for word in test["cmd"]
                              if "/" in word and not word.startswith(("/", "-"))}))
    else:
        build.compile()
    reports_dir = build.folder / "gtest-reports" / name
    shutil.rmtree(reports_dir, ignore_errors=True)
    command = ["meson", "test", "-C", build.folder, "--no-rebuild", "--suite", suite,
               "--print-errorlogs", "--logbase", f"log-{name}", "--num-processes", str(JOBS)]
    log_name = f"log-{name}"
    if wrapper := build.wrapper():
        command += ["--wrapper", wrapper]
        log_name += f"-{wrapper.split()[0]}"  # meson's doing
    # A timeout is for what hangs, not for a slow or busy machine.
    command += ["--timeout-multiplier", "10" if name in ("asan", "tsan") else "4"]
    environment = {**build.environment, **build.run_environment,
                   "GTEST_OUTPUT": f"json:{reports_dir}/"}
    log = build.folder / "meson-logs" / f"{log_name}.json"
    log.unlink(missing_ok=True)
    code = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=False,
                          stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode
    if not log.exists():
        raise Failed("meson test left no log")
    reports = {path.stem: json.loads(path.read_text()) for path in reports_dir.glob("*.json")}
    counts = count_results(log.read_text().splitlines(), reports)
    if code != 0 and counts.failed == 0:
        counts.failed = 1
    return counts


def changed_sources():
    """The .cc files that differ from the main branch's last common commit, or from the last commit."""
    def git(*arguments):
        return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True,
                              check=False).stdout.split()

    base = git("merge-base", "HEAD", "origin/main") or ["HEAD~1"]
    if base == git("rev-parse", "HEAD"):
        base = ["HEAD~1"]
    names = git("diff", "--name-only", "--diff-filter=d", base[0], "--", "*.cc")
    return [name for name in names if (ROOT / name).exists()]


def run_format():
    done = subprocess.run([ROOT / "dev", "fmt", "--check"], cwd=ROOT, check=False)
    return Counts(passed=1) if done.returncode == 0 else Counts(failed=1)


def run_lint():
    """clang-tidy on what changed."""
    counts = Counts()
    plain = BUILDS["plain"]
    plain.configure()
    known = {entry["file"] for entry in
             json.loads((plain.folder / "compile_commands.json").read_text())}
    files = [name for name in changed_sources()
             if os.path.relpath(ROOT / name, plain.folder) in known]
    if files:
        # Generated headers must be there.
        plain.compile()
        done = subprocess.run(
            ["xargs", "-P", str(JOBS), "-n", "1", "clang-tidy", "-p", str(plain.folder), "--quiet"],
            cwd=ROOT, input="\n".join(files), text=True, check=False, stdout=sys.stderr)
        counts.add(Counts(passed=1) if done.returncode == 0 else Counts(failed=1))
    return counts


def run_suite(name):
    build, suite, _ = {**SUITES, **SLOW_SUITES}[name]
    if build is None:
        return run_format() if suite == "format" else run_lint()
    return run_meson_suite(name, BUILDS[build], suite)


def main():
    parser = argparse.ArgumentParser(prog="./dev test", description=__doc__.splitlines()[0])
    parser.add_argument("suites", nargs="*", metavar="suite",
                        help=f"{', '.join([*SUITES, *SLOW_SUITES])}; all but "
                             f"{', '.join(SLOW_SUITES)} when none is named")
    parser.add_argument("--minutes", type=float, default=0,
                        help="skip what would not be done within this time")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.suites if name not in SUITES and name not in SLOW_SUITES]
    if unknown:
        parser.error(f"no such suite: {unknown[0]}")

    started = time.monotonic()
    total = Counts()
    lines = []
    for name in arguments.suites or SUITES:
        minutes_left = arguments.minutes - (time.monotonic() - started) / 60
        if arguments.minutes and {**SUITES, **SLOW_SUITES}[name][2] > minutes_left:
            counts, remark = Counts(skipped=1), " (no time left)"
        else:
            print(f"--- {name}", file=sys.stderr, flush=True)
            begin = time.monotonic()
            try:
                counts, remark = run_suite(name), ""
            except Failed as failure:
                counts, remark = Counts(failed=1), f" ({failure})"
            remark += f" in {time.monotonic() - begin:.0f} s"
        lines.append(f"{name}: {counts}{remark}")
        total.add(counts)
    sys.stderr.flush()
    for title, end in total.failures[:REPEATED_TESTS_MAX]:
        print("\n".join([f"failed: {title}", *("    " + line for line in end)]))
    print("\n".join(lines))
    print(total, flush=True)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
