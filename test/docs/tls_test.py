#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Follows packaging/doc/tls.md: the commands are run as they stand there, but for folders and
addresses, and with a stand-in for systemctl.

tls_test.py <project folder> <quorate> : ends with 77 (skipped) without curl or openssl.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
PROGRAM = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else "build/quorate").resolve()
sys.path.insert(0, str(ROOT / "test" / "support"))

import services  # noqa: E402
from servers import free_ports  # noqa: E402

PAGE = ROOT / "packaging" / "doc" / "tls.md"
BLOCK = re.compile(r"^<!-- test: (\w+) -->\n```\w*\n(.*?)^```$", re.S | re.M)
# The server runs below the shell that follows the page, and ends with it.
PRELUDE = r"""
set -eo pipefail
server=
end() { [ -z "$server" ] || { kill "$server"; wait "$server" || true; server=; }; }
trap end EXIT
systemctl() {
  case $1 in
    restart)
      end
      quorate --config-file /etc/quorate/quorate.conf --data-dir "$PLACE/data" >>"$PLACE/log" 2>&1 &
      server=$!
      for _ in $(seq 600); do
        grep -q "ready to serve client requests" "$PLACE/log" && return
        kill -0 "$server" || return 1
        sleep 0.1
      done
      return 1 ;;
    reload)
      said=$(grep -c "read the TLS files again" "$PLACE/log" || true)
      kill -HUP "$server"
      for _ in $(seq 600); do
        [ "$(grep -c "read the TLS files again" "$PLACE/log")" -gt "$said" ] && return
        sleep 0.1
      done
      return 1 ;;
  esac
}
"""


class TlsPage(unittest.TestCase):
    def test_page(self):
        place = tempfile.mkdtemp(prefix="quorate-tls-page-")
        self.addCleanup(shutil.rmtree, place, ignore_errors=True)
        client, peer = free_ports(2)
        etc = os.path.join(place, "etc")
        os.makedirs(etc)
        programs = pathlib.Path(place, "bin")
        programs.mkdir()
        for name in ("quorate", "quoratectl"):
            (programs / name).symlink_to(PROGRAM)
        (programs / "install").write_text(services.INSTALL)
        (programs / "install").chmod(0o755)

        def here(text):
            for old, new in (("/etc/quorate", etc), ("10.0.0.1:2379", f"127.0.0.1:{client}"),
                             ("10.0.0.1:2380", f"127.0.0.1:{peer}"), ("10.0.0.1", "127.0.0.1")):
                text = text.replace(old, new)
            return text

        shell = PRELUDE
        for kind, text in BLOCK.findall(PAGE.read_text()):
            if kind == "config":
                pathlib.Path(etc, "quorate.conf").write_text(here(text))
            else:
                shell += text
        self.assertIn("revoke", shell)
        environment = dict(os.environ, PLACE=place, PATH=f"{programs}:{os.environ['PATH']}")
        done = subprocess.run(["bash", "-c", here(shell)], cwd=place, env=environment, timeout=240,
                              capture_output=True, text=True, check=False)
        log = pathlib.Path(place, "log")
        said = done.stdout + done.stderr + (log.read_text()[-3000:] if log.exists() else "")
        self.assertEqual(done.returncode, 0, said)
        self.assertIn("OK\n", done.stdout)
        self.assertIn('"health":"true"', done.stdout)
        # Alice is answered, bob is not any more.
        self.assertEqual(done.stdout.count("greeting\nhello\n"), 1)
        self.assertIn("rejected connection on client endpoint", log.read_text())


if __name__ == "__main__":
    for program in ("curl", "openssl"):
        if shutil.which(program) is None:
            print(f"skipped: {program} is not installed")
            sys.exit(77)
    unittest.main(argv=sys.argv[:1])
