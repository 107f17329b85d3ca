// SPDX-License-Identifier: Apache-2.0
//
// What the apply loop measures, under etcd's names.
#pragma once

#include "apply/applier.h"
#include "base/metrics.h"

#include <array>
#include <cstdint>

namespace quorate::node {

class ApplyMetrics {
  public:
    explicit ApplyMetrics(metrics::Registry& metrics);

    void applied(wire::Command::RequestCase operation, bool succeeded, int64_t took_ns);

    metrics::Counter& slow_applies;
    metrics::Counter& compacted_revisions;
    metrics::Histogram& compaction_pause_ms;
    metrics::Histogram& compaction_total_ms;
    metrics::Gauge& last_compaction;  // Unix time in seconds

  private:
    struct Outcomes {
        metrics::Histogram* succeeded = nullptr;
        metrics::Histogram* failed = nullptr;
    };
    std::array<Outcomes, 64> seconds_;  // by request case; the rest is not measured
};

}  // namespace quorate::node
