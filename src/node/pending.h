// SPDX-License-Identifier: Apache-2.0
//
// The proposals of this member that are on their way through the log, found by request id.
// Raft loop. Bounded by the node's admission.
//
// Each is given to the log of one term only: this member's own while it leads that term, or that of
// the term's leader, who takes it in no other term. Terms never fall along a log, so once an entry
// of a newer term is committed, a proposal that has not come by is in no log that counts and never
// will be. It can be proposed again then, without the danger of happening twice: a change of leader
// costs a client time, not an answer that leaves open what has happened.
#pragma once

#include "base/status.h"
#include "node/messages.h"

#include <cstdint>
#include <deque>
#include <unordered_map>
#include <vector>

namespace quorate::node {

class Pending {
  public:
    // `term`: whose log it was given to.
    void add(Proposal proposal, uint64_t term);
    // Who waits for the request; empty when nobody does, or nobody any more.
    Waiter take(uint64_t id);
    // The proposal itself, which the leader of `term` has not taken; empty when it is not known, or
    // was given to another term since. The answer of an old leader may come late, when a new one
    // has the proposal in its log:
    //   1. A sends a proposal to B in term 2. B is no leader any more and refuses; that takes long.
    //   2. An entry of term 3 is committed at A, which sends the proposal again, to C, who takes
    //   it.
    //   3. B's refusal arrives. Taken for an answer of C it would make A send a second copy.
    std::optional<Proposal> take_refused(uint64_t id, uint64_t term);
    // An entry of `term` is committed: takes back what older terms were given, oldest first.
    std::vector<Proposal> take_lost(uint64_t term);
    // Answers those whose deadline has passed and says how many. Deadlines are added in rising
    // order, but for those that were taken back.
    uint64_t expire(int64_t now_ns, const Status& status);
    // Answers all.
    void fail_all(const Status& status);
    size_t size() const { return waiting_.size(); }

  private:
    struct Waiting {
        Proposal proposal;
        uint64_t term;
    };
    struct Deadline {
        int64_t deadline_ns;
        uint64_t id;
    };
    std::optional<Proposal> take_back(uint64_t id);
    void forget_answered();

    std::unordered_map<uint64_t, Waiting> waiting_;
    std::deque<Deadline> deadlines_;  // holds ids that were answered meanwhile, too
    uint64_t oldest_term_ = 0;        // no waiting one was given to an older one
};

}  // namespace quorate::node
