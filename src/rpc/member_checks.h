// SPDX-License-Identifier: Apache-2.0
//
// Whether a change of members would cost the cluster its quorum (--strict-reconfig-check). Pure
// functions of what is known at that moment, any thread.
#pragma once

#include "base/status.h"
#include "cluster/membership.h"

#include <cstdint>
#include <functional>

namespace quorate::rpc {

struct ReconfigRules {
    bool strict = true;
    uint32_t max_learners = 1;
};

// How this member is connected with another. Its contact with itself is steady.
enum class Contact : uint8_t {
    kNone,
    kRecent,  // too new to count on
    kSteady,
};
using ContactWith = std::function<Contact(uint64_t member_id)>;

// Errors: what Membership::check says; kTooManyLearners; kMemberNotEnoughStarted when members that
// have never started would be needed for a quorum; kUnhealthy when members that can't be reached
// would be. Only who has no contact at all is down and may be removed whatever the others are.
Status check_member_change(const cluster::List& list, const cluster::Change& change,
                           const ReconfigRules& rules, const ContactWith& contact_with);

}  // namespace quorate::rpc
