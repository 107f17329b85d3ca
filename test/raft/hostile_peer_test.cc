// SPDX-License-Identifier: Apache-2.0
//
// A peer that is broken may send anything that can be decoded. What comes out is not promised to be
// right, but this member must neither abort nor break its own invariants.
#include "raft/model_host.h"

#include <gtest/gtest.h>

#include <random>
#include <utility>

namespace quorate::raft {
namespace {

class HostilePeers {
  public:
    explicit HostilePeers(uint64_t seed) : random_(seed) {
        config_.self = 1;
        config_.seed = seed;
        config_.pre_vote = below(2) == 0;
        config_.check_quorum = below(2) == 0;
        config_.pending_reads_max = 10;
        raft_.emplace(config_, new_cluster({.voters = {1, 2, 3}, .learners = {4}}));
    }

    void turn() {
        switch (below(8)) {
            case 0:
                raft_->tick();
                break;
            case 1:
                static_cast<void>(raft_->propose(payload("x")));
                break;
            case 2:
                take_ready();
                break;
            case 3:
                raft_->report_snapshot(below(6), {.delivered = below(2) == 0});
                raft_->report_unreachable(below(6));
                break;
            default:
                refused_ += raft_->step(message()).ok() ? 0u : 1u;
        }
        raft_->check_invariants();
    }

    uint64_t refused() const { return refused_; }

  private:
    uint64_t below(uint64_t bound) { return random_() % bound; }
    // Near to what is true, or anything.
    uint64_t index() {
        return below(10) == 0 ? below(1000)
                              : raft_->committed() + below(8) - std::min<uint64_t>(4, below(8));
    }
    uint64_t term() { return raft_->term() + below(4) - std::min<uint64_t>(1, below(4)); }
    EntryId id() { return {below(3) == 0 ? term() : raft_->term_at(index()), index()}; }

    MessageBody body() {
        switch (below(12)) {
            case 0:
                return VoteRequest{static_cast<VoteKind>(below(2)), id(), id(), below(2) == 0};
            case 1:
                return VoteResponse{static_cast<VoteKind>(below(2)), below(2) == 0, id()};
            case 2:
            case 3:
                return append();
            case 4:
                return AppendResponse{index()};
            case 5:
                return AppendReject{index(), id()};
            case 6:
                return HeartbeatRequest{index(), below(5)};
            case 7:
                return HeartbeatResponse{below(5)};
            case 8:
                return SnapshotRequest{{id(), {.voters = {1 + below(3), 3}, .learners = {4}}}};
            case 9:
                return TimeoutNow{};
            case 10:
                return ReadIndexRequest{below(9)};
            default:
                return ReadIndexResponse{below(9), index()};
        }
    }

    AppendRequest append() {
        AppendRequest request{id(), index(), {}};
        EntryId last = request.previous;
        for (uint64_t i = below(4); i > 0; --i) {
            last = {last.term + below(2), last.index + (below(20) == 0 ? 2 : 1)};
            request.entries.push_back({last, EntryType::kNormal, nullptr});
        }
        return request;
    }

    Message message() { return {below(6), below(20) == 0 ? 2u : 1u, term(), body()}; }

    void take_ready() {
        const Ready ready = raft_->take_ready();
        if (ready.number != 0) {
            raft_->persisted(ready.number);
        }
        if (ready.snapshot.has_value()) {
            raft_->applied(ready.snapshot->id.index);
        }
        if (!ready.committed.empty()) {
            raft_->applied(ready.committed.back().id.index);
        }
        if (below(5) == 0) {
            raft_->compact_log(raft_->applied());
        }
    }

    std::mt19937_64 random_;
    Config config_;
    std::optional<Raft> raft_;
    uint64_t refused_ = 0;
};

TEST(HostilePeerTest, AnythingThatCanBeDecodedIsSurvived) {
    uint64_t refused = 0;
    for (uint64_t seed = 1; seed <= 100; ++seed) {
        HostilePeers peers(seed);
        for (int i = 0; i < 2000; ++i) {
            peers.turn();
        }
        refused += peers.refused();
    }
    EXPECT_GT(refused, 1000u);
}

}  // namespace
}  // namespace quorate::raft
