#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the wrong source files that a mutant consists of.

    mutate.py FILE.mutant ROOT OUTPUT...     writes them
    mutate.py --sources FILE.mutant          prints their names, one a line
    mutate.py --check ROOT FILE.mutant...    whether they still fit the sources

A mutant's first line says what is wrong. Then follow replacements: a line "=== path", the text that
stands there exactly once, a line "=== becomes", the text to stand there instead.
"""

import pathlib
import sys


def parse(text):
    parts = text.split("=== ")[1:]
    if len(parts) % 2:
        sys.exit("a replacement without its other half")
    for before, after in zip(parts[::2], parts[1::2]):
        path, _, old = before.partition("\n")
        word, _, new = after.partition("\n")
        if word != "becomes":
            sys.exit(f"\"=== becomes\" is missing behind {path}")
        yield path, old, new


def mutate(mutant, root):
    """The wrong sources by path."""
    sources = {}
    for path, old, new in parse(mutant.read_text()):
        text = sources.setdefault(path, (root / path).read_text())
        if text.count(old) != 1:
            sys.exit(f"{mutant.name}: {path} has {text.count(old)} times, not once:\n{old}")
        sources[path] = text.replace(old, new)
    return sources


def main():
    if sys.argv[1] == "--sources":
        paths = [path for path, _, _ in parse(pathlib.Path(sys.argv[2]).read_text())]
        print("\n".join(dict.fromkeys(paths)))
    elif sys.argv[1] == "--check":
        for name in sys.argv[3:]:
            mutate(pathlib.Path(name), pathlib.Path(sys.argv[2]))
    else:
        mutant, root, outputs = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:]
        for output, text in zip(outputs, mutate(mutant, root).values(), strict=True):
            pathlib.Path(output).write_text(text)


if __name__ == "__main__":
    main()
