// SPDX-License-Identifier: Apache-2.0
//
// The methods that commands call, and which of them may be tried again when it is not known whether
// the first try was carried out: those that only read, or whose second time changes nothing.
#pragma once

#include "ctl/client.h"

namespace quorate::ctl::methods {

inline constexpr Method kRange{"/etcdserverpb.KV/Range", Repeatable::kYes};
inline constexpr std::string_view kRangeStream = "/etcdserverpb.KV/RangeStream";
inline constexpr Method kPut{"/etcdserverpb.KV/Put"};
inline constexpr Method kDeleteRange{"/etcdserverpb.KV/DeleteRange"};
inline constexpr Method kTxn{"/etcdserverpb.KV/Txn"};
inline constexpr Method kCompact{"/etcdserverpb.KV/Compact"};

inline constexpr std::string_view kWatch = "/etcdserverpb.Watch/Watch";

inline constexpr Method kLeaseGrant{"/etcdserverpb.Lease/LeaseGrant", Repeatable::kYes};
inline constexpr Method kLeaseRevoke{"/etcdserverpb.Lease/LeaseRevoke", Repeatable::kYes};
inline constexpr Method kLeaseTimeToLive{"/etcdserverpb.Lease/LeaseTimeToLive", Repeatable::kYes};
inline constexpr Method kLeaseLeases{"/etcdserverpb.Lease/LeaseLeases", Repeatable::kYes};
inline constexpr std::string_view kLeaseKeepAlive = "/etcdserverpb.Lease/LeaseKeepAlive";

inline constexpr Method kMemberAdd{"/etcdserverpb.Cluster/MemberAdd"};
inline constexpr Method kMemberRemove{"/etcdserverpb.Cluster/MemberRemove"};
inline constexpr Method kMemberUpdate{"/etcdserverpb.Cluster/MemberUpdate"};
inline constexpr Method kMemberList{"/etcdserverpb.Cluster/MemberList", Repeatable::kYes};
inline constexpr Method kMemberPromote{"/etcdserverpb.Cluster/MemberPromote"};

inline constexpr Method kAlarm{"/etcdserverpb.Maintenance/Alarm", Repeatable::kYes};
inline constexpr Method kStatus{"/etcdserverpb.Maintenance/Status", Repeatable::kYes};
inline constexpr Method kDefragment{"/etcdserverpb.Maintenance/Defragment"};
inline constexpr Method kHashKv{"/etcdserverpb.Maintenance/HashKV", Repeatable::kYes};
inline constexpr Method kMoveLeader{"/etcdserverpb.Maintenance/MoveLeader", Repeatable::kYes};
inline constexpr Method kDowngrade{"/etcdserverpb.Maintenance/Downgrade"};
inline constexpr std::string_view kSnapshot = "/etcdserverpb.Maintenance/Snapshot";

inline constexpr Method kAuthEnable{"/etcdserverpb.Auth/AuthEnable"};
inline constexpr Method kAuthDisable{"/etcdserverpb.Auth/AuthDisable"};
inline constexpr Method kAuthStatus{"/etcdserverpb.Auth/AuthStatus", Repeatable::kYes};
inline constexpr Method kUserAdd{"/etcdserverpb.Auth/UserAdd"};
inline constexpr Method kUserGet{"/etcdserverpb.Auth/UserGet", Repeatable::kYes};
inline constexpr Method kUserList{"/etcdserverpb.Auth/UserList", Repeatable::kYes};
inline constexpr Method kUserDelete{"/etcdserverpb.Auth/UserDelete"};
inline constexpr Method kUserChangePassword{"/etcdserverpb.Auth/UserChangePassword"};
inline constexpr Method kUserGrantRole{"/etcdserverpb.Auth/UserGrantRole"};
inline constexpr Method kUserRevokeRole{"/etcdserverpb.Auth/UserRevokeRole"};
inline constexpr Method kRoleAdd{"/etcdserverpb.Auth/RoleAdd"};
inline constexpr Method kRoleGet{"/etcdserverpb.Auth/RoleGet", Repeatable::kYes};
inline constexpr Method kRoleList{"/etcdserverpb.Auth/RoleList", Repeatable::kYes};
inline constexpr Method kRoleDelete{"/etcdserverpb.Auth/RoleDelete"};
inline constexpr Method kRoleGrantPermission{"/etcdserverpb.Auth/RoleGrantPermission"};
inline constexpr Method kRoleRevokePermission{"/etcdserverpb.Auth/RoleRevokePermission"};

}  // namespace quorate::ctl::methods
