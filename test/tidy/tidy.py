#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of CONTRIBUTING.md that a machine can see: which folder may include which, how long
files and functions are, what replicated code must not touch, and the form of files.

Prints "path:line: what is wrong" and ends with 1 when there is anything. Needs the tree alone.
"""

import pathlib
import re
import subprocess
import sys

import cpp_text

FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 70

# What each folder of src/ may include besides itself. A name with a slash is one header only.
ARROWS = {
    "base": [],
    "plugin": ["base"],
    "raft": ["base"],
    "wal": ["base", "raft/types.h"],
    "storage": ["base", "plugin"],
    "transport": ["base", "plugin"],
    "mvcc": ["base", "storage"],
    # The types whose rows it carries; it knows no behaviour.
    "snapshot": ["base", "storage", "proto", "raft/types.h", "mvcc/record.h", "lease/lease_row.h",
                 "auth", "cluster"],
    "config": ["base"],
    "lease": ["base", "storage"],
    "auth": ["base", "storage", "plugin"],
    "cluster": ["base", "storage"],
    # The types of these; wire knows no behaviour.
    "wire": ["base", "proto", "raft/types.h", "raft/message.h", "mvcc", "lease", "auth", "cluster"],
    "apply": ["base", "storage", "mvcc", "lease", "auth", "cluster", "wire", "proto", "raft/types.h"],
    "node": ["base", "plugin", "raft", "wal", "storage", "transport", "mvcc", "snapshot", "config",
             "lease", "auth", "cluster", "wire", "apply", "proto"],
    "rpc": ["base", "proto", "wire", "transport", "node", "cluster", "auth", "apply/authorize.h", "apply/gates.h",
            "config/version.h",
            "mvcc/record.h", "snapshot", "storage/backend.h"],
    "ctl": ["base", "proto", "config", "plugin", "transport"],
    # The offline tool: everything that reads and writes files, and nothing that runs.
    "util": ["base", "proto", "config", "plugin", "storage", "wal", "snapshot", "mvcc", "lease",
             "auth", "cluster", "apply/alarm_store.h", "node/bootstrap.h", "node/identity.h"],
}
# plugin/abi is the contract by itself, and plugin/cxx stands on it alone.
PLUGIN_ARROWS = {"abi": ["plugin/abi"], "cxx": ["plugin/abi", "plugin/cxx"]}

# Folders whose code runs on every member with the same result.
REPLICATED = ["raft", "mvcc", "lease", "auth", "cluster", "apply"]
BANNED_INCLUDES = {
    "chrono", "ctime", "time.h", "sys/time.h", "random", "thread", "mutex", "condition_variable",
    "future", "fstream", "filesystem", "unistd.h", "fcntl.h", "locale",
    "base/clock.h", "base/file.h", "base/loop_thread.h", "base/mailbox.h", "base/waker.h",
}
# The index lock, and what stands under it, is shared with the readers' threads.
LOCKING = {"mvcc": {"mutex"}}
BANNED_WORDS = re.compile(
    r'std::(thread|jthread|chrono|random_device|mt19937(?:_64)?|rand|this_thread|async|locale|getenv)\b'
    r'|\b(?:rand|srand|getenv|secure_getenv|setlocale|gettimeofday|clock_gettime|fopen)\s*\('
    r'|(?<![\w.>])time\s*\(\s*(?:nullptr|NULL|0|&)'
    r'|\bRAND_bytes\b')
UNORDERED = re.compile(
    r'\b(?:std::unordered_(?:multi)?(?:map|set)|absl::(?:flat|node)_hash_(?:map|set))\s*<')

LANGUAGES = {".h", ".cc", ".c"}
SPDX = "SPDX-License-Identifier: Apache-2.0"


class Tree:
    """The project's files, read once."""

    def __init__(self, root, names):
        self.root = pathlib.Path(root)
        self.names = sorted(names)
        self._texts = {}

    def text(self, name):
        if name not in self._texts:
            self._texts[name] = (self.root / name).read_bytes().decode(errors="replace")
        return self._texts[name]

    def sources(self, *folders):
        for name in self.names:
            if pathlib.PurePath(name).suffix in LANGUAGES and (
                    not folders or name.startswith(tuple(folder + "/" for folder in folders))):
                yield name


def includes(text):
    """(line, name, in quotes) of each include."""
    pattern = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.M)
    for match in pattern.finditer(cpp_text.without_comments(text)):
        yield cpp_text.line_of(text, match.start()), match[2], match[1] == '"'


def allowed_by(name, arrows):
    top = name.split("/")[0]
    if "/" not in name:
        return name.endswith(".pb.h") and "proto" in arrows
    return top in arrows or any(name == arrow or name.startswith(arrow + "/") for arrow in arrows)


def check_arrows(tree):
    for name in tree.sources("src"):
        parts = name.split("/")
        if len(parts) < 3:
            continue  # main.cc and what it starts wire everything together
        folder = parts[1]
        arrows = PLUGIN_ARROWS.get(parts[2]) if folder == "plugin" and len(parts) > 3 else None
        if arrows is None:
            if folder not in ARROWS:
                yield name, 1, f"folder {folder} has no place in the architecture"
                continue
            arrows = ARROWS[folder] + [folder]
        for line, include, own in includes(tree.text(name)):
            if own and not allowed_by(include, arrows):
                yield name, line, f'{folder} must not include "{include}"'
    for name in tree.sources("plugins"):
        home = name.rsplit("/", 1)[0]
        for line, include, own in includes(tree.text(name)):
            beside = "/" not in include and f"{home}/{include}" in tree.names
            if own and not beside and not allowed_by(include, ["plugin/abi", "plugin/cxx", home]):
                yield name, line, f'a plugin must not include "{include}"'


def check_length(tree):
    for name in tree.sources():
        lines = tree.text(name).count("\n")
        if lines > FILE_LINES_MAX:
            yield name, FILE_LINES_MAX, f"{lines} lines, the end is {FILE_LINES_MAX}"
    # A test may read from top to bottom, however long.
    for name in tree.sources("src", "plugins", "bench"):
        for first, last, head in cpp_text.functions(tree.text(name)):
            if last - first + 1 > FUNCTION_LINES_MAX:
                yield (name, first,
                       f"{last - first + 1} lines, a function has {FUNCTION_LINES_MAX}: {head[:60]}")


def check_determinism(tree):
    for name in tree.sources(*(f"src/{folder}" for folder in REPLICATED)):
        text = tree.text(name)
        for line, include, _ in includes(text):
            if include in BANNED_INCLUDES - LOCKING.get(name.split("/")[1], set()):
                yield name, line, f"replicated code must not include {include}"
        code = cpp_text.code_only(text)
        for match in BANNED_WORDS.finditer(code):
            yield (name, cpp_text.line_of(code, match.start()),
                   f"replicated code must not use {match[0].rstrip('(').strip()}")
        yield from check_unordered(tree, name, code)


def check_unordered(tree, name, code):
    """Loops over unordered containers, by the names they are declared with here and in the header."""
    declared = set()
    neighbours = [code]
    header = re.sub(r'\.cc$', '.h', name)
    if header != name and header in tree.names:
        neighbours.append(cpp_text.code_only(tree.text(header)))
    for text in neighbours:
        for match in UNORDERED.finditer(text):
            depth, at = 1, match.end()
            while depth and at < len(text):
                depth += {"<": 1, ">": -1}.get(text[at], 0)
                at += 1
            variable = re.match(r'[\s&]*(\w+)\s*[;={,)]', text[at:])
            if variable:
                declared.add(variable[1])
    for variable in declared:
        loop = re.compile(r'for\s*\([^;()]*:\s*(?:\w+(?:\.|->))*' + variable + r'\s*\)'
                          r'|\b' + variable + r'\s*(?:\.|->)\s*c?begin\s*\(')
        for match in loop.finditer(code):
            yield (name, cpp_text.line_of(code, match.start()),
                   f"the order of {variable} differs from member to member")


def check_threads(tree):
    for name in tree.sources("src"):
        if name.startswith("src/base/"):
            continue
        code = cpp_text.code_only(tree.text(name))
        for match in re.finditer(r'std::j?thread\b(?!::)', code):
            yield name, cpp_text.line_of(code, match.start()), "threads are started in base/ and plugins"


def check_words(tree):
    for name in tree.sources():
        text = tree.text(name)
        code = cpp_text.code_only(text)
        for match in re.finditer(r'\busing\s+namespace\b(?!\s+std::\w+_literals\s*;)', code):
            yield name, cpp_text.line_of(code, match.start()), "no using namespace"
        for match in re.finditer(r'\b(TODO|FIXME|XXX)\b(?!\(#\d+\))', text):
            yield name, cpp_text.line_of(text, match.start()), f"{match[1]} without an issue: TODO(#123)"
        for match in re.finditer(r'\batomic_(?:thread|signal)_fence\b', code):
            yield name, cpp_text.line_of(code, match.start()), "ThreadSanitizer knows no fences: order by an atomic"
        if name.startswith("test/"):
            for match in re.finditer(r'\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|EXPECT_TRUE\(true\)',
                                     code):
                yield name, cpp_text.line_of(code, match.start()), f"{match[0]} in a test"


def check_form(tree):
    for name in tree.names:
        suffix = pathlib.PurePath(name).suffix
        text = tree.text(name) if suffix in LANGUAGES | {".py", ".sh"} or name in ("dev", ".ci/run") else ""
        if not text:
            continue
        lines = text.split("\n", 2)
        first = lines[1] if lines[0].startswith("#!") else lines[0]
        if SPDX not in first:
            yield name, 1, f"the first line must say {SPDX}"
        if suffix == ".h" and not re.search(r'^#pragma once$|^#ifndef QUORATE_\w+_H$', text, re.M):
            yield name, 1, "no #pragma once"
        if not text.endswith("\n"):
            yield name, text.count("\n") + 1, "no newline at the end"
        if "\r" in text:
            yield name, 1, "carriage returns"


CHECKS = [check_arrows, check_length, check_determinism, check_threads, check_words, check_form]


def exceptions(tree):
    """Lines "check path reason" of test/tidy/exceptions.txt."""
    name = "test/tidy/exceptions.txt"
    if name not in tree.names:
        return {}
    found = {}
    for line in tree.text(name).splitlines():
        if line and not line.startswith("#"):
            check, path, reason = line.split(maxsplit=2)
            found[check, path] = reason
    return found


def findings(tree):
    excused = exceptions(tree)
    used = set()
    for check in CHECKS:
        for name, line, what in check(tree):
            key = check.__name__.removeprefix("check_"), name
            if key in excused:
                used.add(key)
            else:
                yield name, line, what
    for check, name in sorted(set(excused) - used):
        yield "test/tidy/exceptions.txt", 1, f"{check} {name} is no longer needed"


def project(root):
    names = subprocess.run(["git", "-C", root, "ls-files"], check=True, capture_output=True,
                           text=True).stdout.splitlines()
    return Tree(root, [name for name in names if (pathlib.Path(root) / name).is_file()])


def main(root):
    count = 0
    for name, line, what in findings(project(root)):
        print(f"{name}:{line}: {what}")
        count += 1
    print(f"{count} findings")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
