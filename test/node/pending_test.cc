// SPDX-License-Identifier: Apache-2.0
#include "node/pending.h"

#include "base/errors.h"
#include "recording_channel.h"

#include <gtest/gtest.h>

namespace quorate::node {
namespace {

Proposal proposal(uint64_t id, int64_t deadline_ns, RecordingChannel& channel) {
    Proposal proposal;
    proposal.id = id;
    proposal.deadline_ns = deadline_ns;
    proposal.waiter.reply = transport::Reply(&channel);
    return proposal;
}

TEST(Pending, GivesEachWaiterOnce) {
    RecordingChannel channel;
    Pending pending;
    pending.add(proposal(7, 100, channel), 1);
    EXPECT_FALSE(pending.take(8).reply);
    Waiter taken = pending.take(7);
    ASSERT_TRUE(taken.reply);
    taken.reply.reply("x");
    EXPECT_FALSE(pending.take(7).reply);
    EXPECT_EQ(pending.size(), 0u);
}

TEST(Pending, ExpiresThoseWhoseTimeIsOver) {
    RecordingChannel first;
    RecordingChannel second;
    RecordingChannel third;
    Pending pending;
    pending.add(proposal(1, 100, first), 1);
    pending.add(proposal(2, 200, second), 1);
    pending.add(proposal(3, 300, third), 1);
    pending.take(1).reply.reply("answered");
    EXPECT_EQ(pending.expire(250, errors::kTimeout), 1u);
    EXPECT_TRUE(second.status.is(errors::kTimeout));
    EXPECT_TRUE(first.status.ok());
    EXPECT_FALSE(third.done.load());
    pending.fail_all(errors::kStopped);
    EXPECT_TRUE(third.status.is(errors::kStopped));
    EXPECT_EQ(pending.size(), 0u);
}

TEST(Pending, TheRefusalOfAnOldLeaderComesTooLate) {
    RecordingChannel channel;
    Pending pending;
    pending.add(proposal(1, 100, channel), 2);
    std::vector<Proposal> lost = pending.take_lost(3);
    ASSERT_EQ(lost.size(), 1u);
    pending.add(std::move(lost[0]), 3);
    EXPECT_FALSE(pending.take_refused(1, 2).has_value());
    EXPECT_TRUE(pending.take_refused(1, 3).has_value());
    EXPECT_FALSE(pending.take_refused(1, 3).has_value());
}

TEST(Pending, ANewerTermGivesBackWhatOlderOnesWereGiven) {
    RecordingChannel first;
    RecordingChannel second;
    RecordingChannel third;
    Pending pending;
    pending.add(proposal(1, 100, first), 3);
    pending.add(proposal(2, 200, second), 3);
    pending.add(proposal(3, 300, third), 4);
    EXPECT_TRUE(pending.take_lost(3).empty());
    pending.take(1).reply.reply("came by");
    const std::vector<Proposal> lost = pending.take_lost(4);
    ASSERT_EQ(lost.size(), 1u);
    EXPECT_EQ(lost[0].id, 2u);
    EXPECT_FALSE(second.done.load());
    EXPECT_EQ(pending.size(), 1u);
    EXPECT_EQ(pending.take_lost(5).size(), 1u);
    EXPECT_EQ(pending.size(), 0u);
}

TEST(Pending, WhatWasTakenBackHasNoDeadlineHere) {
    RecordingChannel channel;
    Pending pending;
    pending.add(proposal(1, 100, channel), 1);
    EXPECT_TRUE(pending.take_refused(1, 1).has_value());
    EXPECT_FALSE(pending.take_refused(1, 1).has_value());
    EXPECT_EQ(pending.expire(1000, errors::kTimeout), 0u);
}

TEST(Admission, CountsRequestsAndBytesUntilTheTicketGoes) {
    Admission admission({.requests_max = 2, .bytes_max = 100});
    Admission::Ticket first = admission.enter(60);
    EXPECT_TRUE(first);
    EXPECT_FALSE(admission.enter(60));
    {
        const Admission::Ticket second = admission.enter(40);
        EXPECT_TRUE(second);
        EXPECT_FALSE(admission.enter(0));
    }
    EXPECT_EQ(admission.requests(), 1u);
    first = Admission::Ticket();
    EXPECT_EQ(admission.requests(), 0u);
    EXPECT_TRUE(admission.enter(1000));  // alone, whatever its size
}

TEST(Admission, HasMoreRoomForWhatHasPriority) {
    Admission admission({.requests_max = 2, .bytes_max = 96});
    constexpr auto kFirst = Admission::Rank::kPriority;
    const Admission::Ticket one = admission.enter(48);
    const Admission::Ticket two = admission.enter(48);
    EXPECT_FALSE(admission.enter(0));
    EXPECT_FALSE(admission.enter(13, kFirst));
    const Admission::Ticket three = admission.enter(6, kFirst);
    const Admission::Ticket four = admission.enter(6, kFirst);
    EXPECT_TRUE(three && four);
    EXPECT_FALSE(admission.enter(0, kFirst));
    EXPECT_EQ(admission.requests(), 4u);
}

}  // namespace
}  // namespace quorate::node
