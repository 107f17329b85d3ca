// SPDX-License-Identifier: Apache-2.0
#include "raft/candidate.h"

#include "raft/confchange.h"

#include <algorithm>

namespace quorate::raft {

Candidate::Candidate(Core& core, Election election)
    : election_(election), timer_(core.config, core.random) {
    const uint64_t term = election.kind == VoteKind::kPreVote ? core.term + 1 : core.term;
    const VoteRequest request{election.kind, core.log.last(), core.committed(), election.transfer};
    for (const MemberId member : members(core.configuration)) {
        if (member != core.config.self && is_voter(core.configuration, member)) {
            core.send_in_term(member, term, request);
        }
    }
}

VoteResult Candidate::count(const Core& core, Ballot ballot) {
    const auto it = std::lower_bound(
        ballots_.begin(), ballots_.end(), ballot.member,
        [](const Ballot& counted, MemberId member) { return counted.member < member; });
    if (it == ballots_.end() || it->member != ballot.member) {
        ballots_.insert(it, ballot);
    }
    return vote_result(core.configuration, ballots_);
}

}  // namespace quorate::raft
