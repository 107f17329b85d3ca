// SPDX-License-Identifier: Apache-2.0
//
// The wal loop: everything that has arrived is appended and synced once; the next batch is what
// arrived meanwhile. No timer, so an idle log costs nothing and a busy one groups by itself. Writes
// that continue each other are appended as one.
// Thread: the wal thread; or whoever runs the core's turn in place of it while nothing of the raft
// loop's is on its way here, which the raft loop sees to (the mailboxes order the two).
#pragma once

#include "base/clock.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "node/messages.h"
#include "node/raft_loop.h"
#include "wal/wal.h"

#include <atomic>
#include <cstdint>
#include <vector>

namespace quorate::node {

class WalLoop final : public LogWriter {
  public:
    WalLoop(wal::Wal& wal, const Clock& clock, Mailbox<RaftInput>& raft,
            metrics::Registry& metrics);

    // One turn of the wal thread: writes, syncs, and tells the raft loop.
    void handle(std::vector<LogWrite>& writes);
    void write_and_sync(std::vector<LogWrite>& writes) override;

    // How long the last sync took; 0: there was none. Any thread.
    int64_t last_sync_ns() const { return last_sync_ns_.load(std::memory_order_relaxed); }

  private:
    static void join_writes(std::vector<LogWrite>& writes);

    wal::Wal& wal_;
    const Clock& clock_;
    Mailbox<RaftInput>& raft_;
    metrics::Histogram& sync_seconds_;
    metrics::Histogram& write_seconds_;
    metrics::Gauge& written_bytes_;
    std::atomic<int64_t> last_sync_ns_{0};
};

}  // namespace quorate::node
