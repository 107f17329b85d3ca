// SPDX-License-Identifier: Apache-2.0
#include "storage/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace quorate::storage {

namespace {

using namespace std::string_literals;

TEST(Schema, RecordKeysOrderAsRevisionsDo) {
    const std::vector<std::pair<int64_t, int32_t>> revisions = {
        {0, 0},
        {1, 0},
        {1, 1},
        {1, 255},
        {1, 256},
        {2, 0},
        {255, 0},
        {256, 0},
        {65536, 7},
        {1'000'000'000'000, 0},
        {std::numeric_limits<int64_t>::max(), std::numeric_limits<int32_t>::max()}};
    std::vector<Bytes> keys;
    for (const auto& [main, sub] : revisions) {
        keys.push_back(record_key(main, sub));
        EXPECT_EQ(parse_record_key(keys.back()), std::pair(main, sub));
    }
    EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
    EXPECT_EQ(record_key(1, 2), "K\0\0\0\0\0\0\0\x01\0\0\0\x02"s);
}

TEST(Schema, KeysOfOneTableAreNoKeysOfAnother) {
    EXPECT_EQ(parse_record_key(id_key(Table::kLeases, 1)), std::nullopt);
    EXPECT_EQ(parse_record_key("K"), std::nullopt);
    EXPECT_EQ(parse_record_key("X\0\0\0\0\0\0\0\x01\0\0\0\x02"s), std::nullopt);
    EXPECT_EQ(parse_id_key(Table::kLeases, id_key(Table::kLeases, 77)), 77U);
    EXPECT_EQ(parse_id_key(Table::kMembers, id_key(Table::kLeases, 77)), std::nullopt);
    EXPECT_EQ(parse_id_key(Table::kLeases, ""), std::nullopt);
    const auto alarm = parse_alarm_key(alarm_key({42, 2}));
    ASSERT_TRUE(alarm.has_value());
    EXPECT_EQ(alarm->member_id, 42U);
    EXPECT_EQ(alarm->type, 2U);
    EXPECT_EQ(parse_alarm_key(id_key(Table::kAlarms, 42)), std::nullopt);
}

TEST(Schema, RecordsComeBeforeAllOtherTables) {
    const auto [lo, hi] = table_range(Table::kRecords);
    EXPECT_LT(lo, record_key(0, 0));
    EXPECT_GT(hi, record_key(std::numeric_limits<int64_t>::max(), -1));
    for (const Table table : {Table::kAlarms, Table::kMembers, Table::kRemovedMembers,
                              Table::kLeases, Table::kMeta, Table::kRoles, Table::kUsers}) {
        const auto range = table_range(table);
        EXPECT_LE(hi, range.first);
        EXPECT_LT(range.first, id_key(table, 0));
        EXPECT_GT(range.second, id_key(table, UINT64_MAX));
    }
    for (const ByteView key :
         {kAppliedKey, kConfFloorKey, kCompactScheduledKey, kCompactFinishedKey, kFormatVersionKey,
          kIdentityKey, kClusterVersionKey, kDowngradeKey, kAuthKey}) {
        EXPECT_EQ(key[0], static_cast<char>(Table::kMeta));
    }
}

TEST(Schema, NumbersComeBack) {
    EXPECT_EQ(decode_u64(encode_u64(UINT64_MAX - 1)), UINT64_MAX - 1);
    EXPECT_EQ(decode_u64("1234567"), std::nullopt);
    EXPECT_EQ(decode_u64_pair(encode_u64_pair({1, 2})), std::pair(uint64_t{1}, uint64_t{2}));
    EXPECT_EQ(decode_u64_pair(encode_u64(1)), std::nullopt);
}

}  // namespace

}  // namespace quorate::storage
