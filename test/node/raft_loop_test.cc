// SPDX-License-Identifier: Apache-2.0
//
// How a leader with peers groups what it proposes, and what it leaves to the next leader.
#include "node/raft_loop.h"

#include "base/errors.h"
#include "node/no_peers.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace quorate::node {
namespace {

// Takes every message; keeps how many entries each had that went to member 2, and how many
// proposals were forwarded.
class RecordingPeers final : public PeerLinks {
  public:
    std::vector<size_t> take_sent() { return std::exchange(sent_, {}); }
    size_t take_forwarded() { return std::exchange(forwarded_, 0); }

    bool send(const raft::Message& message) override {
        const auto* append = std::get_if<raft::AppendRequest>(&message.body);
        if (message.to == 2 && append != nullptr && !append->entries.empty()) {
            sent_.push_back(append->entries.size());
        }
        return true;
    }
    bool send(const wire::Proposals& proposals) override {
        forwarded_ += proposals.proposals.size();
        return true;
    }
    bool send(const wire::ProposalsRefused&) override { return true; }
    void set_members(std::shared_ptr<const cluster::List>) override {}
    void meet(cluster::Member) override {}
    void send_snapshot(const raft::Message&) override {}
    void call(raft::MemberId, ByteView, ByteView, uint64_t, Done done) override {
        done(Status(errors::kNoLeader));
    }
    std::optional<int64_t> connected_since_ns(raft::MemberId) const override { return {}; }
    void flush() override {}
    void tick(int64_t) override {}

  private:
    std::vector<size_t> sent_;
    size_t forwarded_ = 0;
};

class NoWriter final : public LogWriter {
  public:
    void write_and_sync(std::vector<LogWrite>&) override { FAIL() << "peers need the wal loop"; }
};

class GatheringTest : public testing::Test {
  protected:
    static constexpr uint64_t kTerm = 2;

    GatheringTest()
        : loop_(config(), raft::new_cluster({{1, 2, 3}, {}, {}, {}, false}), options(),
                {apply_, wal_, pool_, writer_, status_, peers_, [] {}}) {
        loop_.campaign();
        turn();
        write_ends();
        answer(raft::VoteResponse{raft::VoteKind::kVote, true, {1, 1}});
        write_ends();
        peers_.take_sent();
        answer(raft::AppendResponse{loop_.raft().last_index()});
    }

    static raft::Config config() {
        raft::Config config;
        config.self = 1;
        config.pre_vote = false;
        return config;
    }
    static RaftLoopOptions options() {
        RaftLoopOptions options;
        options.gather_entries = 3;
        options.catchup_entries = 0;
        return options;
    }

    template <typename... Inputs>
    void turn(Inputs... input) {
        std::vector<RaftInput> inputs;
        (inputs.emplace_back(std::move(input)), ...);
        loop_.handle(inputs, now_ns_, false);
    }
    template <typename Body>
    void answer(const Body& body) {
        turn(wire::PeerMessage(raft::Message{2, 1, kTerm, body}));
    }
    // The writes that were handed over so far are synced; one message tells, as one sync does.
    void write_ends() {
        std::vector<LogWrite> writes;
        wal_.take(writes);
        ASSERT_FALSE(writes.empty());
        for (const LogWrite& write : writes) {
            turn(Persisted{write.ready_number});
        }
    }
    static Proposal proposal(uint64_t led_term = 0) {
        static uint64_t id = 100;
        Proposal proposal;
        proposal.led_term = led_term;
        proposal.id = ++id;
        proposal.payload = std::make_shared<const Bytes>("put");
        proposal.deadline_ns = 1'000'000'000'000;
        return proposal;
    }

    int64_t now_ns_ = 1;
    Waker waker_;
    Mailbox<ApplyInput> apply_{1000, waker_};
    Mailbox<LogWrite> wal_{1000, waker_};
    Mailbox<Task<>> pool_{1000, waker_};
    NoWriter writer_;
    NodeStatus status_;
    RecordingPeers peers_;
    RaftLoop loop_;
};

TEST_F(GatheringTest, AFewEntriesUnderWayKeepNobodyWaiting) {
    ASSERT_EQ(loop_.raft().role(), raft::Role::kLeader);
    turn(proposal());
    turn(proposal());
    turn(proposal());
    EXPECT_EQ(peers_.take_sent(), (std::vector<size_t>{1, 1, 1}));
}

TEST_F(GatheringTest, WithManyUnderWayTheRestGoesTogetherWhenTheWriteEnds) {
    turn(proposal(), proposal(), proposal());
    EXPECT_EQ(peers_.take_sent(), (std::vector<size_t>{3}));
    EXPECT_TRUE(status_.gathers_proposals);
    turn(proposal());
    turn(proposal(), proposal());
    loop_.tick(2);
    EXPECT_EQ(peers_.take_sent(), std::vector<size_t>{});
    EXPECT_EQ(loop_.pending(), 3u);
    write_ends();
    EXPECT_EQ(peers_.take_sent(), (std::vector<size_t>{3}));
    EXPECT_EQ(loop_.pending(), 0u);
}

TEST_F(GatheringTest, AQuorumWithoutTheLeaderIsEnoughToGoOn) {
    turn(proposal(), proposal(), proposal());
    turn(proposal());
    EXPECT_EQ(peers_.take_sent(), (std::vector<size_t>{3}));
    const uint64_t last = loop_.raft().last_index();
    turn(wire::PeerMessage(raft::Message{3, 1, kTerm, raft::AppendResponse{last}}));
    answer(raft::AppendResponse{last});
    EXPECT_EQ(loop_.raft().committed(), last);
    EXPECT_EQ(peers_.take_sent(), (std::vector<size_t>{1}));
    EXPECT_FALSE(status_.gathers_proposals);
}

TEST_F(GatheringTest, WhatGathersGoesToTheNextLeader) {
    turn(proposal(), proposal(), proposal());
    turn(proposal());
    EXPECT_EQ(loop_.pending(), 1u);
    turn(wire::PeerMessage(raft::Message{2, 1, kTerm + 1, raft::HeartbeatRequest{1, 0}}));
    EXPECT_EQ(loop_.raft().leader(), 2u);
    EXPECT_EQ(loop_.pending(), 0u);  // nobody waits for it here
    EXPECT_EQ(peers_.take_forwarded(), 1u);
    EXPECT_FALSE(status_.gathers_proposals);
}

// A lease has run out by the clock of a leader that has slept: not by that of the next one.
TEST_F(GatheringTest, WhatRestsOnTheClockOfATermGoesToNoOtherOne) {
    turn(proposal(), proposal(), proposal());
    turn(proposal(kTerm), proposal(kTerm));
    EXPECT_EQ(loop_.pending(), 2u);
    turn(wire::PeerMessage(raft::Message{2, 1, kTerm + 1, raft::HeartbeatRequest{1, 0}}));
    EXPECT_EQ(loop_.raft().leader(), 2u);
    turn(proposal(kTerm), proposal());
    EXPECT_EQ(loop_.pending(), 0u);
    EXPECT_EQ(peers_.take_forwarded(), 1u);
}

TEST_F(GatheringTest, WhatRestsOnTheClockOfATermGoesIntoItsLog) {
    turn(proposal(kTerm));
    EXPECT_EQ(peers_.take_sent(), (std::vector<size_t>{1}));
    turn(proposal(kTerm - 1));
    EXPECT_EQ(peers_.take_sent(), std::vector<size_t>{});
}

TEST_F(GatheringTest, MayRenewLeasesForAnElectionTimeoutAfterAQuorumWasAsked) {
    EXPECT_EQ(status_.may_renew_until_ms, 0);
    now_ns_ = 5'000'000'000;
    turn(ReadRequest{[](const Status&) {}, 9'000'000'000});
    now_ns_ = 5'700'000'000;
    answer(raft::HeartbeatResponse{1});  // the first round's number
    EXPECT_EQ(status_.may_renew_until_ms, 6000);
    turn(wire::PeerMessage(raft::Message{2, 1, kTerm + 1, raft::HeartbeatRequest{1, 0}}));
    EXPECT_EQ(status_.may_renew_until_ms, 0);
    EXPECT_FALSE(status_.leads());
}

TEST_F(GatheringTest, ASnapshotMayComeInTheTurnOfAnEntrysEnd) {
    turn(wire::PeerMessage(raft::Message{2, 1, kTerm + 1, raft::HeartbeatRequest{1, 0}}));
    const raft::Snapshot snapshot{{kTerm + 1, 50}, {{1, 2, 3}, {}, {}, {}, false}};
    turn(SnapshotArrived{raft::Message{2, 1, kTerm + 1, raft::SnapshotRequest{snapshot}}},
         Applied{1});
    EXPECT_EQ(loop_.raft().log_start().index, 50u);
}

}  // namespace
}  // namespace quorate::node
