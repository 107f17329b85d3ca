// SPDX-License-Identifier: Apache-2.0
//
// What a change of members means to Raft. Pure functions, any thread.
#pragma once

#include "cluster/membership.h"
#include "raft/confchange.h"
#include "raft/types.h"

#include <optional>

namespace quorate::node {

// One member at a time, so that a majority before and one after the change always share a member
// and no joint phase is needed. Nothing for other peer URLs, which Raft knows nothing of.
inline std::optional<raft::ConfChange> conf_change_of(const cluster::Change& change) {
    const auto step = [&](raft::ConfChangeType type) {
        return raft::ConfChange{{{type, change.member.id}}, raft::ConfChangeTransition::kAuto};
    };
    switch (change.kind) {
        case cluster::ChangeKind::kAdd:
        case cluster::ChangeKind::kPromote:
            return step(raft::ConfChangeType::kAddVoter);
        case cluster::ChangeKind::kAddLearner:
            return step(raft::ConfChangeType::kAddLearner);
        case cluster::ChangeKind::kRemove:
            return step(raft::ConfChangeType::kRemove);
        case cluster::ChangeKind::kUpdate:
            break;
    }
    return std::nullopt;
}

inline raft::Configuration configuration_of(const cluster::List& list) {
    raft::Configuration configuration;
    for (const cluster::Member& member : list.members) {
        (member.is_learner ? configuration.learners : configuration.voters).push_back(member.id);
    }
    return configuration;
}

}  // namespace quorate::node
