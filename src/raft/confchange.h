// SPDX-License-Identifier: Apache-2.0
//
// Membership changes as arithmetic on Configuration (Raft thesis §4). Pure functions, any thread.
//
//              simple change (at most one voter differs)
//              +----------+
//              v          |
//          +--------------+   enter joint    +---------+
//          |    simple    | ---------------> |  joint  |
//          +--------------+                  +---------+
//              ^                leave joint       |
//              +----------------------------------+
#pragma once

#include "base/status.h"
#include "raft/types.h"

#include <cstdint>
#include <vector>

namespace quorate::raft {

enum class ConfChangeType : uint8_t {
    kAddVoter = 0,    // a new member, or a learner to promote
    kAddLearner = 1,  // a new member, or a voter to demote
    kRemove = 2,
};

struct ConfChangeStep {
    ConfChangeType type = ConfChangeType::kAddVoter;
    MemberId member = kNobody;

    friend bool operator==(const ConfChangeStep&, const ConfChangeStep&) = default;
};

enum class ConfChangeTransition : uint8_t {
    kAuto = 0,           // simple where that is safe, else joint and left automatically
    kJointImplicit = 1,  // joint, left by the leader as soon as it is applied
    kJointExplicit = 2,  // joint until a change without steps is proposed
};

// Without steps and kAuto: leave the joint configuration. That one is also the meaning of a
// kConfChange entry without bytes, which the leader appends by itself.
struct ConfChange {
    std::vector<ConfChangeStep> steps;
    ConfChangeTransition transition = ConfChangeTransition::kAuto;

    bool leaves_joint() const { return steps.empty() && transition == ConfChangeTransition::kAuto; }

    friend bool operator==(const ConfChange&, const ConfChange&) = default;
};

// The configuration after the change, or kConfChangeRefused with the reason. Adding who is there
// and removing who is not changes nothing.
Result<Configuration> changed(const Configuration& before, const ConfChange& change);

bool is_voter(const Configuration& configuration, MemberId member);  // of either majority
bool is_learner(const Configuration& configuration, MemberId member);
bool is_member(const Configuration& configuration, MemberId member);
std::vector<MemberId> members(const Configuration& configuration);  // sorted, each once

// Sorted, each member in one role, and nothing joint left over outside of a joint phase. A member
// that has not joined yet has no voters.
bool is_valid(const Configuration& configuration);

}  // namespace quorate::raft
