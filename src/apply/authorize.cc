// SPDX-License-Identifier: Apache-2.0
#include "apply/authorize.h"

#include "base/errors.h"

#include <algorithm>
#include <functional>

namespace quorate::apply {
namespace {

using etcdserverpb::RequestOp;
using Operations = google::protobuf::RepeatedPtrField<RequestOp>;

// A watch's first key when it names none.
constexpr ByteView kFirstKey("\0", 1);

Needs of_user() {
    Needs needs;
    needs.who = Who::kUser;
    return needs;
}

Needs of_root() {
    Needs needs;
    needs.who = Who::kRoot;
    return needs;
}

void add(const etcdserverpb::RangeRequest& request, Needs& needs) {
    needs.keys.push_back({Right::kRead, {request.key(), request.range_end()}});
}

void add(const etcdserverpb::PutRequest& request, Needs& needs) {
    needs.keys.push_back({Right::kWrite, {request.key(), {}}});
    if (request.prev_kv()) {
        needs.keys.push_back({Right::kRead, {request.key(), {}}});
    }
    if (request.lease() != lease::kNoLease) {
        needs.leases.push_back({Right::kWrite, request.lease()});
    }
}

void add(const etcdserverpb::DeleteRangeRequest& request, Needs& needs) {
    const auth::KeySpan span{request.key(), request.range_end()};
    needs.keys.push_back({Right::kWrite, span});
    if (request.prev_kv()) {
        needs.keys.push_back({Right::kRead, span});
    }
}

void add(const etcdserverpb::TxnRequest& request, Needs& needs);

void add(const Operations& operations, Needs& needs) {
    for (const RequestOp& op : operations) {
        switch (op.request_case()) {
            case RequestOp::kRequestRange:
                add(op.request_range(), needs);
                break;
            case RequestOp::kRequestPut:
                add(op.request_put(), needs);
                break;
            case RequestOp::kRequestDeleteRange:
                add(op.request_delete_range(), needs);
                break;
            case RequestOp::kRequestTxn:
                add(op.request_txn(), needs);
                break;
            case RequestOp::REQUEST_NOT_SET:
                needs.who = Who::kNobody;
                break;
        }
    }
}

// Which branch will be taken is not known, and must not be told: both count.
void add(const etcdserverpb::TxnRequest& request, Needs& needs) {
    for (const etcdserverpb::Compare& compare : request.compare()) {
        needs.keys.push_back({Right::kRead, {compare.key(), compare.range_end()}});
    }
    add(request.success(), needs);
    add(request.failure(), needs);
}

template <typename Request>
Needs of_keys(const Request& request) {
    Needs needs = of_user();
    add(request, needs);
    return needs;
}

bool may(const auth::UserEntry& user, Right right, const auth::KeySpan& span) {
    return right == Right::kRead ? user.may_read(span) : user.may_write(span);
}

bool may(const auth::UserEntry& user, const Needs::Lease& lease, const lease::Lessor& lessor) {
    const std::vector<Bytes> keys = lessor.keys(lease.id);
    return std::all_of(keys.begin(), keys.end(), [&](ByteView key) {
        return may(user, lease.right, {key, {}});
    });
}

}  // namespace

Needs needs_of(const etcdserverpb::RangeRequest& request) {
    return of_keys(request);
}

Needs needs_of(const etcdserverpb::TxnRequest& request) {
    return of_keys(request);
}

Needs needs_of(const etcdserverpb::WatchCreateRequest& request) {
    Needs needs = of_user();
    const ByteView key = request.key().empty() ? kFirstKey : ByteView(request.key());
    needs.keys.push_back({Right::kRead, {key, request.range_end()}});
    return needs;
}

Needs needs_of(const etcdserverpb::LeaseKeepAliveRequest& request) {
    Needs needs = of_user();
    needs.leases.push_back({Right::kWrite, request.id()});
    return needs;
}

Needs needs_of(const etcdserverpb::LeaseTimeToLiveRequest& request) {
    Needs needs = of_user();
    if (request.keys()) {
        needs.leases.push_back({Right::kRead, request.id()});
    }
    return needs;
}

Needs needs_of_lease_list(const lease::Lessor& lessor) {
    Needs needs = of_user();
    for (const lease::LeaseId id : lessor.list()) {
        needs.leases.push_back({Right::kRead, id});
    }
    return needs;
}

Needs needs_of(const wire::Command& command) {
    switch (command.request_case()) {
        case wire::Command::kPut:
            return of_keys(command.put());
        case wire::Command::kDeleteRange:
            return of_keys(command.delete_range());
        case wire::Command::kTxn:
            return of_keys(command.txn());
        case wire::Command::kLeaseGrant:
            return of_user();
        case wire::Command::kLeaseRevoke: {
            Needs needs = of_user();
            needs.leases.push_back({Right::kWrite, command.lease_revoke().id()});
            return needs;
        }
        case wire::Command::kCompaction:
        case wire::Command::kAlarm:
        case wire::Command::kMemberChange:
        case wire::Command::kDowngrade:
        case wire::Command::kAuthEnable:
        case wire::Command::kAuthDisable:
        case wire::Command::kAuthUserAdd:
        case wire::Command::kAuthUserDelete:
        case wire::Command::kAuthPassword:
        case wire::Command::kAuthUserGrantRole:
        case wire::Command::kAuthUserRevokeRole:
        case wire::Command::kAuthRoleAdd:
        case wire::Command::kAuthRoleDelete:
        case wire::Command::kAuthRoleGrantPermission:
        case wire::Command::kAuthRoleRevokePermission:
            return of_root();
        // What members say of themselves; no client's request becomes one of these.
        case wire::Command::kLeaseCheckpoint:
        case wire::Command::kExpiredLeases:
        case wire::Command::kMemberAttributes:
        case wire::Command::kClusterVersion:
        case wire::Command::kAuthToken:
        case wire::Command::REQUEST_NOT_SET:
            break;
    }
    return {};
}

Status authorize(const auth::Rules& rules, const auth::Caller& caller, const Needs& needs,
                 const lease::Lessor* lessor) {
    if (!rules.enabled) {
        return {};
    }
    if (needs.who == Who::kRoot) {
        return rules.check_root(caller);
    }
    const auto user = rules.log_in(caller);
    if (!user) {
        return user.error();
    }
    if (needs.who == Who::kNobody) {
        return errors::kPermissionDenied;
    }
    const auth::UserEntry& entry = **user;
    if (entry.is_root) {
        return {};
    }
    for (const Needs::Keys& keys : needs.keys) {
        if (!may(entry, keys.right, keys.span)) {
            return errors::kPermissionDenied;
        }
    }
    QUORATE_ASSERT(lessor != nullptr || needs.leases.empty());
    for (const Needs::Lease& lease : needs.leases) {
        if (!may(entry, lease, *lessor)) {
            return errors::kPermissionDenied;
        }
    }
    return {};
}

Status authorize_user_get(const auth::Rules& rules, const auth::Caller& caller, ByteView user) {
    if (!rules.enabled || (!caller.is_nobody() && user == caller.user)) {
        return {};
    }
    return rules.check_root(caller);
}

Status authorize_role_get(const auth::Rules& rules, const auth::Caller& caller, ByteView role) {
    if (!rules.enabled) {
        return {};
    }
    const auth::UserEntry* const user = rules.find_user(caller.user);
    if (user != nullptr &&
        std::binary_search(user->user.roles.begin(), user->user.roles.end(), role, std::less<>())) {
        return {};
    }
    return rules.check_root(caller);
}

}  // namespace quorate::apply
