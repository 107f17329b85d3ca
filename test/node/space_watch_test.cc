// SPDX-License-Identifier: Apache-2.0
#include "node/space_watch.h"

#include <gtest/gtest.h>

namespace quorate::node {
namespace {

TEST(SpaceWatchTest, TellsOfEachMarkOnce) {
    SpaceWatch watch;
    EXPECT_EQ(watch.reached(0, 1000), std::nullopt);
    EXPECT_EQ(watch.reached(799, 1000), std::nullopt);
    EXPECT_EQ(watch.reached(800, 1000), 80);
    EXPECT_EQ(watch.reached(850, 1000), std::nullopt);
    EXPECT_EQ(watch.reached(790, 1000), std::nullopt);
    EXPECT_EQ(watch.reached(800, 1000), std::nullopt);  // it only swayed
    EXPECT_EQ(watch.reached(900, 1000), 90);
    EXPECT_EQ(watch.reached(1200, 1000), std::nullopt);
}

TEST(SpaceWatchTest, TellsAgainAfterSpaceWasFreed) {
    SpaceWatch watch;
    EXPECT_EQ(watch.reached(950, 1000), 90);
    EXPECT_EQ(watch.reached(849, 1000), std::nullopt);
    EXPECT_EQ(watch.reached(900, 1000), 90);
    EXPECT_EQ(watch.reached(100, 1000), std::nullopt);
    EXPECT_EQ(watch.reached(800, 1000), 80);
}

TEST(SpaceWatchTest, NoQuotaNoNews) {
    SpaceWatch watch;
    EXPECT_EQ(watch.reached(1'000'000, 0), std::nullopt);
}

}  // namespace
}  // namespace quorate::node
