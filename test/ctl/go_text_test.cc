// SPDX-License-Identifier: Apache-2.0
#include "ctl/go_text.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace quorate::ctl {
namespace {

TEST(GoQuote, EscapesLikeGo) {
    EXPECT_EQ(go_quote("plain 'x'"), "\"plain 'x'\"");
    EXPECT_EQ(go_quote("\"\\\a\b\f\n\r\t\v"), R"("\"\\\a\b\f\n\r\t\v")");
    EXPECT_EQ(go_quote(std::string_view("\0\x01\x7f", 3)), R"("\x00\x01\x7f")");
    EXPECT_EQ(go_quote("\xff\xc3"), R"("\xff\xc3")");
    EXPECT_EQ(go_quote("\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80"),
              "\"\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80\"");
    // A blank that breaks no line, a zero-width space and private use are not printed.
    EXPECT_EQ(go_quote("\xc2\xa0\xe2\x80\x8b\xee\x80\x80"), R"("\u00a0\u200b\ue000")");
    EXPECT_EQ(go_quote("\xf4\x8f\xbf\xbd"), R"("\U0010fffd")");
    // A surrogate and an overlong form are no UTF-8.
    EXPECT_EQ(go_quote("\xed\xa0\x80"), R"("\xed\xa0\x80")");
    EXPECT_EQ(go_quote("\xc0\x80"), R"("\xc0\x80")");
}

TEST(GoQuote, IsReadBack) {
    std::mt19937 random(7);
    for (int i = 0; i < 2000; ++i) {
        std::string bytes;
        for (size_t n = random() % 20; n > 0; --n) {
            bytes.push_back(static_cast<char>(random()));
        }
        const std::string quoted = go_quote(bytes) + "rest";
        std::string_view rest = quoted;
        const auto back = take_go_quoted(rest);
        ASSERT_TRUE(back) << quoted;
        EXPECT_EQ(*back, bytes) << quoted;
        EXPECT_EQ(rest, "rest");
    }
}

TEST(GoQuote, RefusesBadQuotes) {
    for (const std::string_view bad : {"", "x", "\"open", R"("\q")", R"("\x1")", R"("\u12")",
                                       R"("\ud800")", "\"a\nb\"", R"("\777")", "`open", R"("\)"}) {
        std::string_view rest = bad;
        EXPECT_FALSE(take_go_quoted(rest)) << bad;
    }
    std::string_view raw = "`a\\n`";
    EXPECT_EQ(take_go_quoted(raw), "a\\n");
}

TEST(SplitLine, KnowsBothQuotes) {
    EXPECT_EQ(*split_line(R"(put  'a b' "c\td" e"f)"),
              (std::vector<std::string>{"put", "a b", "c\td", "e\"f"}));
    EXPECT_TRUE(split_line("   ")->empty());
    EXPECT_FALSE(split_line("'open"));
    EXPECT_FALSE(split_line(R"("\q")"));
}

TEST(Numbers, InHexadecimal) {
    EXPECT_EQ(hex(0), "0");
    EXPECT_EQ(hex(UINT64_MAX), "ffffffffffffffff");
    EXPECT_EQ(hex16(0xabc), "0000000000000abc");
    EXPECT_EQ(parse_hex("FFffFFffFFffFFff"), UINT64_MAX);
    for (const char* bad : {"", "x", "0x1", "-1", "10000000000000000", "1 "}) {
        EXPECT_FALSE(parse_hex(bad)) << bad;
    }
    EXPECT_EQ(hex_escaped("a\xff"), "\\x61\\xff");
}

TEST(PrefixEnd, IsTheNextPrefix) {
    EXPECT_EQ(prefix_end("ab"), "ac");
    EXPECT_EQ(prefix_end("a\xff"), "b");
    EXPECT_EQ(prefix_end("\xff\xff"), std::string(1, '\0'));
    EXPECT_EQ(prefix_end(""), std::string(1, '\0'));
}

}  // namespace
}  // namespace quorate::ctl
