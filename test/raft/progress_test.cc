// SPDX-License-Identifier: Apache-2.0
#include "raft/progress.h"

#include <gtest/gtest.h>

namespace quorate::raft {
namespace {

constexpr Inflights::Limits kLimits{.messages_max = 3, .bytes_max = 100};

TEST(InflightsTest, IsFullByMessagesOrByBytes) {
    Inflights inflights(kLimits);
    inflights.add({1, 10});
    inflights.add({2, 10});
    EXPECT_FALSE(inflights.full());
    inflights.add({3, 10});
    EXPECT_TRUE(inflights.full());
    inflights.release_through(2);
    EXPECT_EQ(1u, inflights.count());
    EXPECT_EQ(10u, inflights.bytes());
    inflights.add({9, 500});
    EXPECT_TRUE(inflights.full());
    inflights.release_through(8);
    EXPECT_EQ(1u, inflights.count());
    inflights.release_through(9);
    EXPECT_EQ(0u, inflights.bytes());
    inflights.check_invariants();
}

TEST(ProgressTest, ProbesOnceThenStreams) {
    Progress progress(11, kLimits);
    EXPECT_TRUE(progress.may_send());
    progress.sent({15, 50, 9});
    EXPECT_FALSE(progress.may_send());
    EXPECT_EQ(11u, progress.next());
    EXPECT_TRUE(progress.accepted(15));
    EXPECT_EQ(ProgressState::kReplicate, progress.state());
    EXPECT_EQ(16u, progress.next());
    progress.sent({20, 50, 15});
    EXPECT_EQ(21u, progress.next());
    EXPECT_EQ(1u, progress.inflights().count());
    progress.check_invariants();
}

TEST(ProgressTest, RejectionGoesBackButNotBehindWhatIsKnown) {
    Progress progress(11, kLimits);
    progress.accepted(10);
    progress.sent({20, 50, 10});
    EXPECT_FALSE(progress.rejected({.previous_index = 9, .agreed = 2}));
    EXPECT_EQ(ProgressState::kReplicate, progress.state());
    EXPECT_TRUE(progress.rejected({.previous_index = 20, .agreed = 5}));
    EXPECT_EQ(ProgressState::kProbe, progress.state());
    EXPECT_EQ(11u, progress.next());
    // The second of two rejections of a stream asks about what is not asked any more.
    EXPECT_FALSE(progress.rejected({.previous_index = 20, .agreed = 5}));
    progress.check_invariants();
}

TEST(ProgressTest, TellsTheCommitIndexOnce) {
    Progress progress(11, kLimits);
    progress.accepted(10);
    EXPECT_TRUE(progress.commit_is_due(10));
    progress.sent({10, 0, 10});
    EXPECT_FALSE(progress.commit_is_due(10));
    EXPECT_FALSE(progress.commit_is_due(12));  // not sent yet, so nothing to commit there
    progress.sent({12, 20, 10});
    EXPECT_TRUE(progress.commit_is_due(12));
    // What was on its way may be lost: it has to be told again.
    progress.sent({12, 0, 12});
    progress.unreachable();
    progress.sent({11, 10, 10});
    progress.accepted(11);
    EXPECT_TRUE(progress.commit_is_due(12));
}

TEST(ProgressTest, WaitsForASnapshotToBeInstalled) {
    Progress progress(11, kLimits);
    progress.snapshot_sent(50);
    EXPECT_FALSE(progress.may_send());
    EXPECT_FALSE(progress.rejected({.previous_index = 10, .agreed = 0}));
    progress.heartbeat_answered(60);
    EXPECT_FALSE(progress.may_send());
    EXPECT_FALSE(progress.probe_is_due());
    progress.accepted(30);
    progress.leave_snapshot_from(41);
    EXPECT_EQ(ProgressState::kSnapshot, progress.state());
    // The log has been compacted up to 40 only, so from there entries will do.
    progress.accepted(40);
    progress.leave_snapshot_from(41);
    EXPECT_EQ(ProgressState::kReplicate, progress.state());
    EXPECT_EQ(41u, progress.next());
    progress.check_invariants();
}

}  // namespace
}  // namespace quorate::raft
