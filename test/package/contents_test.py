#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Packs what is built as debs, and looks at what is in them: files, permissions, units, manual pages,
and a plugin that is compiled against quorate-dev alone.

usage: contents_test.py PROJECT BUILD
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = BUILD = None


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def build_debs(out, *options):
    run(ROOT / "packaging" / "build", "deb", "--from", BUILD, "--out", out, *options)


class ContentsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="quorate-contents-")
        cls.out = pathlib.Path(cls.folder.name) / "debs"
        build_debs(cls.out)
        cls.files = {}  # package -> path -> "mode owner"
        cls.root = pathlib.Path(cls.folder.name) / "root"
        cls.root.mkdir()
        for deb in cls.out.glob("*.deb"):
            package = deb.name.split("_")[0]
            cls.files[package] = dict(cls.entries(run("dpkg-deb", "--contents", deb)))
            run("dpkg-deb", "--extract", deb, cls.root)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @staticmethod
    def entries(listing):
        for line in listing.splitlines():
            mode, owner, _, _, _, path = line.split(None, 5)
            yield path.split(" -> ")[0].removeprefix("."), f"{mode} {owner}"

    def of(self, package, pattern):
        """The one file of a package that fits, and its mode and owner."""
        found = [(path, mode) for path, mode in self.files[package].items()
                 if re.fullmatch(pattern, path)]
        self.assertEqual(len(found), 1, f"{pattern} in {package}: {found}")
        return found[0]

    def test_lintian_has_nothing_to_say(self):
        if not shutil.which("lintian"):
            self.skipTest("lintian is not installed")
        options = ["--allow-root"] if os.geteuid() == 0 else []
        done = subprocess.run(["lintian", "--profile", "debian", *options, *self.out.glob("*.changes")],
                              capture_output=True, text=True, check=False)
        self.assertEqual(done.stdout + done.stderr, "")
        self.assertEqual(done.returncode, 0)

    def test_each_engine_with_a_heavy_library_has_a_package(self):
        for engine in ("rocksdb", "lmdb", "wiredtiger"):
            self.of(f"quorate-engine-{engine}", rf"/usr/lib/[^/]+/quorate/plugins/storage_{engine}\.so")
        # The client makes its calls through the transport, and is installed without the server as well.
        for package, name in (("quorate-server", "auth_jwt"), ("quorate-server", "auth_simple"),
                              ("quorate-server", "storage_leveldb"), ("quorate-client", "transport_http")):
            _, mode = self.of(package, rf"/usr/lib/[^/]+/quorate/plugins/{name}\.so")
            self.assertEqual(mode, "-rw-r--r-- root/root")
        _, mode = self.of("quorate-server", r"/usr/lib/[^/]+/quorate/plugins/")
        self.assertEqual(mode, "drwxr-xr-x root/root")

    def test_every_plugin_that_is_built_for_use_is_in_a_package(self):
        packed = {pathlib.Path(path).name for files in self.files.values() for path in files
                  if path.endswith(".so")}
        built = {path.name for path in (BUILD / "plugins").glob("*.so")}
        self.assertEqual(packed, built - {"storage_example.so"})

    def test_the_configuration_file_is_a_conffile_and_valid(self):
        deb = next(self.out.glob("quorate-server_*.deb"))
        conffiles = run("dpkg-deb", "--info", deb, "conffiles").split()
        self.assertEqual(conffiles, ["/etc/quorate/quorate.conf"])
        file = self.root / "etc/quorate/quorate.conf"
        self.assertIn("\ndata-dir = /var/lib/quorate/default\n", file.read_text(encoding="utf-8"))
        plugins = next(self.root.glob("usr/lib/*/quorate/plugins"))
        run(BUILD / "quorate", "--config-file", file, "--plugin-dir", plugins, "--check-config")

    def test_units_are_sound(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        units = self.root / "units"
        units.mkdir()
        for unit in ("quorate.service", "quorate@.service"):
            # The program is not installed here.
            text = (self.root / "lib/systemd/system" / unit).read_text(encoding="utf-8")
            self.assertIn("ExecStart=/usr/bin/quorate --config-file /etc/quorate/", text)
            (units / unit).write_text(text.replace("ExecStart=/usr/bin/quorate", "ExecStart=/bin/true"),
                                      encoding="utf-8")
        run("systemd-analyze", "verify", "--man=no", units / "quorate.service",
            units / "quorate@one.service")
        rating = run("systemd-analyze", "security", "--offline=true", units / "quorate.service")
        # Debian's prometheus.service has 4.0.
        exposure = float(re.search(r'Overall exposure level for quorate.service: (\S+)', rating).group(1))
        self.assertLess(exposure, 1.5)

    def test_manual_pages_tell_of_every_option(self):
        options = set(re.findall(r'^  (--[a-z0-9-]+)', run(BUILD / "quorate", "--help"), re.M))
        self.assertGreater(len(options), 100)
        self.assertEqual(options - self.tags(8, "quorate.8"), set())
        keys = set(re.findall(r'^#?([a-z0-9_-]+) =', (ROOT / "conf/quorate.conf").read_text(), re.M))
        told = {tag.split(" = ")[0].removesuffix(" =") for tag in self.tags(5, "quorate.conf.5")}
        self.assertEqual(keys - told, set())
        commands = set(re.findall(r'^  ([a-z]+(?: [a-z]+)?)  ',
                                  run(BUILD / "quorate", "util", "--help"), re.M)) - {"version"}
        self.assertGreaterEqual(len(commands), 8)
        page = self.page(1, "quorateutl.1")
        for command in commands:
            self.assertIn(f'.SS "{command}"', page)

    def test_manual_page_of_the_client_tells_of_every_command_and_flag(self):
        # The completion of fish has the whole table of commands, a line for each word.
        script = run(BUILD / "quorate", "ctl", "completion", "fish")
        said = re.findall(r"^complete -c quoratectl(?: -n '([^']+)')? -l ([a-z-]+)", script, re.M)
        wanted = {"": set()}
        for condition, flag in said:
            command = " ".join(re.findall(r"__fish_seen_subcommand_from ([a-z-]+)", condition))
            wanted.setdefault(command, set()).add(flag)
        for group, word in re.findall(
                r"^complete -c quoratectl -n '__fish_seen_subcommand_from ([a-z-]+)' -a ([a-z-]+) -d", script,
                re.M):
            wanted.setdefault(f"{group} {word}", set())
        grouped = {command.split()[0] for command in wanted if " " in command}
        for word in re.findall(r"^complete -c quoratectl -n __fish_use_subcommand -a ([a-z-]+)", script, re.M):
            if word not in grouped:
                wanted.setdefault(word, set())
        self.assertGreaterEqual(len(wanted), 50)
        self.assertGreaterEqual(sum(map(len, wanted.values())), 80)

        told, command = {"": set()}, ""
        page = self.page(1, "quoratectl.1")
        for heading, flag in re.findall(r'^\.SS "(.+)"$|^\.TP\n\.B (?:-\w, )?--([a-z-]+)', page, re.M):
            command = heading or command
            told.setdefault(command, set()).update([flag] if flag else [])
        self.assertEqual(told, wanted)

    def test_shells_find_completion(self):
        for path in ("bash-completion/completions/quoratectl", "bash-completion/completions/quorate",
                     "zsh/vendor-completions/_quoratectl", "fish/vendor_completions.d/quoratectl.fish"):
            self.of("quorate-client", f"/usr/share/{re.escape(path)}")
        typed = 'COMP_WORDS=(quorate ctl lease keep); COMP_CWORD=3; _quoratectl; echo "${COMPREPLY[*]}"'
        script = self.root / "usr/share/bash-completion/completions/quorate"
        self.assertEqual(run("bash", "-c", f"source {script}; {typed}"), "keep-alive\n")

    def test_etcds_names_lead_to_the_programs(self):
        for name, program in (("etcd", "quorate"), ("etcdctl", "quoratectl"), ("etcdutl", "quorateutl")):
            self.of("quorate-etcd-compat", f"/usr/bin/{name}")
            self.of("quorate-etcd-compat", rf"/usr/share/man/man1/{name}\.1\.gz")
            self.assertEqual(os.readlink(self.root / "usr/bin" / name), program)

    def page(self, section, name):
        packed = self.root / f"usr/share/man/man{section}" / f"{name}.gz"
        return run("gzip", "--decompress", "--stdout", packed).replace("\\-", "-")

    def tags(self, section, name):
        """What the paragraphs of a page are about: the first word of each, or the whole in quotes."""
        tags = re.findall(r'^\.TP\n\.B (?:"((?:[^"]|"")*)"|(\S+))', self.page(section, name), re.M)
        return {(quoted or plain).replace('""', '"') for quoted, plain in tags}

    def test_groff_takes_the_manual_pages(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        pages = list(self.root.glob("usr/share/man/man*/quorate*.gz"))
        self.assertEqual(len(pages), 5)
        for page in pages:
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page],
                                  capture_output=True, text=True, check=False,
                                  env={**os.environ, "MANROFFSEQ": "", "MANWIDTH": "100"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page)

    def test_a_plugin_compiles_against_the_dev_package(self):
        environment = {**os.environ, "PKG_CONFIG_SYSROOT_DIR": str(self.root),
                       "PKG_CONFIG_LIBDIR": str(next(self.root.glob("usr/lib/*/pkgconfig")))}

        def ask(*arguments):
            return run("pkg-config", *arguments, "quorate-plugin", env=environment).split()

        self.assertRegex(ask("--variable=plugindir")[0], r"/usr/lib/[^/]+/quorate/plugins$")
        script = self.root / ask("--variable=plugin_map")[0].removeprefix(str(self.root)).lstrip("/")
        example = self.root / "usr/share/doc/quorate-dev/examples/example.cc"
        plugins = self.root / "compiled"
        plugins.mkdir(mode=0o755)
        library = plugins / "storage_example.so"
        run("c++", "-std=c++20", "-shared", "-fPIC", "-fvisibility=hidden", *ask("--cflags"), example,
            "-o", library, f"-Wl,--version-script={script}", "-Wl,-z,defs")
        listed = run(BUILD / "quorate", "--plugin-dir", plugins, "--list-plugins")
        self.assertRegex(listed, r"(?m)^storage +example .*storage_example\.so$")
        self.assertNotIn("can't be used", listed)


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv[1]).resolve()
    BUILD = pathlib.Path(sys.argv[2]).resolve()
    if not shutil.which("dh") or not shutil.which("dpkg-buildpackage"):
        print("skipped: debhelper or dpkg-dev is not installed")
        sys.exit(77)
    unittest.main(argv=sys.argv[:1])
