// SPDX-License-Identifier: Apache-2.0
#include "raft/confchange.h"

#include "raft/describe.h"
#include "raft/model_host.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace quorate::raft {
namespace {

// Two sets of voters are safe to follow each other when no majority of one misses every majority of
// the other: tried out with all of them.
bool some_majorities_are_disjoint(const std::vector<MemberId>& left,
                                  const std::vector<MemberId>& right) {
    std::set<MemberId> all(left.begin(), left.end());
    all.insert(right.begin(), right.end());
    const std::vector<MemberId> members(all.begin(), all.end());
    const auto has_majority = [&](const std::vector<MemberId>& voters, uint64_t chosen) {
        size_t count = 0;
        for (size_t i = 0; i < members.size(); ++i) {
            const bool votes = std::binary_search(voters.begin(), voters.end(), members[i]);
            count += votes && ((chosen >> i) & 1) != 0 ? 1u : 0u;
        }
        return 2 * count > voters.size();
    };
    for (uint64_t chosen = 0; chosen < (uint64_t{1} << members.size()); ++chosen) {
        if (has_majority(left, chosen) && has_majority(right, ~chosen)) {
            return true;
        }
    }
    return false;
}

ConfChange random_change(std::mt19937_64& random) {
    ConfChange change;
    for (uint64_t i = random() % 4; i > 0; --i) {
        change.steps.push_back({static_cast<ConfChangeType>(random() % 3), 1 + random() % 6});
    }
    change.transition = static_cast<ConfChangeTransition>(random() % 3);
    return change;
}

TEST(ConfChangeTest, EveryTransitionKeepsQuorumsOverlapping) {
    std::mt19937_64 random(1);
    Configuration configuration{.voters = {1, 2, 3}};
    int accepted = 0;
    for (int i = 0; i < 20000; ++i) {
        const ConfChange change = random_change(random);
        const Result<Configuration> after = changed(configuration, change);
        if (!after) {
            continue;
        }
        ++accepted;
        const std::string what =
            describe(configuration) + " + " + describe(change) + " = " + describe(*after);
        ASSERT_TRUE(is_valid(*after)) << what;
        ASSERT_FALSE(after->voters.empty()) << what;
        if (configuration.joint()) {
            ASSERT_EQ(configuration.voters, after->voters) << what;
        } else if (after->joint()) {
            ASSERT_EQ(configuration.voters, after->voters_outgoing) << what;
        } else {
            ASSERT_FALSE(some_majorities_are_disjoint(configuration.voters, after->voters)) << what;
        }
        configuration = *after;
    }
    EXPECT_GT(accepted, 1000);
}

TEST(ConfChangeTest, StepsDoWhatTheySay) {
    std::mt19937_64 random(2);
    for (int i = 0; i < 5000; ++i) {
        const Configuration before{.voters = {1, 2, 3}, .learners = {4}};
        const ConfChange change = random_change(random);
        Result<Configuration> after = changed(before, change);
        if (after && after->joint()) {
            after = changed(*after, {});
        }
        if (!after) {
            continue;
        }
        ASSERT_FALSE(after->joint());
        for (const ConfChangeStep& step : change.steps) {
            ASSERT_EQ(step.type == ConfChangeType::kAddVoter, is_voter(*after, step.member));
            ASSERT_EQ(step.type == ConfChangeType::kAddLearner, is_learner(*after, step.member));
            ASSERT_EQ(step.type != ConfChangeType::kRemove, is_member(*after, step.member));
        }
    }
}

TEST(ConfChangeTest, ImpossibleConfigurationsAreFound) {
    EXPECT_TRUE(is_valid({}));
    EXPECT_TRUE(is_valid({.voters = {1, 2}, .voters_outgoing = {1, 3}, .learners_next = {3}}));
    EXPECT_FALSE(is_valid({.voters = {2, 1}}));
    EXPECT_FALSE(is_valid({.voters = {1, 1}}));
    EXPECT_FALSE(is_valid({.voters = {0, 1}}));
    EXPECT_FALSE(is_valid({.voters = {1}, .learners = {1}}));
    EXPECT_FALSE(is_valid({.voters = {1}, .voters_outgoing = {2}, .learners = {2}}));
    EXPECT_FALSE(is_valid({.voters = {1}, .learners_next = {2}}));
    EXPECT_FALSE(is_valid({.voters = {1}, .voters_outgoing = {1, 2}, .learners_next = {1}}));
    EXPECT_FALSE(is_valid({.voters_outgoing = {1}}));
    EXPECT_FALSE(is_valid({.voters = {1}, .auto_leave = true}));
}

}  // namespace
}  // namespace quorate::raft
