// SPDX-License-Identifier: Apache-2.0
//
// What stands between a committed entry and the state: alarms first, then the quota. Ordinary
// functions that are called in order in one place. Apply loop; the cost functions any thread.
#pragma once

#include "apply/alarm_store.h"
#include "base/status.h"
#include "command.pb.h"

#include <cstdint>

namespace quorate::apply {

// What a request may add to the store, in bytes: etcd's estimate. 0: it adds nothing and passes a
// full store.
int64_t put_cost(const etcdserverpb::PutRequest& request);
int64_t txn_cost(const etcdserverpb::TxnRequest& request);
inline constexpr int64_t kLeaseCost = 64;

// errors::kCorrupt and errors::kNoSpace for what these alarms forbid.
Status check_alarms(const AlarmStore& alarms, const wire::Command& command);

}  // namespace quorate::apply
