// SPDX-License-Identifier: Apache-2.0
#include "node/wal_loop.h"

#include "base/log.h"

#include <iterator>
#include <utility>

namespace quorate::node {
namespace {

// What joined writes hold at most, so that they stay one frame of the log: the commit index of the
// last is then never on the disk without its entries. A single write may hold more.
constexpr size_t kJoinedEntriesMax = 4096;
constexpr size_t kJoinedBytesMax = 1024 * 1024;

// Whether `next` just goes on where `write` ends: no mark, and no entry that replaces another.
bool continues(const LogWrite& write, const LogWrite& next) {
    return !write.mark && !next.mark && !write.entries.empty() && !next.entries.empty() &&
           next.entries.front().id.index == write.entries.back().id.index + 1;
}

size_t payload_bytes(const LogWrite& write) {
    size_t bytes = 0;
    for (const raft::Entry& entry : write.entries) {
        bytes += entry.data().size();
    }
    return bytes;
}

}  // namespace

WalLoop::WalLoop(wal::Wal& wal, const Clock& clock, Mailbox<RaftInput>& raft,
                 metrics::Registry& metrics)
    : wal_(wal),
      clock_(clock),
      raft_(raft),
      sync_seconds_(metrics.histogram("etcd_disk_wal_fsync_duration_seconds",
                                      "The latency distributions of fsync called by WAL.",
                                      {0.001, 2, 14})),
      write_seconds_(metrics.histogram("etcd_disk_wal_write_duration_seconds",
                                       "The latency distributions of write called by WAL.",
                                       {0.001, 2, 14})),
      written_bytes_(metrics.gauge("etcd_disk_wal_write_bytes_total",
                                   "Total number of bytes written in WAL.")) {}

// Each append is one write to the disk, of whole blocks: a follower that has got many small
// messages while it synced would write as often as it had heard of its leader.
void WalLoop::join_writes(std::vector<LogWrite>& writes) {
    if (writes.size() < 2) {
        return;
    }
    size_t kept = 0;
    size_t bytes = payload_bytes(writes.front());
    for (size_t i = 1; i < writes.size(); ++i) {
        LogWrite& into = writes[kept];
        LogWrite& write = writes[i];
        const size_t more = payload_bytes(write);
        bytes += more;
        if (!continues(into, write) || bytes > kJoinedBytesMax ||
            into.entries.size() + write.entries.size() > kJoinedEntriesMax) {
            bytes = more;
            ++kept;
            if (kept != i) {
                writes[kept] = std::move(write);
            }
            continue;
        }
        if (write.hard_state) {
            into.hard_state = write.hard_state;
        }
        std::move(write.entries.begin(), write.entries.end(), std::back_inserter(into.entries));
    }
    writes.resize(kept + 1);
}

void WalLoop::write_and_sync(std::vector<LogWrite>& writes) {
    const int64_t begin_ns = clock_.monotonic_ns();
    uint64_t bytes = 0;
    join_writes(writes);
    for (const LogWrite& write : writes) {
        wal::Batch batch;
        batch.hard_state = write.hard_state;
        if (write.mark) {
            batch.mark = wal::Mark{*write.mark, write.configuration};
        }
        batch.entries = write.entries;
        for (const raft::Entry& entry : write.entries) {
            bytes += entry.data().size();
        }
        if (const Status s = wal_.append(batch); !s.ok()) {
            log::fatal(
                "write-ahead log can't be written; this member stops before it acknowledges "
                "what is not on disk",
                {log::Field(s)});
        }
    }
    const int64_t written_ns = clock_.monotonic_ns();
    if (const Status s = wal_.sync(); !s.ok()) {
        log::fatal(
            "write-ahead log can't be synced; this member stops before it acknowledges "
            "what is not on disk",
            {log::Field(s)});
    }
    for (const LogWrite& write : writes) {
        if (write.mark) {
            wal_.release(write.mark->index);
        }
    }
    write_seconds_.observe_ns(written_ns - begin_ns);
    const int64_t sync_ns = clock_.monotonic_ns() - written_ns;
    last_sync_ns_.store(sync_ns, std::memory_order_relaxed);
    sync_seconds_.observe_ns(sync_ns);
    written_bytes_.add(static_cast<int64_t>(bytes));
}

void WalLoop::handle(std::vector<LogWrite>& writes) {
    if (writes.empty()) {
        return;
    }
    std::vector<uint64_t> numbers;
    numbers.reserve(writes.size());
    for (const LogWrite& write : writes) {
        numbers.push_back(write.ready_number);
    }
    write_and_sync(writes);
    for (const uint64_t number : numbers) {
        raft_.push_always(Persisted{number});
    }
}

}  // namespace quorate::node
