// SPDX-License-Identifier: Apache-2.0
//
// Runs every scripts/*.txt and compares what it prints with what it says. With
// QUORATE_REWRITE_SCRIPTS=1 the files are rewritten instead; the difference is for review.
#include "raft/script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace quorate::raft {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> script_files() {
    std::vector<fs::path> files;
    for (const auto& file : fs::directory_iterator(QUORATE_RAFT_SCRIPTS)) {
        if (file.path().extension() == ".txt") {
            files.push_back(file.path());
        }
    }
    std::sort(files.begin(), files.end());
    return files;
}

std::string read(const fs::path& path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

// A script is comments, blank lines and blocks: commands, a line "----", the output up to the next
// blank line. Returns the script with the output that the commands really have.
std::string replay(const std::string& text) {
    Script script;
    std::istringstream in(text);
    std::string result;
    std::string output;
    bool in_output = false;
    for (std::string line; std::getline(in, line);) {
        if (in_output) {
            if (!line.empty()) {
                continue;
            }
            in_output = false;
            result += output + "\n";
            output.clear();
        } else if (line == "----") {
            in_output = true;
            result += line + "\n";
        } else {
            result += line + "\n";
            if (!line.empty() && line[0] != '#') {
                output += script.run(line);
            }
        }
    }
    return in_output ? result + output : result;
}

class ScriptTest : public testing::TestWithParam<fs::path> {};

TEST_P(ScriptTest, PrintsWhatItSays) {
    const std::string expected = read(GetParam());
    const std::string actual = replay(expected);
    if (std::getenv("QUORATE_REWRITE_SCRIPTS") != nullptr) {
        std::ofstream(GetParam()) << actual;
        return;
    }
    ASSERT_NE(expected.find("----"), std::string::npos);
    EXPECT_EQ(expected, actual);
}

std::string script_name(const testing::TestParamInfo<fs::path>& info) {
    return info.param.stem().string();
}

INSTANTIATE_TEST_SUITE_P(Scripts, ScriptTest, testing::ValuesIn(script_files()), script_name);

}  // namespace
}  // namespace quorate::raft
