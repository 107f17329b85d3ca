// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.RangeRequest to the store's terms. Borrows from the request. Any thread.
#pragma once

#include "mvcc/range.h"
#include "rpc.pb.h"

namespace quorate::wire {

// The request has passed check_range: its enumerators are known.
mvcc::RangeQuery to_range_query(const etcdserverpb::RangeRequest& request);

}  // namespace quorate::wire
