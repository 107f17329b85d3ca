// SPDX-License-Identifier: Apache-2.0
#include "base/log_line.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <time.h>

#include <cmath>
#include <limits>
#include <vector>

namespace quorate::log {
namespace {

// 2026-01-02T03:04:05.678901Z
constexpr int64_t kMoment_us = 1'767'323'045'678'901;

// Sets the process' time zone for one test.
class Zone {
  public:
    explicit Zone(const char* name) {
        setenv("TZ", name, 1);
        tzset();
    }
    ~Zone() {
        unsetenv("TZ");
        tzset();
    }
};

std::string escaped(std::string_view text) {
    std::string out;
    append_escaped(out, text);
    return out;
}

Line line_of(std::string_view message, const std::vector<Field>& fields,
             SourceLocation where = SourceLocation::current()) {
    return {Level::kInfo, message, fields, where, kMoment_us};
}

TEST(LogLine, JsonHasZapsShape) {
    const Zone zone("UTC");
    const std::vector<Field> fields = {{"text", "a\"b"},
                                       {"whole", -5},
                                       {"natural", uint64_t{18446744073709551615U}},
                                       {"real", 0.5},
                                       {"flag", true}};
    const Line line = line_of("ready to serve", fields);
    std::string out;
    append_json(out, line);
    EXPECT_EQ(
        out,
        R"({"level":"info","ts":"2026-01-02T03:04:05.678901Z","caller":"base/log_line_test.cc:)" +
            std::to_string(line.where.line()) +
            R"(","msg":"ready to serve","text":"a\"b","whole":-5,)"
            R"("natural":18446744073709551615,"real":0.5,"flag":true})"
            "\n");
}

TEST(LogLine, ConsoleHasZapsShape) {
    const Zone zone("UTC");
    const std::vector<Field> fields = {{"a", 1}, {"b", "x y"}};
    const Line line = line_of("hello", fields);
    std::string out;
    append_console(out, line);
    EXPECT_EQ(out, "2026-01-02T03:04:05.678901Z\tinfo\tbase/log_line_test.cc:" +
                       std::to_string(line.where.line()) + "\thello\t{\"a\": 1, \"b\": \"x y\"}\n");
    out.clear();
    const Line bare = line_of("bare", {});
    append_console(out, bare);
    EXPECT_TRUE(out.ends_with("\tbare\n"));
}

TEST(LogLine, TimeCarriesTheZone) {
    std::string out;
    {
        const Zone zone("XYZ-5:30");  // POSIX signs are the other way round
        append_json(out, line_of("m", {}));
        EXPECT_NE(out.find("2026-01-02T08:34:05.678901+0530"), std::string::npos) << out;
    }
    out.clear();
    const Zone zone("XYZ8");
    append_json(out, line_of("m", {}));
    EXPECT_NE(out.find("2026-01-01T19:04:05.678901-0800"), std::string::npos) << out;
}

TEST(LogLine, EscapesWhatJsonMustNotHold) {
    EXPECT_EQ(escaped("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    EXPECT_EQ(escaped(std::string_view("\0\x1f\x7f", 3)), "\\u0000\\u001f\\u007f");
    EXPECT_EQ(escaped("\\\""), "\\\\\\\"");
    EXPECT_EQ(escaped("<&>"), "<&>");
    EXPECT_EQ(escaped("h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\x89"),
              "h\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8e\x89");
}

TEST(LogLine, ReplacesWhatIsNotUtf8) {
    EXPECT_EQ(escaped("\xff"), "\\ufffd");
    EXPECT_EQ(escaped("a\x80z"), "a\\ufffdz");
    EXPECT_EQ(escaped("\xc3"), "\\ufffd");                                   // cut short
    EXPECT_EQ(escaped("\xc0\xaf"), "\\ufffd\\ufffd");                        // overlong
    EXPECT_EQ(escaped("\xe0\x80\x80"), "\\ufffd\\ufffd\\ufffd");             // overlong
    EXPECT_EQ(escaped("\xed\xa0\x80"), "\\ufffd\\ufffd\\ufffd");             // surrogate
    EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\ufffd\\ufffd\\ufffd\\ufffd");  // beyond U+10FFFF
    EXPECT_EQ(escaped("\xe2\x82"), "\\ufffd\\ufffd");
}

TEST(LogLine, CutsLongTexts) {
    const std::string out = escaped(std::string(kTextBytesMax + 1, 'x'));
    EXPECT_EQ(out.substr(kTextBytesMax), "... (16385 bytes)");
    EXPECT_EQ(escaped(std::string(kTextBytesMax, 'x')).size(), kTextBytesMax);
}

TEST(LogLine, WritesNumbersAsZapDoes) {
    const auto text = [](double value) {
        std::string out;
        append_value(out, value);
        return out;
    };
    EXPECT_EQ(text(0.1), "0.1");
    EXPECT_EQ(text(3), "3");
    EXPECT_EQ(text(1e21), "1000000000000000000000");
    EXPECT_EQ(text(std::nan("")), "\"NaN\"");
    EXPECT_EQ(text(std::numeric_limits<double>::infinity()), "\"+Inf\"");
    EXPECT_EQ(text(-std::numeric_limits<double>::infinity()), "\"-Inf\"");
    EXPECT_GT(text(std::numeric_limits<double>::denorm_min()).size(), 300U);
}

TEST(LogLine, ShortensPaths) {
    EXPECT_EQ(short_path("../src/raft/raft.cc"), "raft/raft.cc");
    EXPECT_EQ(short_path("src/main.cc"), "main.cc");
    EXPECT_EQ(short_path("/home/src/q/src/wal/wal.cc"), "wal/wal.cc");
    EXPECT_EQ(short_path("../plugins/storage/leveldb/engine.cc"), "leveldb/engine.cc");
    EXPECT_EQ(short_path("mysrc/a/b.cc"), "a/b.cc");
    EXPECT_EQ(short_path("b.cc"), "b.cc");
    EXPECT_EQ(module_of("../src/raft/raft.cc"), "raft");
    EXPECT_EQ(module_of("../src/main.cc"), "");
}

}  // namespace
}  // namespace quorate::log
