// SPDX-License-Identifier: Apache-2.0
//
// Ten seeds that every change has to live through, and the simulator's own promise: a seed is a
// run.
#include "sim/runner.h"
#include "sim/world.h"

#include <gtest/gtest.h>

namespace quorate::sim {
namespace {

WorldOptions short_run(uint64_t seed) {
    WorldOptions options;
    options.seed = seed;
    options.trouble_ms = 5000;
    options.kv_clients = 3;
    options.watchers = 3;
    return options;
}

struct Seed {
    uint64_t seed;
    uint64_t members;
    uint64_t spares = 0;
};

class FixedSeed : public testing::TestWithParam<Seed> {};

TEST_P(FixedSeed, EverythingComesRightAgain) {
    WorldOptions options = short_run(GetParam().seed);
    options.members = GetParam().members;
    options.spares = GetParam().spares;
    const Outcome outcome = run_in_child(options);
    EXPECT_TRUE(outcome.ok) << "sim" << arguments_of(options) << "\n" << outcome.violation;
    EXPECT_GT(outcome.counts.calls, 20u);
    EXPECT_GT(outcome.counts.events, 0u);
    EXPECT_EQ(outcome.counts.undecided, 0u);
}

INSTANTIATE_TEST_SUITE_P(Members, FixedSeed,
                         testing::Values(Seed{1, 1}, Seed{2, 1}, Seed{3, 1}, Seed{4, 1}, Seed{5, 3},
                                         Seed{6, 3}, Seed{7, 3}, Seed{8, 3}, Seed{9, 5},
                                         Seed{10, 5}, Seed{11, 3, 4}, Seed{12, 3, 4}),
                         [](const auto& seed) {
                             return std::to_string(seed.param.members) + "Seed" +
                                    std::to_string(seed.param.seed);
                         });

TEST(World, TheSameSeedIsTheSameRun) {
    const Outcome first = run_in_child(short_run(42));
    const Outcome second = run_in_child(short_run(42));
    ASSERT_TRUE(first.ok) << first.violation;
    EXPECT_EQ(first.counts.digest, second.counts.digest);
    EXPECT_EQ(first.counts.steps, second.counts.steps);
    EXPECT_NE(first.counts.digest, run_in_child(short_run(43)).counts.digest);
}

TEST(Faults, LeavingOneOutLeavesTheOthersAlone) {
    const auto all = plan_faults({7, 3, 10'000'000'000});
    ASSERT_GT(all.size(), 3u);
    const auto shorter = plan_faults({7, 3, all.back().at_ns});
    ASSERT_EQ(shorter.size() + 1, all.size());
    for (size_t i = 0; i < shorter.size(); ++i) {
        EXPECT_EQ(describe(shorter[i]), describe(all[i]));
    }
}

TEST(Arguments, RepeatTheRun) {
    WorldOptions options = short_run(9);
    options.spares = 2;
    options.without = {1, 5};
    options.without_kinds = {0, 3};
    std::vector<std::string> words;
    std::istringstream text(arguments_of(options));
    for (std::string word; text >> word;) {
        words.push_back(word);
    }
    const auto parsed = parse_arguments(words);
    ASSERT_TRUE(parsed) << parsed.error().message();
    options.seed = *parsed->seed;
    EXPECT_EQ(arguments_of(parsed->world).substr(std::string(" --seed 0").size()),
              arguments_of(options).substr(std::string(" --seed 9").size()));
    EXPECT_FALSE(parse_arguments({"--nonsense", "1"}));
    EXPECT_FALSE(parse_arguments({"--without-kinds", "nonsense"}));
}

}  // namespace
}  // namespace quorate::sim
