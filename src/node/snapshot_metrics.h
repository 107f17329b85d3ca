// SPDX-License-Identifier: Apache-2.0
//
// Counts one snapshot's way to or from another member, under etcd's names: under way from its
// construction, failed unless it succeeded. One thread at a time.
#pragma once

#include "base/clock.h"
#include "base/metrics.h"

#include <cstdint>

namespace quorate::node {

class SnapshotAttempt {
  public:
    enum class Direction : uint8_t { kSend, kReceive };

    // Registry and clock outlive it.
    SnapshotAttempt(metrics::Registry& metrics, const Clock& clock, Direction direction,
                    uint64_t peer);
    ~SnapshotAttempt();
    SnapshotAttempt(const SnapshotAttempt&) = delete;
    SnapshotAttempt& operator=(const SnapshotAttempt&) = delete;

    void succeeded();

  private:
    const Clock& clock_;
    const int64_t begun_ns_;
    metrics::Gauge& inflights_;
    metrics::Counter& successes_;
    metrics::Counter& failures_;
    metrics::Histogram& seconds_;
    bool succeeded_ = false;
};

}  // namespace quorate::node
