// SPDX-License-Identifier: Apache-2.0
#include "node/auto_compactor.h"

#include <gtest/gtest.h>

namespace quorate::node {
namespace {

constexpr int64_t kMinute = 60'000'000'000;
constexpr int64_t kHour = 60 * kMinute;

TEST(AutoCompactor, OffDoesNothing) {
    AutoCompactor off(AutoCompactionMode::kPeriodic, 0);
    EXPECT_FALSE(off.next_due_ns().has_value());
    EXPECT_FALSE(off.tick(kHour, 1000).has_value());
}

TEST(AutoCompactor, RevisionKeepsTheNewestEveryFiveMinutes) {
    AutoCompactor compactor(AutoCompactionMode::kRevision, 100);
    EXPECT_FALSE(compactor.tick(0, 500).has_value());
    EXPECT_FALSE(compactor.tick(5 * kMinute - 1, 500).has_value());
    EXPECT_EQ(compactor.tick(5 * kMinute, 500), 400);
    EXPECT_FALSE(compactor.tick(10 * kMinute, 500).has_value());  // nothing new
    EXPECT_FALSE(compactor.tick(15 * kMinute, 50).has_value());   // fewer than are kept
    EXPECT_EQ(compactor.tick(20 * kMinute, 501), 401);
}

TEST(AutoCompactor, PeriodicWaitsOneRetentionThenGoesByPeriods) {
    AutoCompactor compactor(AutoCompactionMode::kPeriodic, 10 * kMinute);
    int64_t compactions = 0;
    for (int64_t minute = 0; minute <= 30; ++minute) {
        // One revision a minute.
        const auto target = compactor.tick(minute * kMinute, 1000 + minute);
        if (target) {
            ++compactions;
            EXPECT_EQ(minute % 10, 0);
            EXPECT_EQ(*target, 1000 + minute - 10) << minute;
        }
    }
    EXPECT_EQ(compactions, 3);
}

TEST(AutoCompactor, LongRetentionCompactsOncePerHour) {
    AutoCompactor compactor(AutoCompactionMode::kPeriodic, 3 * kHour);
    std::vector<int64_t> at_hours;
    for (int64_t tick = 0; tick <= 60; ++tick) {  // six minutes apart
        if (compactor.tick(tick * 6 * kMinute, 100 + tick)) {
            at_hours.push_back(tick / 10);
        }
    }
    EXPECT_EQ(at_hours, (std::vector<int64_t>{3, 4, 5, 6}));
}

TEST(AutoCompactor, AResetStartsAnew) {
    AutoCompactor compactor(AutoCompactionMode::kPeriodic, kMinute);
    for (int64_t i = 0; i < 8; ++i) {
        EXPECT_FALSE(compactor.tick(i * 6'000'000'000, 10 + i).has_value());
    }
    compactor.reset();
    EXPECT_FALSE(compactor.tick(kMinute, 100).has_value());
    EXPECT_EQ(compactor.tick(2 * kMinute, 200), 100);
}

}  // namespace
}  // namespace quorate::node
