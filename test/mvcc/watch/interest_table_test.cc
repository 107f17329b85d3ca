// SPDX-License-Identifier: Apache-2.0
#include "mvcc/interest_table.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>

namespace quorate::mvcc {
namespace {

TEST(InterestTable, AgreesWithAMap) {
    std::mt19937_64 random(11);
    InterestTable table(random());
    std::map<std::string, WatchInterest*, std::less<>> twin;
    for (int step = 0; step < 20'000; ++step) {
        // Grows for a while, then shrinks to nothing, and so on; the empty key is one like others.
        const bool growing = step / 2000 % 2 == 0;
        const std::string key(random() % 300 == 0 ? "" : std::to_string(random() % 1500));
        const auto known = twin.find(key);
        ASSERT_EQ(table.find(key), known == twin.end() ? nullptr : known->second);
        if (random() % 10 < (growing ? 8U : 1U)) {
            WatchInterest& interest = table.find_or_insert(key);
            interest.watchers = 1;
            ASSERT_EQ(interest.key, key);
            ASSERT_TRUE(known == twin.end() || known->second == &interest);
            twin[key] = &interest;
        } else if (!twin.empty()) {
            const auto victim = known == twin.end() ? twin.begin() : known;
            table.erase(*victim->second);
            twin.erase(victim);
        }
        ASSERT_EQ(table.size(), twin.size());
        if (step % 100 == 0) {
            table.check_invariants();
        }
    }
    for (const auto& [key, interest] : twin) {
        ASSERT_EQ(table.find(key), interest);
        table.erase(*interest);
    }
    EXPECT_EQ(table.size(), 0U);
    EXPECT_EQ(table.find("1"), nullptr);
    table.check_invariants();
}

TEST(InterestTable, KeepsItsOwnCopyOfTheKey) {
    InterestTable table(1);
    std::string key(100, 'k');
    WatchInterest& interest = table.find_or_insert(key);
    key.assign(100, 'x');
    EXPECT_EQ(interest.key, std::string(100, 'k'));
    EXPECT_EQ(table.find(key), nullptr);
    table.erase(interest);
}

}  // namespace
}  // namespace quorate::mvcc
