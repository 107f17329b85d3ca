// SPDX-License-Identifier: Apache-2.0
#include "raft/quorum.h"

#include "base/assert.h"

#include <algorithm>
#include <array>
#include <vector>

namespace quorate::raft {

namespace {

// More voters than this are possible, but then each answer costs an allocation.
constexpr size_t kUsualVotersMax = 16;

const Ack* find(std::span<const Ack> acks, MemberId member) {
    const auto it = std::lower_bound(acks.begin(), acks.end(), member,
                                     [](const Ack& ack, MemberId id) { return ack.member < id; });
    return it != acks.end() && it->member == member ? &*it : nullptr;
}

const Ballot* find(std::span<const Ballot> ballots, MemberId member) {
    const auto it =
        std::lower_bound(ballots.begin(), ballots.end(), member,
                         [](const Ballot& ballot, MemberId id) { return ballot.member < id; });
    return it != ballots.end() && it->member == member ? &*it : nullptr;
}

uint64_t majority_index(const std::vector<MemberId>& voters, std::span<const Ack> acks) {
    std::array<uint64_t, kUsualVotersMax> usual;
    std::vector<uint64_t> many;
    std::span<uint64_t> indexes(usual.data(), std::min(voters.size(), usual.size()));
    if (voters.size() > usual.size()) {
        many.resize(voters.size());
        indexes = many;
    }
    for (size_t i = 0; i < voters.size(); ++i) {
        const Ack* ack = find(acks, voters[i]);
        indexes[i] = ack == nullptr ? 0 : ack->index;
    }
    // Of n indexes in rising order, n / 2 + 1 are at or above this one.
    std::sort(indexes.begin(), indexes.end());
    return indexes[(indexes.size() - 1) / 2];
}

VoteResult majority_vote(const std::vector<MemberId>& voters, std::span<const Ballot> ballots) {
    const size_t needed = voters.size() / 2 + 1;
    size_t granted = 0;
    size_t pending = 0;
    for (const MemberId voter : voters) {
        const Ballot* ballot = find(ballots, voter);
        if (ballot == nullptr) {
            ++pending;
        } else if (ballot->granted) {
            ++granted;
        }
    }
    if (granted >= needed) {
        return VoteResult::kWon;
    }
    return granted + pending >= needed ? VoteResult::kPending : VoteResult::kLost;
}

}  // namespace

uint64_t committed_index(const Configuration& configuration, std::span<const Ack> acks) {
    QUORATE_ASSERT(!configuration.voters.empty());
    const uint64_t incoming = majority_index(configuration.voters, acks);
    if (!configuration.joint()) {
        return incoming;
    }
    return std::min(incoming, majority_index(configuration.voters_outgoing, acks));
}

VoteResult vote_result(const Configuration& configuration, std::span<const Ballot> ballots) {
    QUORATE_ASSERT(!configuration.voters.empty());
    const VoteResult incoming = majority_vote(configuration.voters, ballots);
    if (!configuration.joint() || incoming == VoteResult::kLost) {
        return incoming;
    }
    const VoteResult outgoing = majority_vote(configuration.voters_outgoing, ballots);
    if (outgoing == VoteResult::kLost || incoming == VoteResult::kWon) {
        return outgoing;
    }
    return VoteResult::kPending;
}

}  // namespace quorate::raft
