// SPDX-License-Identifier: Apache-2.0
//
// The requests that recipes are made of. Values, any thread.
#pragma once

#include "base/bytes.h"
#include "rpc.pb.h"

#include <cstdint>

namespace quorate::rpc {

inline constexpr const char* kRangePath = "/etcdserverpb.KV/Range";
inline constexpr const char* kTxnPath = "/etcdserverpb.KV/Txn";
inline constexpr const char* kDeleteRangePath = "/etcdserverpb.KV/DeleteRange";
inline constexpr const char* kLeaseGrantPath = "/etcdserverpb.Lease/LeaseGrant";

// Of the lease that a caller without one gets.
inline constexpr int64_t kSessionTtl_s = 60;

// The end of the range of all keys that begin with `prefix`, which ends with a slash here.
Bytes prefix_end(const Bytes& prefix);

// The key of a lease's holder in a line: the prefix and the id in hexadecimal.
Bytes queue_key(const Bytes& prefix, int64_t lease);

etcdserverpb::LeaseGrantRequest session_lease();
// The key under `prefix` that was created first; or last, at most at `created_max` when not 0.
etcdserverpb::RangeRequest first_created(const Bytes& prefix);
etcdserverpb::RangeRequest last_created(const Bytes& prefix, int64_t created_max);
etcdserverpb::RangeRequest just(const Bytes& key);

void compare_created(etcdserverpb::TxnRequest& txn, const Bytes& key, int64_t revision);
void then_put(etcdserverpb::TxnRequest& txn, const Bytes& key, const Bytes& value, int64_t lease);

// Puts a new value under the key if it is still the one created at `revision`.
etcdserverpb::TxnRequest proclaim(const Bytes& key, int64_t revision, const Bytes& value,
                                  int64_t lease);
// Deletes it in the same case.
etcdserverpb::TxnRequest resign(const Bytes& key, int64_t revision);

}  // namespace quorate::rpc
