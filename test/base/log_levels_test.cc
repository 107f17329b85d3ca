// SPDX-License-Identifier: Apache-2.0
#include "base/log_levels.h"

#include <gtest/gtest.h>

namespace quorate::log {
namespace {

TEST(LogLevels, OneLevelForAll) {
    const Result<Levels> levels = Levels::parse("warn");
    ASSERT_TRUE(levels.has_value());
    EXPECT_EQ(levels->of("raft"), Level::kWarn);
    EXPECT_EQ(levels->of(""), Level::kWarn);
    EXPECT_EQ(levels->lowest(), Level::kWarn);
}

TEST(LogLevels, ModulesAndTheRest) {
    const Result<Levels> levels = Levels::parse("raft=debug,wal=error,warn");
    ASSERT_TRUE(levels.has_value());
    EXPECT_EQ(levels->of("raft"), Level::kDebug);
    EXPECT_EQ(levels->of("wal"), Level::kError);
    EXPECT_EQ(levels->of("raf"), Level::kWarn);
    EXPECT_EQ(levels->of("mvcc"), Level::kWarn);
    EXPECT_EQ(levels->lowest(), Level::kDebug);
}

TEST(LogLevels, TheRestIsInfoWhenNotGiven) {
    const Result<Levels> levels = Levels::parse("raft=error");
    ASSERT_TRUE(levels.has_value());
    EXPECT_EQ(levels->of("mvcc"), Level::kInfo);
    EXPECT_EQ(levels->lowest(), Level::kInfo);
}

TEST(LogLevels, RefusesWhatItDoesNotKnow) {
    for (const std::string_view text : {"", "loud", "INFO", "raft=", "=info", "raft=loud", "info,",
                                        ",info", "info,debug", "raft debug"}) {
        const Result<Levels> levels = Levels::parse(text);
        ASSERT_FALSE(levels.has_value()) << text;
        EXPECT_EQ(levels.error().message(),
                  "must be debug, info, warn, error, panic or fatal, or module=level and the rest, "
                  "as in raft=debug,info");
        EXPECT_FALSE(check_levels(text).ok());
    }
    EXPECT_TRUE(check_levels("raft=debug,info").ok());
}

}  // namespace
}  // namespace quorate::log
