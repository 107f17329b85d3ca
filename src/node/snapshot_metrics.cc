// SPDX-License-Identifier: Apache-2.0
#include "node/snapshot_metrics.h"

#include "cluster/member.h"

namespace quorate::node {
namespace {

using Direction = SnapshotAttempt::Direction;

struct Names {
    const char* inflights;
    const char* success;
    const char* failures;
    const char* seconds;
};

const Names& names(Direction direction) {
    static constexpr Names kSend = {
        "etcd_network_snapshot_send_inflights_total", "etcd_network_snapshot_send_success",
        "etcd_network_snapshot_send_failures", "etcd_network_snapshot_send_total_duration_seconds"};
    static constexpr Names kReceive = {"etcd_network_snapshot_receive_inflights_total",
                                       "etcd_network_snapshot_receive_success",
                                       "etcd_network_snapshot_receive_failures",
                                       "etcd_network_snapshot_receive_total_duration_seconds"};
    return direction == Direction::kSend ? kSend : kReceive;
}

metrics::Labels labels(Direction direction, uint64_t peer) {
    return {{direction == Direction::kSend ? "To" : "From", cluster::format_id(peer)}};
}

}  // namespace

SnapshotAttempt::SnapshotAttempt(metrics::Registry& metrics, const Clock& clock,
                                 Direction direction, uint64_t peer)
    : clock_(clock),
      begun_ns_(clock.monotonic_ns()),
      inflights_(metrics.gauge(names(direction).inflights, "Total number of inflight snapshots.",
                               labels(direction, peer))),
      successes_(metrics.counter(names(direction).success, "Total number of successful snapshots.",
                                 labels(direction, peer))),
      failures_(metrics.counter(names(direction).failures, "Total number of snapshot failures.",
                                labels(direction, peer))),
      seconds_(metrics.histogram(names(direction).seconds,
                                 "Total latency distributions of snapshots.", {0.1, 2, 10},
                                 labels(direction, peer))) {
    inflights_.add(1);
}

SnapshotAttempt::~SnapshotAttempt() {
    inflights_.add(-1);
    if (!succeeded_) {
        failures_.add();
    }
}

void SnapshotAttempt::succeeded() {
    succeeded_ = true;
    successes_.add();
    seconds_.observe_ns(clock_.monotonic_ns() - begun_ns_);
}

}  // namespace quorate::node
