#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""No static constructors in plugins: they would run inside dlopen, before the handshake. Asks clang,
and ends with 77 (skipped) where there is none.

plugin_statics.py <root> <build folder>
"""

import json
import pathlib
import shlex
import shutil
import subprocess
import sys


def main(root, build):
    clang = shutil.which("clang++-14") or shutil.which("clang++")
    if clang is None:
        print("clang++ is not installed")
        return 77
    root, build = pathlib.Path(root).resolve(), pathlib.Path(build).resolve()
    failed, seen = 0, 0
    for entry in json.loads((build / "compile_commands.json").read_text()):
        source = (build / entry["file"]).resolve()
        if not source.is_relative_to(root / "plugins") or source.suffix != ".cc":
            continue
        flags = [word for word in shlex.split(entry["command"])
                 if word.startswith(("-I", "-isystem", "-D", "-std="))]
        done = subprocess.run([clang, *flags, "-fsyntax-only", "-Wglobal-constructors",
                               "-Wexit-time-destructors", "-Werror", str(source)], cwd=build, check=False)
        seen += 1
        failed += done.returncode != 0
    print(f"{seen} files, {failed} failed")
    return 1 if failed or not seen else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
