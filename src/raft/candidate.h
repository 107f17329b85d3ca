// SPDX-License-Identifier: Apache-2.0
//
// A member that asks for votes, or for pre-votes (Raft §5.2, Raft thesis §9.6). Thread: raft loop.
#pragma once

#include "raft/core.h"
#include "raft/message.h"
#include "raft/quorum.h"

#include <vector>

namespace quorate::raft {

class Candidate {
  public:
    struct Election {
        VoteKind kind = VoteKind::kVote;
        bool transfer = false;  // started by the leader's TimeoutNow
    };

    // Asks all other voters. For a vote, core is in the new term and has its own vote.
    Candidate(Core& core, Election election);

    VoteKind kind() const { return election_.kind; }

    // Ticks; true when the election has lasted too long and a new one is due.
    bool tick() { return timer_.tick(); }
    // Who votes twice has its first answer counted.
    VoteResult count(const Core& core, Ballot ballot);

  private:
    Election election_;
    ElectionTimer timer_;
    std::vector<Ballot> ballots_;  // sorted by member
};

}  // namespace quorate::raft
