// SPDX-License-Identifier: Apache-2.0
#include "rpc/access.h"

#include <algorithm>
#include <array>
#include <functional>

namespace quorate::rpc {
namespace {

struct Rule {
    ByteView path;
    Access access;
};

// By path.
constexpr std::array kRules = {
    Rule{"/etcdserverpb.Auth/AuthDisable", Access::kRoot},
    Rule{"/etcdserverpb.Auth/AuthEnable", Access::kRoot},
    Rule{"/etcdserverpb.Auth/AuthStatus", Access::kOpen},
    Rule{"/etcdserverpb.Auth/Authenticate", Access::kOpen},
    Rule{"/etcdserverpb.Auth/RoleAdd", Access::kRoot},
    Rule{"/etcdserverpb.Auth/RoleDelete", Access::kRoot},
    Rule{"/etcdserverpb.Auth/RoleGet", Access::kByRequest},
    Rule{"/etcdserverpb.Auth/RoleGrantPermission", Access::kRoot},
    Rule{"/etcdserverpb.Auth/RoleList", Access::kRoot},
    Rule{"/etcdserverpb.Auth/RoleRevokePermission", Access::kRoot},
    Rule{"/etcdserverpb.Auth/UserAdd", Access::kRoot},
    Rule{"/etcdserverpb.Auth/UserChangePassword", Access::kRoot},
    Rule{"/etcdserverpb.Auth/UserDelete", Access::kRoot},
    Rule{"/etcdserverpb.Auth/UserGet", Access::kByRequest},
    Rule{"/etcdserverpb.Auth/UserGrantRole", Access::kRoot},
    Rule{"/etcdserverpb.Auth/UserList", Access::kRoot},
    Rule{"/etcdserverpb.Auth/UserRevokeRole", Access::kRoot},
    Rule{"/etcdserverpb.Cluster/MemberAdd", Access::kByRequest},
    Rule{"/etcdserverpb.Cluster/MemberList", Access::kUser},
    Rule{"/etcdserverpb.Cluster/MemberPromote", Access::kRoot},
    Rule{"/etcdserverpb.Cluster/MemberRemove", Access::kRoot},
    Rule{"/etcdserverpb.Cluster/MemberUpdate", Access::kRoot},
    Rule{"/etcdserverpb.KV/Compact", Access::kRoot},
    Rule{"/etcdserverpb.KV/DeleteRange", Access::kByRequest},
    Rule{"/etcdserverpb.KV/Put", Access::kByRequest},
    Rule{"/etcdserverpb.KV/Range", Access::kByRequest},
    Rule{"/etcdserverpb.KV/RangeStream", Access::kByRequest},
    Rule{"/etcdserverpb.KV/Txn", Access::kByRequest},
    Rule{"/etcdserverpb.Lease/LeaseGrant", Access::kUser},
    Rule{"/etcdserverpb.Lease/LeaseKeepAlive", Access::kByRequest},
    Rule{"/etcdserverpb.Lease/LeaseLeases", Access::kByRequest},
    Rule{"/etcdserverpb.Lease/LeaseRevoke", Access::kByRequest},
    Rule{"/etcdserverpb.Lease/LeaseTimeToLive", Access::kByRequest},
    Rule{"/etcdserverpb.Maintenance/Alarm", Access::kByRequest},
    Rule{"/etcdserverpb.Maintenance/Defragment", Access::kRoot},
    Rule{"/etcdserverpb.Maintenance/Downgrade", Access::kRoot},
    Rule{"/etcdserverpb.Maintenance/Hash", Access::kRoot},
    Rule{"/etcdserverpb.Maintenance/HashKV", Access::kRoot},
    Rule{"/etcdserverpb.Maintenance/MoveLeader", Access::kRoot},
    Rule{"/etcdserverpb.Maintenance/Snapshot", Access::kRoot},
    Rule{"/etcdserverpb.Maintenance/Status", Access::kUser},
    Rule{"/etcdserverpb.Watch/Watch", Access::kByRequest},
    Rule{"/grpc.health.v1.Health/Check", Access::kOpen},
    Rule{"/grpc.health.v1.Health/List", Access::kOpen},
    Rule{"/grpc.health.v1.Health/Watch", Access::kOpen},
    Rule{"/v3electionpb.Election/Campaign", Access::kByCalls},
    Rule{"/v3electionpb.Election/Leader", Access::kByCalls},
    Rule{"/v3electionpb.Election/Observe", Access::kByCalls},
    Rule{"/v3electionpb.Election/Proclaim", Access::kByCalls},
    Rule{"/v3electionpb.Election/Resign", Access::kByCalls},
    Rule{"/v3lockpb.Lock/Lock", Access::kByCalls},
    Rule{"/v3lockpb.Lock/Unlock", Access::kByCalls},
};

constexpr bool in_order() {
    for (size_t i = 1; i < kRules.size(); ++i) {
        if (kRules[i - 1].path >= kRules[i].path) {
            return false;
        }
    }
    return true;
}
static_assert(in_order());

}  // namespace

Access access_of(ByteView path) {
    const auto rule =
        std::lower_bound(kRules.begin(), kRules.end(), path,
                         [](const Rule& entry, ByteView at) { return entry.path < at; });
    return rule != kRules.end() && rule->path == path ? rule->access : Access::kNobody;
}

}  // namespace quorate::rpc
