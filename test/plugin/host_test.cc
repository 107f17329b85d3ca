// SPDX-License-Identifier: Apache-2.0
#include "plugin/host.h"

#include "base/metrics.h"
#include "plugin/plugin.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::plugin {

namespace {

class FixedClock final : public Clock {
  public:
    int64_t monotonic_ns() const override { return 1'234'567'890; }
    int64_t unix_ns() const override { return 1'700'000'000'123'456'789; }
};

class HostTest : public ::testing::Test {
  protected:
    void add(std::string_view name, uint64_t amount) {
        table_.abi().metric_add(table_.abi().ctx, to_abi(name), amount);
    }

    FixedClock clock_;
    metrics::Registry registry_;
    Host host_{registry_, clock_};
    Host::Table table_{host_, "storage_test"};
};

TEST_F(HostTest, GivesTheClockInMilliseconds) {
    EXPECT_EQ(table_.abi().size, sizeof(quorate_host));
    EXPECT_EQ(table_.abi().now_ms(table_.abi().ctx), 1234);
    EXPECT_EQ(table_.abi().unix_ms(table_.abi().ctx), 1'700'000'000'123);
}

TEST_F(HostTest, CountsUnderAPrefixOfItsOwn) {
    add("merges_total", 2);
    add("merges_total", 3);
    const std::string text = registry_.expose();
    EXPECT_NE(text.find("\nquorate_plugin_merges_total 5\n"), std::string::npos) << text;
    EXPECT_NE(text.find("# HELP quorate_plugin_merges_total Counted by plugin storage_test."),
              std::string::npos)
        << text;
}

TEST_F(HostTest, DropsWhatIsNoCountersName) {
    for (const char* name : {"", "merges", "Merges_total", "a b_total", "a{x=\"1\"}_total"}) {
        add(name, 1);
    }
    EXPECT_EQ(registry_.expose().find("quorate_plugin"), std::string::npos);
}

TEST_F(HostTest, BoundsTheNumberOfCounters) {
    for (size_t i = 0; i < Host::kCountersMax + 10; ++i) {
        add("c" + std::to_string(i) + "_total", 1);
    }
    const std::string text = registry_.expose();
    EXPECT_NE(text.find("quorate_plugin_c255_total 1\n"), std::string::npos);
    EXPECT_EQ(text.find("quorate_plugin_c256_total"), std::string::npos);
    add("c255_total", 1);
    EXPECT_NE(registry_.expose().find("quorate_plugin_c255_total 2\n"), std::string::npos);
}

TEST_F(HostTest, LogsWithFields) {
    const quorate_log_field fields[] = {{to_abi("path"), to_abi("/x")}, {to_abi("empty"), {}}};
    for (const int32_t level :
         {QUORATE_LOG_DEBUG, QUORATE_LOG_INFO, QUORATE_LOG_WARN, QUORATE_LOG_ERROR}) {
        ::testing::internal::CaptureStderr();
        table_.abi().log(table_.abi().ctx, level, to_abi("something happened"), fields, 2);
        const std::string line = ::testing::internal::GetCapturedStderr();
        if (level == QUORATE_LOG_DEBUG) {
            EXPECT_EQ(line, "");
            continue;
        }
        EXPECT_NE(line.find("something happened"), std::string::npos) << line;
        EXPECT_NE(line.find("storage_test"), std::string::npos) << line;
        EXPECT_NE(line.find("/x"), std::string::npos) << line;
    }
}

}  // namespace

}  // namespace quorate::plugin
