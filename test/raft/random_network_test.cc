// SPDX-License-Identifier: Apache-2.0
//
// QUORATE_RAFT_SEEDS=first:count runs these seeds instead of the fixed ones.
#include "raft/random_network.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iterator>
#include <string>
#include <vector>

namespace quorate::raft {
namespace {

// Each of these is the first to show one of the mistakes that were put into the code on trial: a
// vote that is answered before it is on the disk (11), an entry of an older term that is committed
// by counting (63), reads without a round (30), one majority instead of two (23, 87), a candidate
// with a membership change to apply (71), entries that are appended without a look at the one
// before (15).
constexpr uint64_t kFixedSeeds[] = {1, 4, 11, 12, 15, 23, 30, 63, 71, 87};

std::vector<uint64_t> chosen_seeds() {
    const char* text = std::getenv("QUORATE_RAFT_SEEDS");
    if (text == nullptr) {
        return {std::begin(kFixedSeeds), std::end(kFixedSeeds)};
    }
    const std::string range = text;
    const uint64_t first = std::stoull(range);
    const uint64_t count = std::stoull(range.substr(range.find(':') + 1));
    std::vector<uint64_t> seeds;
    for (uint64_t seed = first; seed < first + count; ++seed) {
        seeds.push_back(seed);
    }
    return seeds;
}

// Returns what was done, to show that the seeds reach everything.
RandomNetwork::Counts run(RandomNetwork::Options options) {
    RandomNetwork::Counts sum;
    for (const uint64_t seed : chosen_seeds()) {
        options.seed = seed;
        RandomNetwork network(options);
        try {
            network.run();
        } catch (const Violation& violation) {
            ADD_FAILURE() << violation.what() << "; QUORATE_RAFT_SEEDS=" << seed << ":1, "
                          << options.first_members << " of " << options.all_members << " members";
        }
        sum.committed += network.counts().committed;
        sum.crashes += network.counts().crashes;
        sum.snapshots += network.counts().snapshots;
        sum.reads += network.counts().reads;
        sum.conf_changes += network.counts().conf_changes;
        sum.transfers += network.counts().transfers;
    }
    return sum;
}

TEST(RandomNetworkTest, OneMemberKeepsWhatItCommits) {
    const auto counts = run({.first_members = 1, .all_members = 1, .steps = 1000});
    EXPECT_GT(counts.committed, 0u);
    EXPECT_GT(counts.crashes, 0u);
    EXPECT_GT(counts.reads, 0u);
}

TEST(RandomNetworkTest, ThreeMembersAgree) {
    const auto counts = run({.first_members = 3, .all_members = 3});
    EXPECT_GT(counts.committed, 0u);
    EXPECT_GT(counts.snapshots, 0u);
    EXPECT_GT(counts.reads, 0u);
}

TEST(RandomNetworkTest, ThreeMembersAndTwoThatJoinAgree) {
    const auto counts = run({.first_members = 3, .all_members = 5});
    EXPECT_GT(counts.conf_changes, 0u);
    EXPECT_GT(counts.transfers, 0u);
}

TEST(RandomNetworkTest, FiveMembersAgree) {
    const auto counts = run({.first_members = 5, .all_members = 5});
    EXPECT_GT(counts.committed, 0u);
    EXPECT_GT(counts.crashes, 0u);
}

}  // namespace
}  // namespace quorate::raft
