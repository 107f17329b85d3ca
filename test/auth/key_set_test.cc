// SPDX-License-Identifier: Apache-2.0
#include "auth/key_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace quorate::auth {
namespace {

using Spans = std::vector<KeySpan>;

constexpr ByteView kToTheEnd("\0", 1);

TEST(KeySet, HasWhatItWasMadeOf) {
    const KeySet set(Spans{{"b", {}}, {"d", "f"}});
    EXPECT_TRUE(set.contains({"b", {}}));
    EXPECT_FALSE(set.contains({"a", {}}));
    EXPECT_FALSE(set.contains({ByteView("b\0", 2), {}}));
    EXPECT_TRUE(set.contains({"d", {}}));
    EXPECT_TRUE(set.contains({"dzz", {}}));
    EXPECT_FALSE(set.contains({"f", {}}));
    EXPECT_TRUE(set.contains({"d", "f"}));
    EXPECT_TRUE(set.contains({"e", "ez"}));
    EXPECT_FALSE(set.contains({"d", "fa"}));
    EXPECT_FALSE(set.contains({"b", "e"}));
    EXPECT_FALSE(set.contains({"e", kToTheEnd}));
}

TEST(KeySet, SpansThatTouchAreOne) {
    const KeySet set(Spans{{"c", "e"}, {"a", "c"}, {"e", {}}});
    EXPECT_TRUE(set.contains({"a", "e"}));
    EXPECT_TRUE(set.contains({"b", ByteView("e\0", 2)}));
    EXPECT_FALSE(set.contains({"b", "ea"}));
    EXPECT_FALSE(KeySet(Spans{{"a", "c"}, {"d", "e"}}).contains({"a", "e"}));
}

TEST(KeySet, OpenEndsReachToTheEnd) {
    const KeySet set(Spans{{"m", kToTheEnd}, {"p", "q"}});
    EXPECT_TRUE(set.contains({"m", kToTheEnd}));
    EXPECT_TRUE(set.contains({"z", kToTheEnd}));
    EXPECT_TRUE(set.contains({"n", "zzz"}));
    EXPECT_FALSE(set.contains({"l", kToTheEnd}));
    EXPECT_TRUE(KeySet(Spans{{ByteView("\0", 1), kToTheEnd}}).contains({"anything", kToTheEnd}));
}

TEST(KeySet, ASpanOfNothingNeedsItsFirstKey) {
    const KeySet set(Spans{{"b", "d"}});
    EXPECT_TRUE(set.contains({"c", "a"}));
    EXPECT_FALSE(set.contains({"x", "a"}));
    EXPECT_FALSE(KeySet().contains({"x", "a"}));
    EXPECT_TRUE(KeySet(Spans{{"d", "b"}}).empty());
}

// The twin holds every key that there can be: all texts of up to three of two letters.
class AllKeys {
  public:
    AllKeys() {
        keys_ = {"a", "b"};
        for (size_t at = 0; at < keys_.size(); ++at) {
            if (keys_[at].size() < 3) {
                const std::string key = keys_[at];
                keys_.push_back(key + "a");
                keys_.push_back(key + "b");
            }
        }
    }

    std::set<std::string> in(const KeySpan& span) const {
        std::set<std::string> found;
        for (const std::string& key : keys_) {
            const bool inside = span.is_single()
                                    ? key == span.key
                                    : key >= span.key && (span.is_open_ended() || key < span.end);
            if (inside) {
                found.insert(key);
            }
        }
        return found;
    }
    const std::string& pick(std::mt19937& random) const { return keys_[random() % keys_.size()]; }

  private:
    std::vector<std::string> keys_;
};

TEST(KeySet, AgreesWithASetOfKeys) {
    const AllKeys all;
    std::mt19937 random(7);
    size_t allowed = 0;
    for (int round = 0; round < 3000; ++round) {
        std::vector<std::string> texts;
        texts.reserve(12);
        const auto span = [&]() -> KeySpan {
            const std::string& begin = texts.emplace_back(all.pick(random));
            switch (random() % 4) {
                case 0:
                    return {begin, {}};
                case 1:
                    return {begin, kToTheEnd};
                default:
                    return {begin, texts.emplace_back(all.pick(random))};
            }
        };
        std::vector<KeySpan> spans;
        std::set<std::string> granted;
        for (size_t i = 0; i < 1 + random() % 5; ++i) {
            spans.push_back(span());
            granted.merge(all.in(spans.back()));
        }
        const KeySet set(spans);
        set.check_invariants();
        const KeySpan asked = span();
        if (asked.is_empty()) {
            continue;
        }
        const std::set<std::string> wanted = all.in(asked);
        const bool covered =
            std::includes(granted.begin(), granted.end(), wanted.begin(), wanted.end());
        // What is allowed must be covered. The other way round holds where keys stand for all keys
        // between them, which single ones do.
        if (set.contains(asked)) {
            EXPECT_TRUE(covered);
            ++allowed;
        } else if (asked.is_single()) {
            EXPECT_FALSE(covered);
        }
    }
    EXPECT_GT(allowed, 500u);
}

}  // namespace
}  // namespace quorate::auth
