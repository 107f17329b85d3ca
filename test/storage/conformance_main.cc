// SPDX-License-Identifier: Apache-2.0
//
// The conformance tests of storage engines, for the engines here and for an author's own: --help
// tells how.
#include "child.h"
#include "conformance_fixture.h"

#include <gtest/gtest.h>

#include <iostream>
#include <string_view>
#include <vector>

namespace quorate::storage::testing {

std::vector<EngineUnderTest>& engines_under_test() {
    static std::vector<EngineUnderTest> engines;
    return engines;
}

namespace {

std::string test_name(const ::testing::TestParamInfo<EngineUnderTest>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Engine, Conformance, ::testing::ValuesIn(engines_under_test()), test_name);
INSTANTIATE_TEST_SUITE_P(Engine, PersistentConformance, ::testing::ValuesIn(engines_under_test()),
                         test_name);

constexpr const char* kHelp =
    R"(Usage: storage_conformance --plugin PATH [--option KEY=VALUE]... [--gtest_...]

Runs the conformance tests of storage engines: order, atomic batches, views, cursors, range deletes,
crashes, damaged files, a full disk. An engine that passes keeps the contract of
plugin/abi/storage.h as far as tests can tell.

  --plugin PATH         the engine: a plugin named storage_<name>.so. May be given several times;
                        "mem" is the built-in one.
  --option KEY=VALUE    an option for the engine named last, as in its section of quorate.conf. Small
                        buffers make the tests reach more of an engine.
  --gtest_filter=GLOB   only some tests, as '*Crash*'; --gtest_list_tests lists them.

Stores are made below $TMPDIR, and each is removed when its test is over. The test of a full disk
mounts a small file system and is skipped where that is not allowed.

  storage_conformance --plugin ./storage_mine.so --option cache_bytes=1MiB
)";

// 0 to go on, or the exit code.
int read_command_line(int argc, char** argv) {
    std::vector<EngineUnderTest>& engines = engines_under_test();
    for (int i = 1; i < argc; ++i) {
        const std::string_view argument = argv[i];
        if (argument.starts_with("--gtest")) {
            continue;
        }
        const char* const value = i + 1 < argc ? argv[i + 1] : nullptr;
        if (argument == "--plugin" && value != nullptr) {
            engines.push_back(engine_by_file(value));
        } else if (argument == "--option" && value != nullptr) {
            if (engines.empty() || !add_option(engines.back(), value)) {
                std::cerr << "--option " << value << ": needs KEY=VALUE, behind a --plugin\n";
                return 2;
            }
        } else {
            std::cerr << argument << ": unknown, or without its value; see --help\n";
            return 2;
        }
        ++i;
    }
    if (engines.empty()) {
        std::cerr << "name an engine with --plugin; see --help\n";
        return 2;
    }
    return 0;
}

}  // namespace

}  // namespace quorate::storage::testing

int main(int argc, char** argv) {
    using namespace quorate::storage::testing;
    if (argc > 1 && std::string_view(argv[1]) == kChildArgument) {
        return run_child(argc, argv);
    }
    if (argc > 1 && (std::string_view(argv[1]) == "--help" || std::string_view(argv[1]) == "-h")) {
        std::cout << kHelp;
        return 0;
    }
    if (const int code = read_command_line(argc, argv); code != 0) {
        return code;
    }
    ::testing::InitGoogleTest(&argc, argv);
    return RUN_ALL_TESTS();
}
