// SPDX-License-Identifier: Apache-2.0
//
// Counts one snapshot's way to or from another member, under etcd's names: under way from its
// construction, failed unless it succeeded. One thread at a time.
//
// A member that has received one starts again at once and counts from nothing, so a note beside the
// snapshot tells that start what it is to count.
#pragma once

#include "base/clock.h"
#include "base/file.h"
#include "base/metrics.h"

#include <cstdint>
#include <optional>
#include <string>

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
    int64_t took_ns() const { return clock_.monotonic_ns() - begun_ns_; }

  private:
    const Clock& clock_;
    const int64_t begun_ns_;
    metrics::Gauge& inflights_;
    metrics::Counter& successes_;
    metrics::Counter& failures_;
    metrics::Histogram& seconds_;
    bool succeeded_ = false;
};

struct SnapshotNote {
    uint64_t index = 0;  // of the snapshot's last entry
    uint64_t from = 0;
    int64_t took_ns = 0;
};

// `dir` is DataPaths::snapshot_dir, where a start removes it with the old snapshots.
Status leave_note(FileSystem& fs, const std::string& dir, const SnapshotNote& note);
std::optional<SnapshotNote> find_note(FileSystem& fs, const std::string& dir);
void count_received(metrics::Registry& metrics, const SnapshotNote& note);

}  // namespace quorate::node
