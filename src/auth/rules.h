// SPDX-License-Identifier: Apache-2.0
//
// All that decides what somebody may do, as of one moment: users with their roles' rights worked
// out, roles, and whether any of it counts. Never changed once it is published; the auth store
// makes a new one for each change. Any thread.
#pragma once

#include "auth/key_set.h"
#include "auth/types.h"
#include "base/status.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

namespace quorate::auth {

struct UserEntry {
    uint64_t id = 0;  // of the row
    User user;
    bool is_root = false;  // has the role that may do all
    KeySet reads;
    KeySet writes;

    bool may_read(const KeySpan& span) const { return is_root || reads.contains(span); }
    bool may_write(const KeySpan& span) const { return is_root || writes.contains(span); }
};

struct RoleEntry {
    uint64_t id = 0;
    Role role;
};

struct Rules {
    template <typename Entry>
    using ByName = std::map<std::string, std::shared_ptr<const Entry>, std::less<>>;

    bool enabled = false;
    uint64_t revision = 1;
    // The entries are shared between the rules before and after a change of others.
    ByName<UserEntry> users;
    ByName<RoleEntry> roles;

    // Null when there is none.
    const UserEntry* find_user(ByteView name) const;
    const Role* find_role(ByteView name) const;

    // While enabled: whose rights a request has. errors::kUserEmpty; errors::kAuthOldRevision when
    // something has changed since the caller was looked up; errors::kPermissionDenied for a user
    // who is not there.
    Result<const UserEntry*> log_in(const Caller& caller) const;
    // While enabled: for what only root may do, at any revision. errors::kUserEmpty,
    // errors::kPermissionDenied.
    Status check_root(const Caller& caller) const;
};

}  // namespace quorate::auth
