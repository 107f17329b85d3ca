// SPDX-License-Identifier: Apache-2.0
#include "raft/read_index.h"

#include <gtest/gtest.h>

namespace quorate::raft {
namespace {

const Configuration kThree{.voters = {1, 2, 3}};

std::vector<uint64_t> ids(const std::vector<ReadAnswer>& answers) {
    std::vector<uint64_t> ids;
    for (const ReadAnswer& answer : answers) {
        ids.push_back(answer.request.request_id);
    }
    return ids;
}

TEST(ReadIndexTest, AnAnswerConfirmsItsRoundAndEarlierOnes) {
    ReadIndex reads;
    for (uint64_t id = 1; id <= 3; ++id) {
        reads.add({1, id});
        EXPECT_EQ(id, reads.start_round(10 + id));
        reads.acknowledge(1, id);
    }
    EXPECT_TRUE(reads.take_confirmed(kThree).empty());
    reads.acknowledge(3, 2);
    const std::vector<ReadAnswer> answers = reads.take_confirmed(kThree);
    EXPECT_EQ((std::vector<uint64_t>{1, 2}), ids(answers));
    EXPECT_EQ(11u, answers[0].index);
    EXPECT_EQ(12u, answers[1].index);
    EXPECT_EQ(1u, reads.pending());
    reads.acknowledge(3, 1);
    EXPECT_TRUE(reads.take_confirmed(kThree).empty());
    reads.acknowledge(2, 3);
    EXPECT_EQ((std::vector<uint64_t>{3}), ids(reads.take_confirmed(kThree)));
    reads.check_invariants();
}

TEST(ReadIndexTest, OnlyVotersOfBothMajoritiesConfirm) {
    const Configuration joint{.voters = {1, 2, 3}, .voters_outgoing = {4}, .learners = {5}};
    ReadIndex reads;
    reads.add({1, 7});
    reads.start_round(10);
    reads.acknowledge(1, 1);
    reads.acknowledge(5, 1);
    reads.acknowledge(2, 1);
    EXPECT_TRUE(reads.take_confirmed(joint).empty());
    reads.acknowledge(4, 1);
    EXPECT_EQ((std::vector<uint64_t>{7}), ids(reads.take_confirmed(joint)));
}

TEST(ReadIndexTest, RoundsAreBounded) {
    ReadIndex reads;
    uint64_t id = 0;
    while (id < 100) {
        reads.add({1, ++id});
        if (reads.can_start_round()) {
            reads.start_round(10);
        }
    }
    EXPECT_EQ(ReadIndex::kRoundsMax, reads.last_round());
    EXPECT_EQ(100u, reads.pending());
    reads.acknowledge(1, 1);
    reads.acknowledge(2, 1);
    EXPECT_EQ((std::vector<uint64_t>{1}), ids(reads.take_confirmed(kThree)));
    // All that waited share the next one.
    EXPECT_TRUE(reads.can_start_round());
    reads.start_round(11);
    EXPECT_FALSE(reads.can_start_round());
    reads.acknowledge(1, reads.last_round());
    reads.acknowledge(2, reads.last_round());
    EXPECT_EQ(99u, reads.take_confirmed(kThree).size());
    reads.check_invariants();
}

}  // namespace
}  // namespace quorate::raft
