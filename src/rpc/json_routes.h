// SPDX-License-Identifier: Apache-2.0
//
// The paths of the JSON gateway and the gRPC method behind each. All of them are asked by POST.
#pragma once

#include <array>
#include <string_view>

namespace quorate::rpc {

struct JsonRoute {
    std::string_view path;
    std::string_view service;  // with its package
    std::string_view method;
};

inline constexpr std::string_view kKv = "etcdserverpb.KV";
inline constexpr std::string_view kWatch = "etcdserverpb.Watch";
inline constexpr std::string_view kLease = "etcdserverpb.Lease";
inline constexpr std::string_view kCluster = "etcdserverpb.Cluster";
inline constexpr std::string_view kMaintenance = "etcdserverpb.Maintenance";
inline constexpr std::string_view kAuth = "etcdserverpb.Auth";
inline constexpr std::string_view kLock = "v3lockpb.Lock";
inline constexpr std::string_view kElection = "v3electionpb.Election";

inline constexpr std::array<JsonRoute, 51> kJsonRoutes = {{
    {"/v3/kv/range", kKv, "Range"},
    {"/v3/kv/put", kKv, "Put"},
    {"/v3/kv/deleterange", kKv, "DeleteRange"},
    {"/v3/kv/txn", kKv, "Txn"},
    {"/v3/kv/compaction", kKv, "Compact"},
    {"/v3/watch", kWatch, "Watch"},
    {"/v3/lease/grant", kLease, "LeaseGrant"},
    {"/v3/lease/revoke", kLease, "LeaseRevoke"},
    {"/v3/kv/lease/revoke", kLease, "LeaseRevoke"},
    {"/v3/lease/keepalive", kLease, "LeaseKeepAlive"},
    {"/v3/lease/timetolive", kLease, "LeaseTimeToLive"},
    {"/v3/kv/lease/timetolive", kLease, "LeaseTimeToLive"},
    {"/v3/lease/leases", kLease, "LeaseLeases"},
    {"/v3/kv/lease/leases", kLease, "LeaseLeases"},
    {"/v3/cluster/member/add", kCluster, "MemberAdd"},
    {"/v3/cluster/member/remove", kCluster, "MemberRemove"},
    {"/v3/cluster/member/update", kCluster, "MemberUpdate"},
    {"/v3/cluster/member/list", kCluster, "MemberList"},
    {"/v3/cluster/member/promote", kCluster, "MemberPromote"},
    {"/v3/maintenance/alarm", kMaintenance, "Alarm"},
    {"/v3/maintenance/status", kMaintenance, "Status"},
    {"/v3/maintenance/defragment", kMaintenance, "Defragment"},
    {"/v3/maintenance/hash", kMaintenance, "Hash"},
    {"/v3/maintenance/hashkv", kMaintenance, "HashKV"},
    {"/v3/maintenance/snapshot", kMaintenance, "Snapshot"},
    {"/v3/maintenance/transfer-leadership", kMaintenance, "MoveLeader"},
    {"/v3/maintenance/downgrade", kMaintenance, "Downgrade"},
    {"/v3/auth/enable", kAuth, "AuthEnable"},
    {"/v3/auth/disable", kAuth, "AuthDisable"},
    {"/v3/auth/status", kAuth, "AuthStatus"},
    {"/v3/auth/authenticate", kAuth, "Authenticate"},
    {"/v3/auth/user/add", kAuth, "UserAdd"},
    {"/v3/auth/user/get", kAuth, "UserGet"},
    {"/v3/auth/user/list", kAuth, "UserList"},
    {"/v3/auth/user/delete", kAuth, "UserDelete"},
    {"/v3/auth/user/changepw", kAuth, "UserChangePassword"},
    {"/v3/auth/user/grant", kAuth, "UserGrantRole"},
    {"/v3/auth/user/revoke", kAuth, "UserRevokeRole"},
    {"/v3/auth/role/add", kAuth, "RoleAdd"},
    {"/v3/auth/role/get", kAuth, "RoleGet"},
    {"/v3/auth/role/list", kAuth, "RoleList"},
    {"/v3/auth/role/delete", kAuth, "RoleDelete"},
    {"/v3/auth/role/grant", kAuth, "RoleGrantPermission"},
    {"/v3/auth/role/revoke", kAuth, "RoleRevokePermission"},
    {"/v3/lock/lock", kLock, "Lock"},
    {"/v3/lock/unlock", kLock, "Unlock"},
    {"/v3/election/campaign", kElection, "Campaign"},
    {"/v3/election/proclaim", kElection, "Proclaim"},
    {"/v3/election/leader", kElection, "Leader"},
    {"/v3/election/observe", kElection, "Observe"},
    {"/v3/election/resign", kElection, "Resign"},
}};

}  // namespace quorate::rpc
