#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Each check against a small tree that breaks its rule, and one that keeps it."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cpp_text  # noqa: E402
import tidy  # noqa: E402

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def findings(self, files):
        root = pathlib.Path(self.folder.name)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        return [f"{name}:{line}: {what}" for name, line, what in tidy.findings(tidy.Tree(root, files))]

    def check(self, name, body, expected):
        self.assertEqual(self.findings({name: LICENCE + body}), expected)

    def test_arrows(self):
        self.check("src/raft/a.cc", '#include "base/x.h"\n#include "raft/y.h"\n#include <vector>\n', [])
        self.check("src/raft/b.cc", '\n#include "mvcc/x.h"\n',
                   ['src/raft/b.cc:3: raft must not include "mvcc/x.h"'])
        self.check("src/raft/c.cc", '// #include "mvcc/x.h"\n', [])
        self.check("src/wal/a.cc", '#include "raft/types.h"\n', [])
        self.check("src/wal/b.cc", '#include "raft/raft.h"\n',
                   ['src/wal/b.cc:2: wal must not include "raft/raft.h"'])
        self.check("src/wire/a.cc", '#include "rpc.pb.h"\n', [])
        self.check("src/raft/d.cc", '#include "rpc.pb.h"\n',
                   ['src/raft/d.cc:2: raft must not include "rpc.pb.h"'])
        self.check("src/main.cc", '#include "node/node.h"\n', [])
        self.check("src/odd/a.cc", "", ["src/odd/a.cc:1: folder odd has no place in the architecture"])

    def test_plugin_arrows(self):
        self.check("src/plugin/abi/a.c", '#include "plugin/abi/common.h"\n', [])
        self.check("src/plugin/cxx/a.cc", '#include "base/status.h"\n',
                   ['src/plugin/cxx/a.cc:2: plugin must not include "base/status.h"'])
        self.check("plugins/storage/x/a.cc",
                   '#include "plugin/cxx/entry.h"\n#include "plugins/storage/x/b.h"\n', [])
        self.check("plugins/storage/x/c.cc", '#include "base/status.h"\n',
                   ['plugins/storage/x/c.cc:2: a plugin must not include "base/status.h"'])
        self.check("plugins/storage/x/d.cc", '#include "plugins/storage/y/b.h"\n',
                   ['plugins/storage/x/d.cc:2: a plugin must not include "plugins/storage/y/b.h"'])

    def test_file_length(self):
        self.check("src/base/a.cc", "\n" * 799, [])
        self.check("src/base/b.cc", "\n" * 800, ["src/base/b.cc:800: 801 lines, the end is 800"])

    def test_function_length(self):
        def function(lines):
            return "namespace q {\n\nvoid f() {\n" + "    x();\n" * (lines - 2) + "}\n}\n"
        self.check("src/base/a.cc", function(70), [])
        self.check("src/base/b.cc", function(71),
                   ["src/base/b.cc:4: 71 lines, a function has 70: void f()"])
        self.check("test/base/b_test.cc", function(71), [])

    def test_determinism(self):
        self.check("src/mvcc/a.cc", "// time(nullptr) and std::thread\nint64_t time_of(int x);\n", [])
        self.check("src/mvcc/b.cc", "#include <chrono>\n",
                   ["src/mvcc/b.cc:2: replicated code must not include chrono"])
        self.check("src/mvcc/c.cc", "#include <mutex>\n", [])
        self.check("src/lease/b.cc", "#include <mutex>\n",
                   ["src/lease/b.cc:2: replicated code must not include mutex"])
        self.check("src/lease/a.cc", '#include "base/clock.h"\n',
                   ["src/lease/a.cc:2: replicated code must not include base/clock.h"])
        self.check("src/apply/a.cc", "auto t = time(nullptr);\n",
                   ["src/apply/a.cc:2: replicated code must not use time(nullptr"])
        self.check("src/auth/a.cc", 'auto x = std::getenv("A");\n',
                   ["src/auth/a.cc:2: replicated code must not use std::getenv"])
        self.check("src/node/a.cc", "#include <chrono>\n", [])

    def test_unordered_iteration(self):
        lookup = "std::unordered_map<int, std::vector<int>> map_;\nauto f() { return map_.find(1); }\n"
        self.check("src/raft/a.cc", lookup, [])
        self.check("src/raft/b.cc", lookup + "void g() { for (auto& [k, v] : map_) {} }\n",
                   ["src/raft/b.cc:4: the order of map_ differs from member to member"])
        files = {"src/raft/d.h": LICENCE + "#pragma once\nstd::unordered_set<int> set_;\n",
                 "src/raft/d.cc": LICENCE + "void g() { h(set_.begin()); }\n"}
        self.assertEqual(self.findings(files),
                         ["src/raft/d.cc:2: the order of set_ differs from member to member"])
        self.check("src/node/a.cc", lookup + "void g() { for (auto& [k, v] : map_) {} }\n", [])

    def test_threads(self):
        self.check("src/base/a.cc", "std::thread t;\n", [])
        self.check("src/node/b.cc", "auto id = std::thread::id();\n", [])
        self.check("src/node/a.cc", "std::thread t;\n",
                   ["src/node/a.cc:2: threads are started in base/ and plugins"])

    def test_words(self):
        self.check("src/base/a.cc", "// TODO(#12) later\nusing std::string;\n"
                   "using namespace std::string_literals;\n", [])
        self.check("src/base/b.cc", "// TODO later\n",
                   ["src/base/b.cc:2: TODO without an issue: TODO(#123)"])
        self.check("src/base/c.cc", "using namespace std;\n", ["src/base/c.cc:2: no using namespace"])
        self.check("src/base/d.cc", "std::atomic_thread_fence(std::memory_order_seq_cst);\n",
                   ["src/base/d.cc:2: ThreadSanitizer knows no fences: order by an atomic"])
        self.check("test/base/a_test.cc", "std::this_thread::sleep_for(1s);\n",
                   ["test/base/a_test.cc:2: sleep_for in a test"])
        self.check("test/base/b_test.cc", "EXPECT_TRUE(true);\n",
                   ["test/base/b_test.cc:2: EXPECT_TRUE(true) in a test"])

    def test_form(self):
        self.assertEqual(self.findings({"src/base/a.cc": "int x;\n"}),
                         [f"src/base/a.cc:1: the first line must say {tidy.SPDX}"])
        self.assertEqual(self.findings({"test/a.py": f"#!/usr/bin/python3\n# {tidy.SPDX}\n"}), [])
        self.check("src/base/a.h", "#pragma once\n", [])
        self.check("src/base/b.h", "int x;\n", ["src/base/b.h:1: no #pragma once"])
        self.check("src/base/c.cc", "int x;", ["src/base/c.cc:2: no newline at the end"])
        self.check("src/base/d.cc", "int x;\r\n", ["src/base/d.cc:1: carriage returns"])

    def test_exceptions(self):
        excuse = "# a list\nwords src/base/c.cc generated by hand\n"
        files = {"src/base/c.cc": LICENCE + "using namespace std;\n",
                 "test/tidy/exceptions.txt": excuse}
        self.assertEqual(self.findings(files), [])
        files["src/base/c.cc"] = LICENCE + "using std::string;\n"
        self.assertEqual(self.findings(files),
                         ["test/tidy/exceptions.txt:1: words src/base/c.cc is no longer needed"])


class CppTextTest(unittest.TestCase):
    def heads(self, source):
        return [head for _, _, head in cpp_text.functions(source)]

    def test_literals_are_not_code(self):
        self.assertEqual(cpp_text.code_only('a("//x{") /* { */ \'{\' 1\'000'),
                         'a("    ")         \' \' 1\'000')
        self.assertEqual(cpp_text.code_only('R"(a" {)" {'), 'R       " {')

    def test_finds_functions(self):
        source = ("namespace a::b {\n"
                  "struct S final : public T {\n"
                  "    S() : x_{1}, y_(2) {}\n"
                  "    int f() const override { return 1; }\n"
                  "    std::array<int, 2> a = {1, 2};\n"
                  "};\n"
                  "enum class E { kA, kB };\n"
                  "constexpr int kTable[] = {f(1), f(2)};\n"
                  "struct R g(struct Q q) {\n"
                  "    if (x) { y(); }\n"
                  "    auto l = [](int i) { return i; };\n"
                  "}\n"
                  "}\n")
        heads = self.heads(source)
        self.assertIn("int f() const override", heads)
        self.assertIn("struct R g(struct Q q)", heads)
        self.assertFalse([head for head in heads if "kTable" in head or "auto l" in head])
        spans = {head: (first, last) for first, last, head in cpp_text.functions(source)}
        self.assertEqual(spans["struct R g(struct Q q)"], (9, 12))


if __name__ == "__main__":
    unittest.main()
