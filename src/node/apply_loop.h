// SPDX-License-Identifier: Apache-2.0
//
// The apply loop: committed entries become state, in order, each exactly once; what only the owner
// of the state can answer is answered here, too. One turn's changes, the applied index and its term
// go to the engine as one batch, behind the answers: the log has them already.
// Thread: the core thread, or one of its own. Logic only: no locks; the clock is given and measures
// how long a turn took.
#pragma once

#include "apply/applier.h"
#include "apply/state.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "node/apply_metrics.h"
#include "node/auto_compactor.h"
#include "node/messages.h"
#include "node/state_hash.h"
#include "node/status.h"
#include "storage/write_behind.h"
#include "wire/command.h"

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace quorate::node {

struct ApplyLoopOptions {
    // The engine is synced, and the log cut behind it, after this many entries once the interval
    // has passed too, or at once when the entries were large.
    uint64_t snapshot_entries = 10'000;
    int64_t snapshot_interval_min_ns = 5'000'000'000;
    uint64_t snapshot_bytes = 64u << 20;

    uint32_t compaction_batch_limit = 1000;  // revisions in one slice
    int64_t compaction_sleep_ns = 10'000'000;
    // How long a compaction waits for readers of what it is to remove.
    int64_t compaction_patience_ns = 10'000'000'000;

    int64_t lease_extend_ms = 1000;      // on a change of leader
    uint32_t expired_leases_max = 5000;  // revoked by one entry
    uint32_t checkpoints_max = 1000;     // of leases, in one entry
    int64_t warning_apply_ns = 100'000'000;
};

class ApplyLoop {
  public:
    struct Ports {
        Mailbox<RaftInput>& raft;
        NodeStatus& status;
        storage::WriteBehind& engine;
        const Clock& clock;
        // The engine keeps what it has synced. Without it (mem) the log is never cut: all of it is
        // the state's only durable form.
        bool engine_is_durable = true;
        // Sends what was answered.
        std::function<void()> flush;
        // The store shows a newer revision.
        std::function<void(int64_t revision)> on_published;
        // The members are others, or have published themselves. Called at the start, too.
        std::function<void(std::shared_ptr<const cluster::List>)> on_members;
        // Users, roles or permissions are others. Called at the start, too.
        std::function<void(std::shared_ptr<const auth::Rules>)> on_auth;
        // Puts a command of this member's own into the log of the term that it leads.
        std::function<void(wire::CommandKind, const Bytes&, uint64_t led_term)> propose;
    };

    // `applied` is what the engine holds already.
    ApplyLoop(mvcc::Store& store, lease::Lessor& lessor, apply::AlarmStore& alarms,
              cluster::Membership& membership, auth::AuthStore& auth, auth::TokenProvider& tokens,
              StateHash& state_hash, apply::Applier& applier, AutoCompactor auto_compactor,
              raft::EntryId applied, const ApplyLoopOptions& options, Ports ports,
              metrics::Registry& metrics);

    // One turn. Returns how long the loop may sleep for its own sake, in nanoseconds.
    int64_t handle(std::vector<ApplyInput>& inputs);

    // Before the end: everything applied is submitted to the engine, and synced if possible.
    void stop();

  private:
    struct AfterCompaction {
        Waiter waiter;
        Bytes response;
    };
    struct Submitted {
        uint64_t sequence;
        int64_t revision;
    };

    void take(CommittedBatch& batch);
    void take(ApplyTask& task);
    void apply(CommittedEntry& entry);
    void follow_leadership();
    void expire_leases();
    void checkpoint_leases();
    void compact_by_itself();
    void compact_slice();
    void submit();
    void sync_engine_if_due();
    void publish(int64_t revision_before);
    void publish_members();
    void measure(const CommittedEntry& entry, const apply::Outcome& outcome);
    void publish_auth();
    int64_t sleep_ns() const;

    const ApplyLoopOptions options_;
    Ports ports_;
    apply::Applier& applier_;
    StateHash& state_hash_;
    AutoCompactor auto_compactor_;
    storage::WriteBatch batch_;
    apply::State state_;

    int64_t now_ns_ = 0;
    raft::EntryId applied_;
    raft::EntryId submitted_applied_;
    std::shared_ptr<const cluster::List> published_members_;
    std::shared_ptr<const auth::Rules> published_auth_;

    // Batches on their way to the engine, and the revision that each brings it to.
    std::deque<Submitted> submitted_;
    uint64_t sequence_ = 0;

    raft::EntryId synced_;  // as asked for
    uint64_t bytes_since_sync_ = 0;
    int64_t last_sync_ns_ = 0;
    std::shared_ptr<std::atomic<bool>> sync_under_way_;

    std::vector<AfterCompaction> after_compaction_;
    int64_t next_slice_ns_ = 0;
    int64_t waiting_for_readers_since_ns_ = 0;  // 0: not waiting
    int64_t next_expiry_ns_ = 0;

    int64_t entry_begun_ns_ = 0;  // when the entry in hand came to its turn
    ApplyMetrics metrics_;
    int64_t compaction_begun_ns_ = 0;  // 0: none is under way
};

}  // namespace quorate::node
