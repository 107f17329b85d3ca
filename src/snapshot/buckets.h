// SPDX-License-Identifier: Apache-2.0
//
// etcd's buckets and the rows of theirs that have fixed names, and a bucket of our own. Constants.
#pragma once

#include "base/bytes.h"

namespace quorate::snapshot::buckets {

inline constexpr ByteView kAlarm = "alarm";
inline constexpr ByteView kAuth = "auth";
inline constexpr ByteView kAuthRoles = "authRoles";
inline constexpr ByteView kAuthUsers = "authUsers";
inline constexpr ByteView kCluster = "cluster";
inline constexpr ByteView kKey = "key";
inline constexpr ByteView kLease = "lease";
inline constexpr ByteView kMembers = "members";
inline constexpr ByteView kMembersRemoved = "members_removed";
inline constexpr ByteView kMeta = "meta";
// Ours: whose the data are, and checksums of the pages before it. etcd's tools hash and count its
// rows like all others and otherwise leave it alone. Its name puts it last in the file.
inline constexpr ByteView kQuorate = "quorate";

// In kMeta.
inline constexpr ByteView kConfState = "confState";               // JSON, since etcd 3.5
inline constexpr ByteView kConsistentIndex = "consistent_index";  // u64
inline constexpr ByteView kTerm = "term";                         // u64, since etcd 3.5
inline constexpr ByteView kScheduledCompact = "scheduledCompactRev";
inline constexpr ByteView kFinishedCompact = "finishedCompactRev";
inline constexpr ByteView kStorageVersion = "storageVersion";  // since etcd 3.6

// In kAuth.
inline constexpr ByteView kAuthEnabled = "authEnabled";    // one byte: 0 or 1
inline constexpr ByteView kAuthRevision = "authRevision";  // u64

// In kCluster. Never above kWrittenStorageVersion: etcd 3.6 does not start on the file of a cluster
// that says to be newer, and 3.7 raises the version by itself.
inline constexpr ByteView kClusterVersion = "clusterVersion";
inline constexpr ByteView kDowngrade = "downgrade";

// In kQuorate.
inline constexpr ByteView kFormat = "format";                       // u64: kFormatNumber
inline constexpr ByteView kClusterId = "cluster_id";                // u64
inline constexpr ByteView kTrueClusterVersion = "cluster_version";  // text; see kClusterVersion
inline constexpr ByteView kConfFloor = "conf_floor";                // u64
inline constexpr ByteView kStateHash = "hash_of_state";             // u64
inline constexpr ByteView kMemberId = "member_id";                  // u64

inline constexpr uint64_t kFormatNumber = 1;
// What we write is what etcd 3.6 writes; newer ones take it as well.
inline constexpr ByteView kWrittenStorageVersion = "3.6.0";

}  // namespace quorate::snapshot::buckets
