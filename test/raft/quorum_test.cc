// SPDX-License-Identifier: Apache-2.0
#include "raft/quorum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

namespace quorate::raft {
namespace {

// The naive twin: tries every index and counts who has it.
uint64_t naive_majority(const std::vector<MemberId>& voters,
                        const std::map<MemberId, uint64_t>& acks) {
    uint64_t best = 0;
    for (uint64_t index = 1; index <= 30; ++index) {
        size_t count = 0;
        for (const MemberId voter : voters) {
            const auto it = acks.find(voter);
            count += it != acks.end() && it->second >= index ? 1u : 0u;
        }
        if (2 * count > voters.size()) {
            best = index;
        }
    }
    return best;
}

uint64_t naive_committed(const Configuration& configuration,
                         const std::map<MemberId, uint64_t>& acks) {
    const uint64_t incoming = naive_majority(configuration.voters, acks);
    return configuration.joint()
               ? std::min(incoming, naive_majority(configuration.voters_outgoing, acks))
               : incoming;
}

// The naive twin: an election is won if nobody can lose it any more, and the other way round.
bool has_majority(const std::vector<MemberId>& voters, const std::map<MemberId, bool>& ballots) {
    size_t granted = 0;
    for (const MemberId voter : voters) {
        const auto it = ballots.find(voter);
        granted += it != ballots.end() && it->second ? 1u : 0u;
    }
    return voters.empty() || 2 * granted > voters.size();
}

bool is_elected(const Configuration& configuration, const std::map<MemberId, bool>& ballots) {
    return has_majority(configuration.voters, ballots) &&
           has_majority(configuration.voters_outgoing, ballots);
}

VoteResult naive_result(const Configuration& configuration,
                        const std::map<MemberId, bool>& ballots) {
    if (is_elected(configuration, ballots)) {
        return VoteResult::kWon;
    }
    std::map<MemberId, bool> hopeful = ballots;
    for (const auto* voters : {&configuration.voters, &configuration.voters_outgoing}) {
        for (const MemberId voter : *voters) {
            hopeful.try_emplace(voter, true);
        }
    }
    return is_elected(configuration, hopeful) ? VoteResult::kPending : VoteResult::kLost;
}

class RandomCase {
  public:
    explicit RandomCase(uint64_t seed) : random_(seed) {}

    uint64_t below(uint64_t bound) { return random_() % bound; }

    std::vector<MemberId> some(uint64_t least, uint64_t most) {
        std::vector<MemberId> members;
        const uint64_t count = least + below(most - least + 1);
        while (members.size() < count) {
            const MemberId member = 1 + below(24);
            if (std::find(members.begin(), members.end(), member) == members.end()) {
                members.push_back(member);
            }
        }
        std::sort(members.begin(), members.end());
        return members;
    }

    Configuration configuration() {
        Configuration configuration;
        // Now and then more than the usual number of voters.
        configuration.voters = some(1, below(10) == 0 ? 20 : 7);
        if (below(2) == 0) {
            configuration.voters_outgoing = some(1, 7);
        }
        return configuration;
    }

  private:
    std::mt19937_64 random_;
};

TEST(QuorumTest, CommittedIndexIsWhatCountingSays) {
    RandomCase random(1);
    for (int i = 0; i < 20000; ++i) {
        const Configuration configuration = random.configuration();
        std::map<MemberId, uint64_t> acks;
        std::vector<Ack> list;
        for (const MemberId member : random.some(0, 24)) {
            acks[member] = random.below(30);
            list.push_back({member, acks[member]});
        }
        ASSERT_EQ(naive_committed(configuration, acks), committed_index(configuration, list));
    }
}

TEST(QuorumTest, VoteResultIsWhatCountingSays) {
    RandomCase random(2);
    for (int i = 0; i < 20000; ++i) {
        const Configuration configuration = random.configuration();
        std::map<MemberId, bool> ballots;
        std::vector<Ballot> list;
        for (const MemberId member : random.some(0, 24)) {
            ballots[member] = random.below(3) > 0;
            list.push_back({member, ballots[member]});
        }
        ASSERT_EQ(naive_result(configuration, ballots), vote_result(configuration, list));
    }
}

}  // namespace
}  // namespace quorate::raft
