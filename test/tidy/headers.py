#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles every header by itself, so that none leans on what others include before it.

headers.py <root> <build folder> <compiler> : plugin headers that are C are compiled as C11 too.
"""

import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys


def include_flags(build):
    """All include folders that the build uses; generated headers lie below it."""
    folders = set()
    for entry in json.loads((build / "compile_commands.json").read_text()):
        words = shlex.split(entry["command"])
        for position, word in enumerate(words):
            if word.startswith("-I") and not word.endswith(".p"):
                folders.add(("-I", str((build / word[2:]).resolve())))
            elif word == "-isystem":
                folders.add(("-isystem", str((build / words[position + 1]).resolve())))
            elif word.startswith("-isystem"):
                folders.add(("-isystem", str((build / word[8:]).resolve())))
    return [part for pair in sorted(folders) for part in pair]


def compile_alone(root, header, flags, compiler, language):
    include = header.removeprefix("src/")
    done = subprocess.run(
        [*compiler, *language, *flags, "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-"],
        input=f'#include "{include}"\n', text=True, capture_output=True, cwd=root, check=False)
    return header, done.returncode, done.stderr


def main(root, build, compiler):
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    listed = subprocess.run(["git", "-C", root, "ls-files", "src/*.h", "plugins/*.h"], check=True,
                            capture_output=True, text=True).stdout.split()
    headers = [name for name in listed if (root / name).is_file()]
    flags = ["-I", str(root / "src"), "-I", str(root), *include_flags(build)]
    cpp = ["-x", "c++", "-std=c++20"]
    c11 = ["-x", "c", "-std=c11", "-pedantic"]
    jobs = [(name, cpp) for name in headers]
    jobs += [(name, c11) for name in headers if name.startswith("src/plugin/abi/")]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = pool.map(lambda job: compile_alone(root, job[0], flags, shlex.split(compiler), job[1]), jobs)
        for header, code, errors in results:
            if code != 0:
                failed += 1
                print(f"{header} does not compile alone:\n{errors}")
    print(f"{len(jobs)} headers, {failed} failed")
    return 1 if failed or not jobs else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
