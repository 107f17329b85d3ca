// SPDX-License-Identifier: Apache-2.0
#include "mvcc/recent_changes.h"

#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <random>
#include <string>

namespace quorate::mvcc {
namespace {

class Recent {
  public:
    explicit Recent(size_t bytes_max) : recent(bytes_max) {}

    void append(const Revision& revision, const std::string& record) {
        char* at = recent.reserve(record.size());
        std::memcpy(at, record.data(), record.size());
        recent.append(revision, {});
        records[revision] = record;
    }

    RecentChanges recent;
    std::map<Revision, std::string> records;
};

TEST(RecentChanges, FindsWhatItHoldsAndLetsGoOnlyOfWhatTheEngineHas) {
    std::mt19937_64 rng(1);
    Recent twin(5000);
    int64_t engine_main = kFirstRevision;
    for (int64_t main = 2; main < 600; ++main) {
        const auto changes = static_cast<int32_t>(1 + rng() % 6);
        for (int32_t sub = 0; sub < changes; ++sub) {
            twin.append({main, sub}, std::string(rng() % 700, static_cast<char>('a' + sub)));
        }
        if (rng() % 3 == 0) {
            engine_main = main - static_cast<int64_t>(rng() % 3);
        }
        twin.recent.trim(engine_main);
        twin.recent.check_invariants();
        ASSERT_EQ(twin.recent.next_main(), main + 1);
        ASSERT_LE(twin.recent.first_main(), engine_main + 1);
        for (const auto& [revision, record] : twin.records) {
            const std::optional<RecordRef> found = twin.recent.find(revision);
            ASSERT_EQ(found.has_value(), revision.main >= twin.recent.first_main());
            if (found.has_value()) {
                ASSERT_EQ(found->bytes, record);
            }
        }
        const auto items = twin.recent.collect(twin.recent.first_main(), main);
        auto expected = twin.records.lower_bound({twin.recent.first_main(), 0});
        for (const auto& item : items) {
            ASSERT_EQ(item.revision, expected->first);
            ASSERT_EQ(item.record.bytes, expected->second);
            ++expected;
        }
        ASSERT_EQ(expected, twin.records.end());
    }
    // Bounded by what was asked for, one chunk, and what the engine does not have.
    EXPECT_LE(twin.recent.bytes() - twin.recent.bytes_behind(engine_main), 5000U + 2000U);
}

TEST(RecentChanges, ARecordOutlivesItsPlace) {
    Recent twin(0);
    twin.append({2, 0}, "first");
    const std::optional<RecordRef> held = twin.recent.find({2, 0});
    twin.append({3, 0}, std::string(5000, 'x'));
    twin.recent.trim(3);
    EXPECT_FALSE(twin.recent.find({2, 0}).has_value());
    EXPECT_EQ(held->bytes, "first");
    EXPECT_EQ(twin.recent.bytes(), 0U);
}

TEST(RecentChanges, ReservedButNotAppendedIsNothing) {
    Recent twin(1000);
    twin.recent.reserve(100);
    twin.append({2, 0}, "second");
    EXPECT_EQ(twin.recent.find({2, 0})->bytes, "second");
    twin.recent.check_invariants();
}

}  // namespace
}  // namespace quorate::mvcc
