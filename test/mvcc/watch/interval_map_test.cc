// SPDX-License-Identifier: Apache-2.0
#include "mvcc/interval_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace quorate::mvcc {
namespace {

using Ranges = std::map<std::pair<std::string, std::string>, int>;

// The twin: every range is looked at. An unbounded end sorts last, as in the map.
std::vector<int> scan(const Ranges& ranges, const std::string& key) {
    std::vector<int> values;
    for (const auto& [range, value] : ranges) {
        if (range.first <= key && key < range.second) {
            values.push_back(value);
        }
    }
    return values;
}

const std::string kUnbounded(20, '\xff');  // beyond every key of these tests

KeyInterval interval(const std::pair<std::string, std::string>& range) {
    return {range.first, range.second == kUnbounded ? ByteView() : ByteView(range.second)};
}

std::vector<int> visit(const IntervalMap<int>& map, const std::string& key) {
    std::vector<int> values;
    map.visit(key, [&](int value) { values.push_back(value); });
    return values;
}

std::string random_key(std::mt19937_64& random, int letters) {
    std::string key(1 + random() % 3, 'a');
    for (char& c : key) {
        c = static_cast<char>('a' + random() % static_cast<uint64_t>(letters));
    }
    return key;
}

TEST(IntervalMap, AnswersAsAScanDoes) {
    for (const int letters : {2, 5, 26}) {
        std::mt19937_64 random(static_cast<uint64_t>(letters));
        IntervalMap<int> map;
        Ranges ranges;
        for (int step = 0; step < 4000; ++step) {
            std::pair<std::string, std::string> range{random_key(random, letters),
                                                      random_key(random, letters)};
            if (range.second <= range.first) {
                range.second = random() % 4 == 0 ? kUnbounded : range.first + '\0';
            }
            // Grows for a while, then shrinks, so that both balancing paths see deep trees.
            const bool grow = (step / 500) % 2 == 0;
            if (random() % 10 < (grow ? 8U : 2U)) {
                const auto entry = map.find_or_insert(interval(range));
                EXPECT_EQ(ranges.contains(range), entry.value != 0);
                entry.value = ranges[range] = step + 1;
            } else if (!ranges.empty()) {
                auto victim = ranges.lower_bound(range);
                victim = victim == ranges.end() ? ranges.begin() : victim;
                map.erase(interval(victim->first));
                ranges.erase(victim);
            }
            ASSERT_EQ(map.size(), ranges.size());
            const std::string key = random_key(random, letters);
            ASSERT_EQ(visit(map, key), scan(ranges, key)) << key;
            if (step % 50 == 0) {
                map.check_invariants();
            }
        }
    }
}

TEST(IntervalMap, StaysBalancedWhenRangesComeInOrder) {
    IntervalMap<int> map;
    const auto key = [](int i) { return std::to_string(1000000 + i); };
    for (int i = 0; i < 5000; ++i) {
        map.find_or_insert({key(i), key(i + 2)}).value = i;
    }
    map.check_invariants();
    EXPECT_EQ(visit(map, key(2500)), (std::vector<int>{2499, 2500}));
    for (int i = 0; i < 4990; ++i) {
        map.erase({key(i), key(i + 2)});
    }
    map.check_invariants();
    EXPECT_EQ(map.size(), 10U);
}

TEST(IntervalMap, KeepsValuesInPlaceWhenOthersGo) {
    IntervalMap<int> map;
    std::vector<int*> places;
    for (int i = 0; i < 200; ++i) {
        places.push_back(&map.find_or_insert({std::to_string(1000 + i), {}}).value);
        *places.back() = i;
    }
    for (int i = 0; i < 200; i += 3) {
        map.erase({std::to_string(1000 + i), {}});
    }
    for (int i = 0; i < 200; ++i) {
        if (i % 3 != 0) {
            EXPECT_EQ(map.find({std::to_string(1000 + i), {}}), places[static_cast<size_t>(i)]);
            EXPECT_EQ(*places[static_cast<size_t>(i)], i);
        } else {
            EXPECT_EQ(map.find({std::to_string(1000 + i), {}}), nullptr);
        }
    }
}

}  // namespace
}  // namespace quorate::mvcc
