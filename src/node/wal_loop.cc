// SPDX-License-Identifier: Apache-2.0
#include "node/wal_loop.h"

#include "base/log.h"

#include <utility>

namespace quorate::node {

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

void WalLoop::write_and_sync(std::vector<LogWrite>& writes) {
    const int64_t begin_ns = clock_.monotonic_ns();
    uint64_t bytes = 0;
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
    sync_seconds_.observe_ns(clock_.monotonic_ns() - written_ns);
    written_bytes_.add(static_cast<int64_t>(bytes));
}

void WalLoop::handle(std::vector<LogWrite>& writes) {
    if (writes.empty()) {
        return;
    }
    write_and_sync(writes);
    for (const LogWrite& write : writes) {
        raft_.push_always(Persisted{write.ready_number});
    }
}

}  // namespace quorate::node
