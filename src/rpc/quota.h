// SPDX-License-Identifier: Apache-2.0
//
// The space quota (--quota-backend-bytes) as requests meet it: what would take the store over it is
// refused, and the alarm that stops all growth is raised. It counts the records that are stored,
// not the files they lie in: compaction gives room back at once, without a defragmentation.
// Any thread.
#pragma once

#include "base/status.h"
#include "node/node.h"

#include <atomic>
#include <cstdint>

namespace quorate::rpc {

class Quota {
  public:
    explicit Quota(node::Node& node) : node_(node) {}

    // errors::kNoSpace when `cost` bytes more do not fit.
    Status check(int64_t cost);

  private:
    node::Node& node_;
    std::atomic<int64_t> last_alarm_ns_{0};
};

}  // namespace quorate::rpc
