// SPDX-License-Identifier: Apache-2.0
//
// A leader's linearizable reads (Raft thesis §6.4). Requests wait until a round starts; a round
// takes the commit index and all that wait, and is confirmed when a quorum has answered a heartbeat
// of this or a later round: then nobody else was leader when the round began. Thread: raft loop.
//
// Each round has its own number, so an answer to an older heartbeat that was delayed confirms only
// the reads that were there before that heartbeat was sent.
#pragma once

#include "raft/quorum.h"
#include "raft/types.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace quorate::raft {

struct ReadRequest {
    MemberId from = kNobody;
    uint64_t request_id = 0;
};

struct ReadAnswer {
    ReadRequest request;
    uint64_t index = 0;
};

class ReadIndex {
  public:
    // Rounds that wait for their answers at the same time; later requests wait for the next round.
    static constexpr size_t kRoundsMax = 16;

    void add(ReadRequest request);
    size_t pending() const { return pending_; }  // in rounds and waiting
    bool can_start_round() const { return !waiting_.empty() && rounds_.size() < kRoundsMax; }

    // Returns the round's number, counting up from 1.
    uint64_t start_round(uint64_t committed);
    uint64_t last_round() const { return last_round_; }
    // A round of no reads: whoever answers its number has got a heartbeat that was sent after this.
    uint64_t start_empty_round() { return ++last_round_; }

    void acknowledge(MemberId member, uint64_t round);
    // The answers of all rounds that a quorum has acknowledged, oldest first.
    std::vector<ReadAnswer> take_confirmed(const Configuration& configuration);

    void check_invariants() const;

  private:
    struct Round {
        uint64_t number = 0;
        uint64_t index = 0;
        std::vector<ReadRequest> requests;
    };

    std::vector<ReadRequest> waiting_;
    std::deque<Round> rounds_;
    std::vector<Ack> acks_;  // the last round each member has answered
    uint64_t last_round_ = 0;
    size_t pending_ = 0;
};

}  // namespace quorate::raft
