// SPDX-License-Identifier: Apache-2.0
#include "mvcc/key_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace quorate::mvcc {
namespace {

// The whole history of every key, compacted the slow way.
class NaiveIndex {
  public:
    void add(const std::string& key, const KeyChange& change) { keys_[key].push_back(change); }

    const KeyChange* at(const std::string& key, int64_t main) const {
        const auto found = keys_.find(key);
        if (found == keys_.end()) {
            return nullptr;
        }
        const KeyChange* newest = nullptr;
        for (const KeyChange& change : found->second) {
            newest = change.revision.main <= main ? &change : newest;
        }
        return newest;
    }

    bool is_live(const std::string& key) const {
        const auto found = keys_.find(key);
        return found != keys_.end() && !found->second.back().deletion;
    }

    std::vector<Revision> compact(int64_t floor) {
        std::vector<Revision> removed;
        for (auto at = keys_.begin(); at != keys_.end();) {
            std::vector<KeyChange>& changes = at->second;
            const auto behind =
                std::find_if(changes.begin(), changes.end(),
                             [&](const KeyChange& c) { return c.revision.main > floor; });
            auto keep_from = behind;
            if (behind != changes.begin()) {
                const KeyChange& newest = *(behind - 1);
                const bool goes = newest.deletion && newest.revision.main < floor;
                keep_from = goes ? behind : behind - 1;
            }
            for (auto gone = changes.begin(); gone != keep_from; ++gone) {
                removed.push_back(gone->revision);
            }
            changes.erase(changes.begin(), keep_from);
            at = changes.empty() ? keys_.erase(at) : std::next(at);
        }
        return removed;
    }

    const std::map<std::string, std::vector<KeyChange>>& keys() const { return keys_; }

  private:
    std::map<std::string, std::vector<KeyChange>> keys_;
};

using KeyMaker = std::string (*)(std::mt19937_64&);

std::string short_key(std::mt19937_64& rng) {
    std::string key(rng() % 4, '\0');
    for (char& byte : key) {
        const char choices[] = {'\0', 'a', 'b', '\xff'};
        byte = choices[rng() % 4];
    }
    return key;
}

std::string path_key(std::mt19937_64& rng) {
    const char* kinds[] = {"pods", "services", "s", "leases"};
    return "/registry/" + std::string(kinds[rng() % 4]) + "/namespace-" +
           std::to_string(rng() % 7) + "/object-" + std::to_string(rng() % 700);
}

std::string number_key(std::mt19937_64& rng) {
    std::string key;
    const uint64_t number = rng() % 5000;
    for (int shift = 56; shift >= 0; shift -= 8) {
        key.push_back(static_cast<char>(number >> shift));
    }
    return key;
}

std::vector<std::string> keys_of(const KeyIndex& index) {
    std::vector<std::string> keys;
    for (auto at = index.seek(""); !at.at_end(); at.next()) {
        keys.emplace_back(at.entry().key());
    }
    return keys;
}

void compare(const KeyIndex& index, const NaiveIndex& naive, int64_t floor, int64_t main) {
    index.check_invariants();
    std::vector<std::string> expected;
    for (const auto& [key, changes] : naive.keys()) {
        expected.push_back(key);
        const KeyEntry* entry = index.find(key);
        ASSERT_NE(entry, nullptr);
        ASSERT_EQ(entry->history_size() + 1, changes.size());
        for (int64_t at = std::max<int64_t>(floor, 0); at <= main; at += 1 + (main - floor) / 7) {
            const KeyChange* wanted = naive.at(key, at);
            const auto found = entry->at(at);
            ASSERT_EQ(found.has_value(), wanted != nullptr);
            if (wanted != nullptr) {
                ASSERT_EQ(found->revision, wanted->revision);
                ASSERT_EQ(found->deletion, wanted->deletion);
                ASSERT_EQ(found->record_bytes, wanted->record_bytes);
            }
        }
    }
    ASSERT_EQ(keys_of(index), expected);
}

void compare_ranges(const KeyIndex& index, const NaiveIndex& naive, std::mt19937_64& rng,
                    KeyMaker make_key) {
    for (int i = 0; i < 20; ++i) {
        const std::string low = make_key(rng);
        const std::string high = rng() % 8 == 0 ? std::string(1, '\0') : make_key(rng);
        const KeyRange range{low, high};
        uint64_t live = 0;
        for (const auto& [key, changes] : naive.keys()) {
            live += range.contains(key) && !range.is_empty() && !changes.back().deletion ? 1U : 0U;
        }
        ASSERT_EQ(index.count_live(range), live);

        const auto above = naive.keys().lower_bound(low);
        const auto forward = index.seek(low);
        ASSERT_EQ(forward.at_end(), above == naive.keys().end());
        if (!forward.at_end()) {
            ASSERT_EQ(forward.entry().key(), above->first);
        }
        const auto backward = index.seek_before(low);
        ASSERT_EQ(backward.at_end(), above == naive.keys().begin());
        if (!backward.at_end()) {
            ASSERT_EQ(backward.entry().key(), std::prev(above)->first);
        }
        auto next_live = std::find_if(above, naive.keys().end(),
                                      [&](const auto& pair) { return naive.is_live(pair.first); });
        auto skipping = forward;
        skipping.skip_to_live();
        ASSERT_EQ(skipping.at_end(), next_live == naive.keys().end());
        if (!skipping.at_end()) {
            ASSERT_EQ(skipping.entry().key(), next_live->first);
            ASSERT_TRUE(skipping.is_live());
        }
    }
}

class Driver {
  public:
    Driver(uint64_t seed, KeyMaker make_key) : rng_(seed), make_key_(make_key) {}

    void change() {
        const std::string key = make_key_(rng_);
        const Revision revision{++main_, 0};
        const auto bytes = static_cast<uint32_t>(rng_() % 1000);
        const KeyIndex::Place place = index_.locate(key);
        ASSERT_EQ(place.entry(), index_.find(key));
        if (naive_.is_live(key) && rng_() % 100 < delete_percent_) {
            index_.erase(place, {revision, bytes, true});
            naive_.add(key, {revision, bytes, true});
        } else {
            const auto lease = static_cast<int64_t>(rng_() % 3);
            index_.put(place, key, {{revision, revision.main, 1, lease}, bytes});
            naive_.add(key, {revision, bytes, false});
            ASSERT_EQ(index_.find(key)->lease(), lease);
        }
    }

    void compact() {
        floor_ += static_cast<int64_t>(rng_() % static_cast<uint64_t>(main_ - floor_ + 1));
        std::vector<Revision> removed;
        std::optional<Bytes> from = Bytes();
        const KeyIndex::SliceLimits limits{1 + rng_() % 50, 1 + rng_() % 50};
        while (from.has_value()) {
            KeyIndex::CompactedSlice slice = index_.compact_slice(*from, floor_, limits);
            ASSERT_LE(slice.removed.size(), limits.revisions_max);
            removed.insert(removed.end(), slice.removed.begin(), slice.removed.end());
            from = slice.resume;
        }
        std::vector<Revision> expected = naive_.compact(floor_);
        std::sort(expected.begin(), expected.end());
        std::sort(removed.begin(), removed.end());
        ASSERT_EQ(removed, expected);
    }

    void compare_all() {
        compare(index_, naive_, floor_, main_);
        compare_ranges(index_, naive_, rng_, make_key_);
    }

    void set_delete_percent(uint64_t percent) { delete_percent_ = percent; }

  private:
    std::mt19937_64 rng_;
    KeyMaker make_key_;
    KeyIndex index_;
    NaiveIndex naive_;
    int64_t main_ = 1;
    int64_t floor_ = 0;
    uint64_t delete_percent_ = 30;
};

class KeyIndexTwin : public testing::TestWithParam<std::pair<uint64_t, KeyMaker>> {};

TEST_P(KeyIndexTwin, AnswersAsTheFullHistoryDoes) {
    Driver driver(GetParam().first, GetParam().second);
    for (int round = 0; round < 12; ++round) {
        // Growing and shrinking rounds, so that nodes split as well as merge.
        driver.set_delete_percent(round % 4 == 3 ? 95 : 20);
        for (int i = 0; i < 1500; ++i) {
            driver.change();
        }
        driver.compare_all();
        driver.compact();
        driver.compare_all();
        if (HasFatalFailure()) {
            return;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Keys, KeyIndexTwin,
                         testing::Values(std::pair{1, &short_key}, std::pair{2, &path_key},
                                         std::pair{3, &path_key}, std::pair{4, &number_key}));

TEST(KeyIndex, AscendingKeysFillTheLeaves) {
    KeyIndex index;
    for (int i = 0; i < 5000; ++i) {
        char key[16];
        std::snprintf(key, sizeof key, "key%08d", i);
        index.put(index.locate(key), key, {{{i + 2, 0}, i + 2, 1, 0}, 1});
    }
    index.check_invariants();
    EXPECT_EQ(index.count_live({"key00001000", "key00002000"}), 1000U);
    EXPECT_EQ(index.count_live({"key00001000", Bytes(1, '\0')}), 4000U);
}

TEST(KeyIndex, EmptyAgainAfterEverythingIsCompacted) {
    KeyIndex index;
    for (int i = 0; i < 3000; ++i) {
        const std::string key = std::to_string(i);
        index.put(index.locate(key), key, {{{i + 2, 0}, i + 2, 1, 7}, 1});
    }
    for (int i = 0; i < 3000; ++i) {
        index.erase(index.locate(std::to_string(i)), {{i + 4000, 0}, 1, true});
    }
    const KeyIndex::CompactedSlice slice = index.compact_slice("", 100000, {100000, 100000});
    EXPECT_EQ(slice.removed.size(), 6000U);
    EXPECT_FALSE(slice.resume.has_value());
    index.check_invariants();
    EXPECT_TRUE(index.seek("").at_end());
    EXPECT_TRUE(index.seek_before(std::nullopt).at_end());
    EXPECT_EQ(index.stats(), KeyIndexStats());
}

TEST(KeyIndex, OneKeyWithMoreHistoryThanASliceTakes) {
    KeyIndex index;
    for (int i = 0; i < 100; ++i) {
        index.put(index.locate("k"), "k", {{{i + 2, 0}, 2, i + 1, 0}, 1});
    }
    const KeyIndex::CompactedSlice first = index.compact_slice("", 50, {10, 30});
    EXPECT_EQ(first.removed.size(), 30U);
    EXPECT_EQ(first.resume, "k");
    EXPECT_EQ(index.find("k")->at(50)->revision.main, 50);
    const KeyIndex::CompactedSlice second = index.compact_slice("k", 50, {10, 30});
    EXPECT_EQ(second.removed.size(), 18U);
    EXPECT_FALSE(second.resume.has_value());
    EXPECT_FALSE(index.find("k")->at(49).has_value());
    EXPECT_EQ(index.find("k")->at(50)->revision.main, 50);
    index.check_invariants();
}

}  // namespace
}  // namespace quorate::mvcc
