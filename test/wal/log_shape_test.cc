// SPDX-License-Identifier: Apache-2.0
#include "wal/log_shape.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace quorate::wal {
namespace {

raft::EntryId id(uint64_t term, uint64_t index) {
    return {.term = term, .index = index};
}

TEST(LogShapeTest, ANewLogTakesTheFirstEntryOnly) {
    const LogShape shape;
    EXPECT_TRUE(shape.accepts(id(1, 1)));
    EXPECT_FALSE(shape.accepts(id(1, 0)));
    EXPECT_FALSE(shape.accepts(id(1, 2)));
}

TEST(LogShapeTest, TermsDoNotFall) {
    LogShape shape;
    shape.append(id(2, 1));
    shape.append(id(2, 2));
    EXPECT_FALSE(shape.accepts(id(1, 3)));
    EXPECT_FALSE(shape.accepts(id(1, 2)));
    EXPECT_TRUE(shape.accepts(id(1, 1)));
    EXPECT_TRUE(shape.accepts(id(3, 2)));
}

TEST(LogShapeTest, ReplacingCutsWhatIsBehind) {
    LogShape shape;
    for (uint64_t i = 1; i <= 5; ++i) {
        shape.append(id(1, i));
    }
    shape.append(id(3, 3));
    EXPECT_EQ(shape.last(), id(3, 3));
    EXPECT_EQ(shape.term_at(2), 1u);
    EXPECT_EQ(shape.term_at(3), 3u);
    EXPECT_EQ(shape.term_at(4), std::nullopt);
}

TEST(LogShapeTest, AMarkInsideKeepsWhatIsBehindIt) {
    LogShape shape;
    for (uint64_t i = 1; i <= 5; ++i) {
        shape.append(id(i < 3 ? 1 : 2, i));
    }
    EXPECT_FALSE(shape.set_mark(id(2, 3)));
    EXPECT_EQ(shape.last(), id(2, 5));
    EXPECT_EQ(shape.term_at(2), std::nullopt);
    EXPECT_EQ(shape.term_at(4), 2u);
    EXPECT_FALSE(shape.accepts(id(9, 3)));
    EXPECT_FALSE(shape.accepts_mark(id(2, 2)));
    EXPECT_FALSE(shape.accepts_mark(id(1, 4)));
    EXPECT_TRUE(shape.accepts_mark(id(2, 3)));
}

TEST(LogShapeTest, AMarkBeyondTheEndOrOfAnotherTermStartsAnew) {
    LogShape shape;
    shape.append(id(1, 1));
    EXPECT_TRUE(shape.set_mark(id(2, 10)));
    EXPECT_EQ(shape.last(), id(2, 10));
    shape.append(id(2, 11));
    shape.append(id(2, 12));
    EXPECT_TRUE(shape.set_mark(id(3, 11)));
    EXPECT_EQ(shape.last(), id(3, 11));
    EXPECT_TRUE(shape.accepts(id(3, 12)));
}

TEST(LogShapeTest, WhatWasNeverSeenIsTakenAsItWas) {
    LogShape shape(id(2, 10), id(4, 20));
    EXPECT_EQ(shape.term_at(10), 2u);
    EXPECT_EQ(shape.term_at(15), std::nullopt);
    EXPECT_EQ(shape.term_at(20), 4u);
    EXPECT_FALSE(shape.set_mark(id(3, 15)));
    shape.append(id(5, 17));
    EXPECT_EQ(shape.last(), id(5, 17));
    shape.check_invariants();
}

// Against a map of all terms.
TEST(LogShapeTest, AgreesWithAMap) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
        std::mt19937_64 random(seed);
        LogShape shape;
        std::map<uint64_t, uint64_t> terms = {{0, 0}};  // from the mark on
        for (int step = 0; step < 200; ++step) {
            const uint64_t mark = terms.begin()->first;
            const uint64_t last = terms.rbegin()->first;
            const raft::EntryId next = id(1 + random() % 20, mark + random() % (last - mark + 3));
            const auto before = terms.find(next.index - 1);
            const bool expected =
                next.index > mark && before != terms.end() && before->second <= next.term;
            ASSERT_EQ(shape.accepts(next), expected);
            if (expected) {
                shape.append(next);
                terms.erase(terms.lower_bound(next.index), terms.end());
                terms[next.index] = next.term;
            }
            if (random() % 8 == 0) {
                const auto at = terms.find(mark + random() % (last - mark + 3));
                const raft::EntryId new_mark =
                    at != terms.end() && random() % 4 != 0
                        ? id(at->second, at->first)
                        : id(terms.rbegin()->second + 1, mark + 1 + random() % (last - mark + 3));
                const auto known = terms.find(new_mark.index);
                const bool anew = known == terms.end() || known->second != new_mark.term;
                ASSERT_TRUE(shape.accepts_mark(new_mark));
                ASSERT_EQ(shape.set_mark(new_mark), anew);
                if (anew) {
                    terms = {{new_mark.index, new_mark.term}};
                } else {
                    terms.erase(terms.begin(), terms.find(new_mark.index));
                }
            }
            shape.check_invariants();
            for (const auto& [index, term] : terms) {
                ASSERT_EQ(shape.term_at(index), term);
            }
        }
    }
}

}  // namespace
}  // namespace quorate::wal
