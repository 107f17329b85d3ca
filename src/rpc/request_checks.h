// SPDX-License-Identifier: Apache-2.0
//
// What a request must satisfy before it costs anything: etcd's checks, in etcd's order, with etcd's
// errors. Pure functions, any thread.
#pragma once

#include "base/status.h"
#include "rpc.pb.h"

#include <cstddef>

namespace quorate::rpc {

Status check_range(const etcdserverpb::RangeRequest& request);
Status check_put(const etcdserverpb::PutRequest& request);
Status check_delete_range(const etcdserverpb::DeleteRangeRequest& request);
// Sizes, each operation, and that no key is changed twice in one branch. A nested transaction gets
// what its parent's longest list leaves of `ops_max`.
Status check_txn(const etcdserverpb::TxnRequest& request, size_t ops_max);
// RangeStream serves the default order alone.
Status check_range_stream(const etcdserverpb::RangeRequest& request);

}  // namespace quorate::rpc
