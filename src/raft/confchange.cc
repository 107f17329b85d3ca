// SPDX-License-Identifier: Apache-2.0
#include "raft/confchange.h"

#include "base/errors.h"

#include <algorithm>
#include <iterator>
#include <string>

namespace quorate::raft {

namespace {

using Members = std::vector<MemberId>;

bool contains(const Members& members, MemberId member) {
    return std::binary_search(members.begin(), members.end(), member);
}

void insert(Members& members, MemberId member) {
    const auto it = std::lower_bound(members.begin(), members.end(), member);
    if (it == members.end() || *it != member) {
        members.insert(it, member);
    }
}

void erase(Members& members, MemberId member) {
    std::erase(members, member);
}

bool is_set(const Members& members) {
    return std::is_sorted(members.begin(), members.end()) &&
           std::adjacent_find(members.begin(), members.end()) == members.end() &&
           !contains(members, kNobody);
}

bool are_disjoint(const Members& left, const Members& right) {
    return std::none_of(left.begin(), left.end(),
                        [&](MemberId member) { return contains(right, member); });
}

Status refused(std::string reason) {
    return Status(errors::kConfChangeRefused, std::move(reason));
}

void add_learner(Configuration& configuration, MemberId member) {
    erase(configuration.voters, member);
    // While its vote still counts in the outgoing majority it can't be a learner yet.
    if (contains(configuration.voters_outgoing, member)) {
        insert(configuration.learners_next, member);
    } else {
        insert(configuration.learners, member);
    }
}

void apply_step(Configuration& configuration, const ConfChangeStep& step) {
    switch (step.type) {
        case ConfChangeType::kAddVoter:
            erase(configuration.learners, step.member);
            insert(configuration.voters, step.member);
            return;
        case ConfChangeType::kAddLearner:
            add_learner(configuration, step.member);
            return;
        case ConfChangeType::kRemove:
            erase(configuration.voters, step.member);
            erase(configuration.learners, step.member);
            return;
    }
}

Result<Configuration> leave_joint(Configuration configuration) {
    for (const MemberId member : configuration.learners_next) {
        insert(configuration.learners, member);
    }
    configuration.learners_next.clear();
    configuration.voters_outgoing.clear();
    configuration.auto_leave = false;
    return configuration;
}

Status check_steps(const std::vector<ConfChangeStep>& steps) {
    if (steps.empty()) {
        return refused("nothing to change");
    }
    Members seen;
    for (const ConfChangeStep& step : steps) {
        if (step.member == kNobody) {
            return refused("no member");
        }
        if (contains(seen, step.member)) {
            return refused("a member is named twice");
        }
        insert(seen, step.member);
    }
    return {};
}

}  // namespace

Result<Configuration> changed(const Configuration& before, const ConfChange& change) {
    if (change.leaves_joint()) {
        return before.joint() ? leave_joint(before)
                              : Result<Configuration>(refused("not in a joint configuration"));
    }
    if (before.joint()) {
        return refused("the joint configuration has to be left first");
    }
    if (Status status = check_steps(change.steps); !status.ok()) {
        return status;
    }
    Configuration after = before;
    // One step changes at most one voter, and then any two majorities before and after overlap.
    const bool joint = change.steps.size() > 1 || change.transition != ConfChangeTransition::kAuto;
    if (joint) {
        after.voters_outgoing = before.voters;
        after.auto_leave = change.transition != ConfChangeTransition::kJointExplicit;
    }
    for (const ConfChangeStep& step : change.steps) {
        apply_step(after, step);
    }
    if (after.voters.empty()) {
        return refused("no voter would be left");
    }
    if (joint && before.voters.empty()) {
        return refused("no voters to change jointly");
    }
    return after;
}

bool is_voter(const Configuration& configuration, MemberId member) {
    return contains(configuration.voters, member) ||
           contains(configuration.voters_outgoing, member);
}

bool is_learner(const Configuration& configuration, MemberId member) {
    return contains(configuration.learners, member);
}

bool is_member(const Configuration& configuration, MemberId member) {
    return is_voter(configuration, member) || is_learner(configuration, member);
}

std::vector<MemberId> members(const Configuration& configuration) {
    Members voters;
    std::set_union(configuration.voters.begin(), configuration.voters.end(),
                   configuration.voters_outgoing.begin(), configuration.voters_outgoing.end(),
                   std::back_inserter(voters));
    Members all;
    std::set_union(voters.begin(), voters.end(), configuration.learners.begin(),
                   configuration.learners.end(), std::back_inserter(all));
    return all;
}

bool is_valid(const Configuration& configuration) {
    if (!is_set(configuration.voters) || !is_set(configuration.voters_outgoing) ||
        !is_set(configuration.learners) || !is_set(configuration.learners_next)) {
        return false;
    }
    // A member has one role, except that one in learners_next still has its outgoing vote.
    if (!are_disjoint(configuration.learners, configuration.voters) ||
        !are_disjoint(configuration.learners, configuration.voters_outgoing) ||
        !are_disjoint(configuration.learners_next, configuration.voters)) {
        return false;
    }
    if (!std::includes(configuration.voters_outgoing.begin(), configuration.voters_outgoing.end(),
                       configuration.learners_next.begin(), configuration.learners_next.end())) {
        return false;
    }
    return configuration.joint() ? !configuration.voters.empty() : !configuration.auto_leave;
}

}  // namespace quorate::raft
