// SPDX-License-Identifier: Apache-2.0
#include "node/snapshot_metrics.h"

#include "cluster/member.h"

#include <sstream>

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

metrics::Counter& successes(metrics::Registry& metrics, Direction direction, uint64_t peer) {
    return metrics.counter(names(direction).success, "Total number of successful snapshots.",
                           labels(direction, peer));
}

metrics::Histogram& seconds(metrics::Registry& metrics, Direction direction, uint64_t peer) {
    return metrics.histogram(names(direction).seconds, "Total latency distributions of snapshots.",
                             {0.1, 2, 10}, labels(direction, peer));
}

std::string note_file(const std::string& dir) {
    return dir + "/note";
}

}  // namespace

SnapshotAttempt::SnapshotAttempt(metrics::Registry& metrics, const Clock& clock,
                                 Direction direction, uint64_t peer)
    : clock_(clock),
      begun_ns_(clock.monotonic_ns()),
      inflights_(metrics.gauge(names(direction).inflights, "Total number of inflight snapshots.",
                               labels(direction, peer))),
      successes_(successes(metrics, direction, peer)),
      failures_(metrics.counter(names(direction).failures, "Total number of snapshot failures.",
                                labels(direction, peer))),
      seconds_(seconds(metrics, direction, peer)) {
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
    seconds_.observe_ns(took_ns());
}

Status leave_note(FileSystem& fs, const std::string& dir, const SnapshotNote& note) {
    return write_file_atomically(fs, note_file(dir),
                                 std::to_string(note.index) + ' ' + std::to_string(note.from) +
                                     ' ' + std::to_string(note.took_ns) + '\n');
}

std::optional<SnapshotNote> find_note(FileSystem& fs, const std::string& dir) {
    constexpr size_t kBytesMax = 256;
    if (const auto exists = fs.exists(note_file(dir)); !exists || !*exists) {
        return std::nullopt;
    }
    const auto text = read_whole_file(fs, note_file(dir), kBytesMax);
    if (!text) {
        return std::nullopt;
    }
    SnapshotNote note;
    std::istringstream words{std::string(*text)};
    words >> note.index >> note.from >> note.took_ns;
    return words ? std::optional(note) : std::nullopt;
}

void count_received(metrics::Registry& metrics, const SnapshotNote& note) {
    successes(metrics, Direction::kReceive, note.from).add();
    seconds(metrics, Direction::kReceive, note.from).observe_ns(note.took_ns);
}

}  // namespace quorate::node
