// SPDX-License-Identifier: Apache-2.0
#include "mvcc/record_cache.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace quorate::mvcc {
namespace {

RecordRef record_of(int64_t main, size_t bytes) {
    const auto owner = std::make_shared<const std::string>(bytes, static_cast<char>(main));
    return {*owner, owner};
}

TEST(RecordCache, GivesBackWhatItHoldsWithinItsBound) {
    RecordCache cache(100'000);
    for (int64_t main = 1; main < 2000; ++main) {
        cache.insert({main, 3}, record_of(main, 200));
        EXPECT_LE(cache.bytes(), 100'000U);
        const std::optional<RecordRef> found = cache.find({main, 3});
        ASSERT_TRUE(found.has_value());
        EXPECT_EQ(found->bytes, record_of(main, 200).bytes);
        EXPECT_FALSE(cache.find({main, 4}).has_value());
    }
    EXPECT_GT(cache.bytes(), 50'000U);
}

TEST(RecordCache, KeepsNothingThatIsTooLarge) {
    RecordCache cache(16'000);
    cache.insert({1, 0}, record_of(1, 900));
    EXPECT_FALSE(cache.find({1, 0}).has_value());
    EXPECT_EQ(cache.bytes(), 0U);
    RecordCache none(0);
    none.insert({1, 0}, record_of(1, 1));
    EXPECT_FALSE(none.find({1, 0}).has_value());
}

}  // namespace
}  // namespace quorate::mvcc
