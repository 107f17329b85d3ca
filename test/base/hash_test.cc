// SPDX-License-Identifier: Apache-2.0
#include "base/hash.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <unordered_map>

namespace quorate {
namespace {

// Of keys that differ in one byte or in length only, all hashes and all their low bits spread.
TEST(Hash, SpreadsSimilarKeys) {
    for (const uint64_t seed : {uint64_t{0}, uint64_t{1}, uint64_t{0x123456789abcdef}}) {
        std::set<uint64_t> hashes;
        std::set<uint64_t> buckets;
        size_t keys = 0;
        for (size_t length = 0; length < 40; ++length) {
            for (size_t at = 0; at <= length; ++at) {
                std::string key(length, '\0');
                if (at < length) {
                    key[at] = '\1';
                }
                hashes.insert(hash_bytes(key, seed));
                buckets.insert(hash_bytes(key, seed) % 1024);
                ++keys;
            }
        }
        EXPECT_EQ(hashes.size(), keys);
        EXPECT_GT(buckets.size(), 500U);  // about 566 of 1024 when 820 are thrown at random
    }
}

TEST(Hash, DependsOnTheSeed) {
    EXPECT_NE(hash_bytes("key", 1), hash_bytes("key", 2));
    EXPECT_EQ(hash_bytes("key", 1), hash_bytes("key", 1));
    EXPECT_NE(hash_number(5, 1), hash_number(5, 2));
}

TEST(Hash, SpreadsNumbersThatShareTheirLowBits) {
    std::set<uint64_t> buckets;
    for (uint64_t i = 0; i < 1024; ++i) {
        buckets.insert(hash_number(i << 40, 99) % 1024);
    }
    EXPECT_GT(buckets.size(), 550U);
}

TEST(Hash, ATableLooksUpByView) {
    std::unordered_map<Bytes, int, BytesHash, std::equal_to<>> table(0, BytesHash{5});
    table["a longer key than fits in place"] = 1;
    EXPECT_EQ(table.find(ByteView("a longer key than fits in place"))->second, 1);
    EXPECT_EQ(table.find(ByteView("another")), table.end());
}

}  // namespace
}  // namespace quorate
