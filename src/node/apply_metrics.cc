// SPDX-License-Identifier: Apache-2.0
#include "node/apply_metrics.h"

#include <string>
#include <utility>

namespace quorate::node {
namespace {

using wire::Command;

// etcd's names for its entries.
constexpr std::array<std::pair<Command::RequestCase, const char*>, 12> kOperations = {{
    {Command::kPut, "Put"},
    {Command::kDeleteRange, "DeleteRange"},
    {Command::kTxn, "Txn"},
    {Command::kCompaction, "Compaction"},
    {Command::kLeaseGrant, "LeaseGrant"},
    {Command::kLeaseRevoke, "LeaseRevoke"},
    {Command::kExpiredLeases, "LeaseExpire"},  // ours: many at a time
    {Command::kLeaseCheckpoint, "LeaseCheckpoint"},
    {Command::kAlarm, "Alarm"},
    {Command::kMemberAttributes, "ClusterMemberAttrSet"},
    {Command::kClusterVersion, "ClusterVersionSet"},
    {Command::kDowngrade, "DowngradeInfoSet"},
}};

}  // namespace

ApplyMetrics::ApplyMetrics(metrics::Registry& metrics)
    : slow_applies(metrics.counter(
          "etcd_server_slow_apply_total",
          "The total number of slow apply requests (likely overloaded from slow disk).")),
      compacted_revisions(metrics.counter("etcd_debugging_mvcc_db_compaction_keys_total",
                                          "Total number of db keys compacted.")),
      compaction_pause_ms(
          metrics.histogram("etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds",
                            "Bucketed histogram of db compaction pause duration.", {1, 2, 13})),
      compaction_total_ms(
          metrics.histogram("etcd_debugging_mvcc_db_compaction_total_duration_milliseconds",
                            "Bucketed histogram of db compaction total duration.", {100, 2, 14})),
      last_compaction(
          metrics.gauge("etcd_debugging_mvcc_db_compaction_last",
                        "The unix time of the last db compaction. Resets to 0 on start.")) {
    for (const auto& [operation, name] : kOperations) {
        const auto histogram = [&, label = std::string(name)](const char* success) {
            return &metrics.histogram("etcd_server_apply_duration_seconds",
                                      "The latency distributions of v3 apply called by backend.",
                                      {0.0001, 2, 20},
                                      {{"op", label}, {"success", success}, {"version", "v3"}});
        };
        seconds_[operation] = {histogram("true"), histogram("false")};
    }
}

void ApplyMetrics::applied(Command::RequestCase operation, bool succeeded, int64_t took_ns) {
    const auto index = static_cast<size_t>(operation);
    metrics::Histogram* const seconds =
        index >= seconds_.size() ? nullptr
                                 : (succeeded ? seconds_[index].succeeded : seconds_[index].failed);
    if (seconds != nullptr) {
        seconds->observe_ns(took_ns);
    }
}

}  // namespace quorate::node
