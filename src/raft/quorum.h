// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic of majorities. While a configuration is joint, both of its majorities have to agree
// (Raft thesis §4.3). Pure functions, any thread.
#pragma once

#include "raft/types.h"

#include <cstdint>
#include <span>

namespace quorate::raft {

// "This member has everything up to index." Lists of them are sorted by member, each at most once;
// a member that is not listed has acknowledged 0. Members without a vote are ignored.
struct Ack {
    MemberId member = kNobody;
    uint64_t index = 0;

    friend bool operator==(const Ack&, const Ack&) = default;
};

// The highest index that a quorum has acknowledged. The configuration has voters.
uint64_t committed_index(const Configuration& configuration, std::span<const Ack> acks);

enum class VoteResult : uint8_t { kPending = 0, kWon = 1, kLost = 2 };

struct Ballot {
    MemberId member = kNobody;
    bool granted = false;

    friend bool operator==(const Ballot&, const Ballot&) = default;
};

// Sorted and ignored as above; who is not listed has not answered yet.
VoteResult vote_result(const Configuration& configuration, std::span<const Ballot> ballots);

}  // namespace quorate::raft
