#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Fills a manual page's template: what the program says of itself in its help, and what the
configuration file says of its keys, is taken from there, so that the pages can't go stale.

generate.py <template> <version> <quorate> <conf/quorate.conf>

Lines of a template that begin with @ are replaced:
  @options         the server's options, by group
  @keys            the keys of the configuration file, by section
  @ctl-options     the flags that all commands of the client take
  @ctl-commands    the client's commands, by section, with their flags
  @util-commands   the commands of the offline tool with their options
"""

import pathlib
import re
import subprocess
import sys

TITLE = re.compile(r'^# --- (.+?) -+$')
KEY = re.compile(r'^#([a-z0-9_-]+) =\s?(.*)$')
SECTION = re.compile(r'^\[(.+)\]$')


def roff(text):
    """Text as groff prints it unchanged."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    return re.sub(r'^\.', '\\&.', text, flags=re.M)


def tagged(tag, paragraphs):
    yield ".TP"
    yield f".B {tag}"
    for number, text in enumerate(paragraphs):
        if number:
            yield ".br"
        yield roff(text)


def heading(level, text):
    return f'.{level} "{roff(text)}"'


def output_of(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout


def help_of(program, *arguments):
    return output_of(program, *arguments, "--help")


def options_of(lines):
    """(form, text) of each option in lines of a help text; texts go on in lines further right."""
    found = []
    for line in lines:
        match = re.match(r'^ {2,6}((?:-\w, )?--[\w-]+.*?)(?: {2,}(\S.*)|\) (\S.*))?$', line)
        if match:
            form, text = match.group(1), match.group(2) or ""
            if match.group(3):
                form, text = form + ")", match.group(3)
            found.append([form, text])
        elif found and line.startswith(" " * 8):
            found[-1][1] += " " + line.strip()
    return [(form, re.sub(r'\s+', ' ', text).strip()) for form, text in found]


def server_options(program):
    for block in help_of(program).split("\n\n"):
        title, *lines = block.splitlines()
        if not title.endswith(":") or not lines:
            continue
        yield heading("SS", title.rstrip(":"))
        for form, text in options_of(lines):
            name, _, rest = form.partition(" ")
            value, _, default = rest.partition("(=")
            paragraphs = [text]
            if default:
                paragraphs.append(f"Default: {default.rstrip(')')}")
            yield from tagged(f"{roff(name)} {roff(value.strip())}".strip(), paragraphs)


def keys(conf):
    comment = []
    for line in conf.splitlines()[1:]:
        if title := TITLE.match(line):
            yield heading("SS", title.group(1))
            comment = []
        elif section := SECTION.match(line):
            if comment:
                yield roff(" ".join(comment))
            yield heading("SS", f"[{section.group(1)}]")
            comment = []
        elif key := KEY.match(line):
            name, default = key.groups()
            yield from tagged(f'"{roff(name)} = {roff(default).replace(chr(34), chr(34) * 2)}"'.rstrip(),
                              [" ".join(comment)] if comment else [])
            comment = []
        elif line.startswith("# "):
            comment.append(line[2:])
        elif comment:
            # A paragraph by itself: of the whole file at its top, which the template has.
            comment = []


def words_of(block):
    return re.findall(r'^  ([a-z-]+) {2,}\S', block, re.M)


def ctl_commands(program):
    for block in help_of(program, "ctl").split("\n\n"):
        title, _, names = block.partition("\n")
        if not title.endswith(" commands"):
            continue
        yield heading("SH", title.upper())
        for name in words_of(names):
            text = help_of(program, "ctl", name)
            if "\nAvailable Commands:\n" not in text:
                yield from ctl_command(name, text)
                continue
            for word in words_of(text.split("\nAvailable Commands:\n")[1]):
                yield from ctl_command(f"{name} {word}", help_of(program, "ctl", name, word))


def ctl_command(name, text):
    """From its help: what it does, how it is called, what else to know, flags."""
    body, _, flags = text.replace("quorate ctl", "quoratectl").partition("\nFlags:\n")
    summary, usage, *details = body.rstrip().split("\n\n")
    yield heading("SS", name)
    yield ".B " + roff(usage.removeprefix("Usage:\n  "))
    for paragraph in [summary.rstrip(".") + ".", *details]:
        if paragraph.startswith('Use "quoratectl options"'):
            continue
        yield ".PP"
        as_it_is = re.search(r'^  ', paragraph, re.M)
        yield from [".nf", roff(paragraph), ".fi"] if as_it_is else [roff(paragraph)]
    for form, description in options_of(flags.splitlines()):
        yield from tagged(roff(form), [description])


def util_commands(program):
    names = re.findall(r'^  ([a-z]+(?: [a-z]+)?) {2,}', help_of(program, "util").split("Commands:")[1],
                       re.M)
    for name in names:
        if name == "version":
            continue
        text = help_of(program, "util", *name.split()).replace("quorate util", "quorateutl")
        usage, rest = text.split("\n", 1)
        body, _, options = rest.partition("Options:\n")
        yield heading("SS", name)
        yield ".B " + roff(usage.removeprefix("Usage: "))
        for paragraph in body.strip().split("\n\n"):
            yield ".PP"
            if paragraph.startswith("  "):
                yield ".nf"
                yield roff(paragraph)
                yield ".fi"
            else:
                yield roff(paragraph)
        for form, description in options_of(options.splitlines()):
            yield from tagged(roff(form), [description])


def fill(template, version, program, conf):
    for line in template.splitlines():
        if line == "@options":
            yield from server_options(program)
        elif line == "@keys":
            yield from keys(conf)
        elif line == "@ctl-options":
            for form, text in options_of(output_of(program, "ctl", "options").splitlines()):
                yield from tagged(roff(form), [text])
        elif line == "@ctl-commands":
            yield from ctl_commands(program)
        elif line == "@util-commands":
            yield from util_commands(program)
        else:
            yield line.replace("@VERSION@", version)
            if line.startswith(".TH"):
                yield ".nh"  # names of options are not to be cut in two
                yield ".ad l"


def main(template, version, program, conf):
    template = pathlib.Path(template).read_text(encoding="utf-8")
    conf = pathlib.Path(conf).read_text(encoding="utf-8")
    print("\n".join(fill(template, version, program, conf)))


if __name__ == "__main__":
    main(*sys.argv[1:])
