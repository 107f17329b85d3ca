// SPDX-License-Identifier: Apache-2.0
//
// The auth store: users, roles and whether they count, as replicated state. Every change is an
// entry of the log, checked here, written to the batch of its turn and shown as new Rules. The auth
// revision tells one state of it from another: it rises by one with every change but enabling, and
// tokens and requests carry it. Apply loop.
#pragma once

#include "auth/auth_rows.h"
#include "auth/rules.h"
#include "auth/types.h"
#include "base/status.h"
#include "storage/backend.h"
#include "storage/schema.h"

#include <cstdint>
#include <memory>
#include <string>

namespace quorate::auth {

class AuthStore {
  public:
    AuthStore();

    // errors::kDamaged says which row can't be read, or that rows are missing.
    Status restore(storage::View& view);

    const Rules& rules() const { return *rules_; }
    bool enabled() const { return rules_->enabled; }
    // For whoever reads on other threads.
    std::shared_ptr<const Rules> snapshot() const { return rules_; }

    // errors::kRootUserNotExist, errors::kRootRoleNotExist. Nothing happens when it is on, or off,
    // already.
    Status enable(storage::WriteBatch& batch);
    void disable(storage::WriteBatch& batch);

    // A snapshot file has no room for longer names of users and roles.
    static constexpr size_t kNameBytesMax = 16 * 1024;

    // The user has no roles yet. errors::kUserEmpty, errors::kUserAlreadyExist,
    // errors::kInvalidAuthMgmt for a name that is too long.
    Status add_user(User user, storage::WriteBatch& batch);
    // errors::kUserNotFound; errors::kInvalidAuthMgmt for root while authentication is on.
    Status delete_user(ByteView name, storage::WriteBatch& batch);
    // Of a user without a password it changes the revision alone. errors::kUserNotFound.
    Status change_password(ByteView name, Bytes hash, storage::WriteBatch& batch);
    // A role that the user has is no change. errors::kUserNotFound, errors::kRoleNotFound.
    Status grant_role(ByteView user, ByteView role, storage::WriteBatch& batch);
    // errors::kUserNotFound, errors::kRoleNotGranted, errors::kInvalidAuthMgmt for root's own.
    Status revoke_role(ByteView user, ByteView role, storage::WriteBatch& batch);

    // errors::kRoleEmpty, errors::kRoleAlreadyExist, errors::kInvalidAuthMgmt for a long name.
    Status add_role(ByteView name, storage::WriteBatch& batch);
    // Takes it from all users. errors::kRoleNotFound; errors::kInvalidAuthMgmt for root while
    // authentication is on.
    Status delete_role(ByteView name, storage::WriteBatch& batch);
    // Replaces what the role has for the same span. errors::kInvalidAuthMgmt for a span without
    // keys, errors::kRoleNotFound.
    Status grant_permission(ByteView role, Permission permission, storage::WriteBatch& batch);
    // errors::kRoleNotFound, errors::kPermissionNotGranted.
    Status revoke_permission(ByteView role, const KeySpan& span, storage::WriteBatch& batch);

    void check_invariants() const;

  private:
    class Change;

    Status restore_settings(storage::View& view, Settings& settings);

    std::shared_ptr<const Rules> rules_;
    uint64_t digest_ = 0;  // of all rows
    uint64_t next_user_id_ = 1;
    uint64_t next_role_id_ = 1;
};

}  // namespace quorate::auth
