// SPDX-License-Identifier: Apache-2.0
//
// WriteBehind: the layer between the apply loop and an engine. The apply loop hands over one batch
// per turn and goes on; a thread of its own merges what has gathered into larger engine writes.
//
//   submit --> queue (bounded in bytes) --> one engine write of whole batches, in order -->
//   written()
//                                           sync() asked for --> engine sync -----------> done
//
// The engine holds a prefix of what was submitted, at any moment and after any crash. A client's
// write is durable by the log before it gets here, so what a crash takes from the queue is applied
// again from there.
//
// The first failed engine write ends it: nothing is written any more (what comes after a lost batch
// would not be a prefix), submit drops, and every sync is answered with the failure.
#pragma once

#include "base/clock.h"
#include "base/loop_thread.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "base/status.h"
#include "base/waker.h"
#include "storage/backend.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace quorate::storage {

class WriteBehind {
  public:
    enum class Mode : uint8_t {
        kThread,
        // No thread: the owner calls pump(). Simulation, tests and tools.
        kPumped,
    };
    struct Options {
        Mode mode = Mode::kThread;
        // What may wait for the engine. submit blocks above it (kThread) or pumps (kPumped, where 0
        // therefore writes through). A single batch may be larger.
        size_t pending_bytes_max = 64 << 20;
        // Batches are merged up to this size; a single batch may be larger.
        size_t write_bytes_max = 1 << 20;
        // kThread: with less waiting, submit leaves the thread asleep until hurry() or sync(). Few
        // writes then cost no wake-ups.
        size_t gathered_bytes = 0;
        // With both, each engine write is timed.
        const Clock* clock = nullptr;
        metrics::Histogram* write_seconds = nullptr;
    };
    // The first failure, once. Writer thread.
    using FailureHandler = std::function<void(const Status&)>;
    // The writer thread, or in stop().
    using SyncHandler = std::function<void(const Status&)>;

    // `backend` outlives this, and nobody else writes to it meanwhile. `written` is the sequence
    // number that the engine holds already.
    WriteBehind(Backend& backend, const Options& options, FailureHandler on_failure,
                uint64_t written = 0);
    // stop().
    ~WriteBehind();
    WriteBehind(const WriteBehind&) = delete;
    WriteBehind& operator=(const WriteBehind&) = delete;

    // Apply loop. Sequence numbers rise.
    void submit(WriteBatch&& batch, uint64_t seq);
    // Apply loop. `done` once everything submitted so far survives a power cut, or can't.
    void sync(SyncHandler done);
    // Any thread. What waits is written soon, however little it is.
    void hurry();
    // Apply loop. Writes what is waiting, then joins the thread. Idempotent; nothing is submitted
    // afterwards. Does not sync.
    void stop();
    // kPumped: one turn of the writer. Apply loop.
    void pump();

    // Any thread. Everything up to this sequence number is in the engine and in every view opened
    // from now on.
    uint64_t written() const { return written_.load(std::memory_order_acquire); }
    // Any thread. What is waiting, in bytes of memory.
    size_t pending_bytes() const { return pending_bytes_.load(std::memory_order_acquire); }

  private:
    struct Item {
        WriteBatch batch;
        uint64_t seq = 0;
        SyncHandler sync_done;  // set: a sync, and the batch is empty
        size_t bytes = 0;
    };

    int64_t turn();
    void wait_for_space(size_t bytes);
    void write_items(size_t first, size_t end);
    void sync_engine(const SyncHandler& done);
    void fail(Status status);
    int64_t now_ns() const;
    void observe(int64_t started_ns);

    Backend& backend_;
    const Options options_;
    const FailureHandler on_failure_;
    LoopThread thread_;
    Mailbox<Item> mailbox_;
    Waker space_;  // the apply loop sleeps on it while the queue is full
    std::atomic<uint64_t> written_;
    std::atomic<size_t> pending_bytes_{0};
    uint64_t submitted_;    // apply loop
    bool stopped_ = false;  // apply loop
    // Writer thread.
    std::vector<Item> items_;
    WriteBatch merged_;
    Status failure_;
};

}  // namespace quorate::storage
