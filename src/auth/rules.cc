// SPDX-License-Identifier: Apache-2.0
#include "auth/rules.h"

#include "base/errors.h"

namespace quorate::auth {

const UserEntry* Rules::find_user(ByteView name) const {
    const auto it = users.find(name);
    return it == users.end() ? nullptr : it->second.get();
}

const Role* Rules::find_role(ByteView name) const {
    const auto it = roles.find(name);
    return it == roles.end() ? nullptr : &it->second->role;
}

Result<const UserEntry*> Rules::log_in(const Caller& caller) const {
    if (caller.is_nobody()) {
        return errors::kUserEmpty;
    }
    if (caller.auth_revision < revision) {
        return errors::kAuthOldRevision;
    }
    const UserEntry* const user = find_user(caller.user);
    if (user == nullptr) {
        return errors::kPermissionDenied;
    }
    return user;
}

Status Rules::check_root(const Caller& caller) const {
    if (caller.is_nobody()) {
        return errors::kUserEmpty;
    }
    const UserEntry* const user = find_user(caller.user);
    return user != nullptr && user->is_root ? Status() : Status(errors::kPermissionDenied);
}

}  // namespace quorate::auth
