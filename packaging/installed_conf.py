#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the configuration file that packages install: the one in conf/, with what an installed
member needs set.

installed_conf.py <conf/quorate.conf> <plugin folder>
"""

import re
import sys

SETTINGS = {"data-dir": "/var/lib/quorate/default"}


def installed(text, plugin_dir):
    for key, value in SETTINGS.items():
        text, count = re.subn(rf"^#{key} = .*$", f"{key} = {value}", text, flags=re.M)
        if count != 1:
            sys.exit(f"the configuration file has {count} lines for {key}, not one")
    return re.sub(r"^#plugin-dir = .*$", f"#plugin-dir = {plugin_dir}", text, flags=re.M)


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        sys.stdout.write(installed(file.read(), sys.argv[2]))
