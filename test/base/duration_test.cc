// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include <gtest/gtest.h>

#include <limits>

namespace quorate {
namespace {

struct Case {
    std::string_view text;
    int64_t nanoseconds;
};

TEST(Duration, ParsesGoForms) {
    const Case cases[] = {
        {"0", 0},
        {"+0", 0},
        {"0s", 0},
        {"1ns", 1},
        {"1us", 1000},
        {"1\xc2\xb5s", 1000},
        {"1\xce\xbcs", 1000},
        {"100ms", 100'000'000},
        {"5s", 5'000'000'000},
        {"1.5s", 1'500'000'000},
        {".5s", 500'000'000},
        {"2.s", 2'000'000'000},
        {"1h30m", 5'400'000'000'000},
        {"2h0m0s", 7'200'000'000'000},
        {"-1m", -60'000'000'000},
        {"1m1s1ms", 61'001'000'000},
        {"0.000000001s", 1},
        {"9223372036854775807ns", std::numeric_limits<int64_t>::max()},
        {"-9223372036854775808ns", std::numeric_limits<int64_t>::min()},
    };
    for (const Case& one : cases) {
        const Result<int64_t> parsed = parse_duration(one.text);
        ASSERT_TRUE(parsed.has_value()) << one.text;
        EXPECT_EQ(*parsed, one.nanoseconds) << one.text;
    }
}

TEST(Duration, RefusesEverythingElse) {
    for (const std::string_view text :
         {"", "-", "+", "5", "s", "5 s", "5sec", " 5s", "5s ", ".s", "1.2.3s", "1d", "0x1s",
          "1h-1m", "9223372036854775808ns", "-9223372036854775809ns", "99999999999999999999h",
          "2562048h"}) {
        EXPECT_FALSE(parse_duration(text).has_value()) << text;
    }
}

TEST(Duration, SaysWhatIsExpected) {
    EXPECT_EQ(parse_duration("5").error().message(),
              "must be a duration such as 500ms, 10s, 5m or 1h30m");
    EXPECT_EQ(parse_duration("2562048h").error().message(),
              "is too long, the maximum is about 292 years");
}

TEST(Duration, FormatsAsGoDoes) {
    const Case cases[] = {
        {"0s", 0},
        {"1ns", 1},
        {"1.1\xc2\xb5s", 1100},
        {"2.2ms", 2'200'000},
        {"3.3s", 3'300'000'000},
        {"4m5s", 245'000'000'000},
        {"4m5.001s", 245'001'000'000},
        {"5h6m7.001s", 18'367'001'000'000},
        {"1m0s", 60'000'000'000},
        {"1h0m0s", 3'600'000'000'000},
        {"-1m0s", -60'000'000'000},
        {"2562047h47m16.854775807s", std::numeric_limits<int64_t>::max()},
        {"-2562047h47m16.854775808s", std::numeric_limits<int64_t>::min()},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(format_duration(one.nanoseconds), one.text);
    }
}

TEST(Duration, ReadsBackWhatItWrites) {
    for (int64_t value = 1; value > 0 && value < std::numeric_limits<int64_t>::max() / 7;
         value = value * 7 + 3) {
        const std::string text = format_duration(value);
        const Result<int64_t> parsed = parse_duration(text);
        ASSERT_TRUE(parsed.has_value()) << text;
        EXPECT_EQ(*parsed, value) << text;
    }
}

}  // namespace
}  // namespace quorate
