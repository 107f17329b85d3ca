// SPDX-License-Identifier: Apache-2.0
//
// Who may do what: the one place where a request is held against the rules, whichever way it came.
// needs_of() flattens a request to what it needs, all branches and conditions of a transaction
// included; authorize() looks whether the caller has it. Both deny what they don't know: a kind of
// request, or of operation, that nobody has listed here needs what nobody has.
//
// needs_of() any thread. authorize() the apply loop where leases matter, otherwise any.
#pragma once

#include "auth/rules.h"
#include "base/status.h"
#include "command.pb.h"
#include "lease/lessor.h"

#include <cstdint>
#include <vector>

namespace quorate::apply {

enum class Who : uint8_t {
    kNobody,
    kUser,  // whoever has logged in
    kRoot,
};

enum class Right : uint8_t { kRead, kWrite };

// Borrows from the request it was made of.
struct Needs {
    struct Keys {
        Right right;
        auth::KeySpan span;
    };

    Who who = Who::kNobody;
    std::vector<Keys> keys;
    // Leases on whose every attached key the caller needs the right: a lease that ends takes them
    // along.
    struct Lease {
        Right right;
        lease::LeaseId id;
    };
    std::vector<Lease> leases;
};

Needs needs_of(const etcdserverpb::RangeRequest& request);
Needs needs_of(const etcdserverpb::TxnRequest& request);
Needs needs_of(const etcdserverpb::WatchCreateRequest& request);
Needs needs_of(const etcdserverpb::LeaseKeepAliveRequest& request);
Needs needs_of(const etcdserverpb::LeaseTimeToLiveRequest& request);
// Everything that goes through the log for a client.
Needs needs_of(const wire::Command& command);
// To see all leases.
Needs needs_of_lease_list(const lease::Lessor& lessor);

// ok() while authentication is off. errors::kUserEmpty, kAuthOldRevision, kPermissionDenied.
// Null for `lessor`: the needs name no lease.
Status authorize(const auth::Rules& rules, const auth::Caller& caller, const Needs& needs,
                 const lease::Lessor* lessor);

// UserGet and RoleGet: root may ask for all, everybody for themselves and the roles they have.
Status authorize_user_get(const auth::Rules& rules, const auth::Caller& caller, ByteView user);
Status authorize_role_get(const auth::Rules& rules, const auth::Caller& caller, ByteView role);

}  // namespace quorate::apply
