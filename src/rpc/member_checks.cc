// SPDX-License-Identifier: Apache-2.0
#include "rpc/member_checks.h"

#include "base/errors.h"

#include <algorithm>

namespace quorate::rpc {
namespace {

using cluster::Change;
using cluster::ChangeKind;
using cluster::List;
using cluster::Member;

size_t majority(size_t voters) {
    return voters / 2 + 1;
}

size_t count_voters(const List& list, const std::function<bool(const Member&)>& which) {
    return static_cast<size_t>(
        std::count_if(list.members.begin(), list.members.end(),
                      [&](const Member& member) { return !member.is_learner && which(member); }));
}

bool is_started(const Member& member) {
    return !member.name.empty();
}

size_t count_active(const List& list, const ContactWith& contact_with) {
    return count_voters(
        list, [&](const Member& member) { return contact_with(member.id) == Contact::kSteady; });
}

// The new member counts as one more voter that is not there yet.
Status check_add(const List& list, const Change& change, const ContactWith& contact_with) {
    const size_t voters = list.voters();
    if (voters == 1) {
        return {};
    }
    if (change.kind == ChangeKind::kAdd && count_voters(list, is_started) < majority(voters + 1)) {
        return errors::kMemberNotEnoughStarted;
    }
    const size_t active = count_active(list, contact_with);
    return active < majority(voters + 1) ? Status(errors::kUnhealthy) : Status();
}

Status check_promote(const List& list, const ContactWith& contact_with) {
    const size_t voters = list.voters();
    if (count_voters(list, is_started) + 1 < majority(voters + 1)) {
        return errors::kMemberNotEnoughStarted;
    }
    const size_t active = count_active(list, contact_with);
    return voters > 1 && active < majority(voters) ? Status(errors::kUnhealthy) : Status();
}

Status check_remove(const List& list, const Member& gone, const ContactWith& contact_with) {
    if (gone.is_learner) {
        return {};
    }
    const size_t voters = list.voters();
    const size_t started = count_voters(list, is_started) - (is_started(gone) ? 1 : 0);
    // Who is left has to have a quorum of its own; of nobody there is none.
    if (voters == 1 || started < majority(voters - 1)) {
        return errors::kMemberNotEnoughStarted;
    }
    if (contact_with(gone.id) == Contact::kNone) {
        return {};
    }
    const size_t active = count_active(list, contact_with);
    return active - 1 < majority(voters - 1) ? Status(errors::kUnhealthy) : Status();
}

}  // namespace

Status check_member_change(const List& list, const Change& change, const ReconfigRules& rules,
                           const ContactWith& contact_with) {
    if (Status s = cluster::Membership::check_change(list, change); !s.ok()) {
        return s;
    }
    if (change.kind == ChangeKind::kAddLearner && list.learners() >= rules.max_learners) {
        return errors::kTooManyLearners;
    }
    if (!rules.strict) {
        // Nobody would be left to take anything back.
        const bool last = change.kind == ChangeKind::kRemove && list.voters() == 1 &&
                          !list.find(change.member.id)->is_learner;
        return last ? Status(errors::kMemberNotEnoughStarted) : Status();
    }
    switch (change.kind) {
        case ChangeKind::kAdd:
        case ChangeKind::kAddLearner:
            return check_add(list, change, contact_with);
        case ChangeKind::kPromote:
            return check_promote(list, contact_with);
        case ChangeKind::kRemove:
            return check_remove(list, *list.find(change.member.id), contact_with);
        case ChangeKind::kUpdate:
            break;
    }
    return {};
}

}  // namespace quorate::rpc
