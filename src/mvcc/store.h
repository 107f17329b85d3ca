// SPDX-License-Identifier: Apache-2.0
//
// Store: the multi-version key-value store. The index of all keys is in memory; records are in the
// engine, and those of the most recent changes in memory as well, which makes three things one: the
// write buffer that reads consult while the engine is behind, a cache, and the feed of the
// watchers.
//
// Threads. The apply loop writes: begin, compact, compact_step. Everything else may be called from
// any thread. One lock guards index and recent changes: the writer holds it for the changes of one
// request, readers share it for bounded slices and never hold it while they touch the engine.
//
// The engine is written behind. A WriteTxn puts its records into the caller's batch; the caller
// writes batches in order on whatever thread and then calls engine_has(). A recent change is let go
// only when the engine has it, so a record is always in at least one of the two places:
//   1. a reader looks into index and recent changes under the lock: what it does not find there the
//      engine has already, because the mark was moved before the change was let go;
//   2. it then opens its view of the engine, which therefore shows that record,
//   3. unless compaction removed it in between, and that waits for the pin the reader took in 1.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/range.h"
#include "mvcc/read_view.h"
#include "mvcc/write_txn.h"
#include "storage/backend.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace quorate::mvcc {

struct StoreOptions {
    // Bound on the recent changes kept in memory. What the engine does not have yet is kept beyond
    // it; the apply loop watches recent_unflushed_bytes and waits for the engine.
    size_t recent_bytes_max = size_t{64} << 20;
    // Bound on records kept after they were read from the engine.
    size_t cache_bytes_max = size_t{16} << 20;
};

struct StoreStats {
    int64_t keys = 0;                     // live now
    int64_t tombstones = 0;               // deleted, not compacted away yet
    int64_t old_revisions = 0;            // superseded, not compacted away yet
    uint64_t live_bytes = 0;              // records of the live keys
    uint64_t stored_bytes = 0;            // all records that compaction has not removed
    uint64_t recent_bytes = 0;            // records held in memory as recent changes
    uint64_t recent_unflushed_bytes = 0;  // of those, not yet in the engine
    uint64_t cache_bytes = 0;
};

struct CompactLimits {
    size_t keys_max = 500;        // leaves and entries of the index looked at
    size_t revisions_max = 1000;  // taken out of the index, and engine deletes added to the batch
    // Removals gathered before the engine is told. Each takes 16 bytes, no more than the index has
    // given up for it.
    size_t gathered_max = size_t{4} << 20;
    // Stop waiting for readers that still need what is to be removed; their reads then fail with
    // errors::kCompacted. The caller decides by the time it has waited.
    bool break_pins = false;
};

struct CompactProgress {
    bool done = false;                 // nothing is left to remove; the mark is in the batch
    bool waiting_for_readers = false;  // nothing was removed; call again later
    size_t revisions_removed = 0;      // engine deletes in the batch
};

struct KeyValueHash {
    uint32_t hash = 0;
    int64_t compact_revision = 0;
    int64_t hash_revision = 0;
    int64_t current_revision = 0;  // for the header
};

class Store final : public ChangeSource {
  public:
    // Rebuilds the index by one scan of the engine. `backend` outlives the store.
    static Result<std::unique_ptr<Store>> open(storage::Backend& backend,
                                               const StoreOptions& options);
    ~Store() override;
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Reads.
    int64_t current_revision() const override;
    int64_t compact_revision() const override;
    Result<RangeResult> range(const RangeQuery& query) const;
    // A cursor pins its revision as a view does. For a stream that may be as slow as its client,
    // open one cursor per chunk with the first one's revision instead, as etcd does.
    Result<RangeCursor> cursor(const RangeQuery& query) const;
    ReadView view() const;

    // Changes, for the watchers.
    Result<std::vector<Change>> changes(const ChangeWindow& window) override;
    Result<std::optional<RecordRef>> pair_before(ByteView key, int64_t main) override;

    // Checks.
    // CRC-32C over the stored revisions up to `revision` (0: newest), equal to etcd's HashKV.
    Result<KeyValueHash> hash_kv(int64_t revision) const;
    // CRC-32C over everything in the engine, whatever is not written yet left out.
    Result<uint32_t> hash() const;
    StoreStats stats() const;
    // That hold a revision at the moment.
    int64_t readers() const;
    void check_invariants() const;

    // Calls `visitor` for every live key that has a lease, in key order, at start-up to rebuild the
    // lessor. Apply loop.
    void visit_leased(const std::function<void(ByteView key, int64_t lease)>& visitor) const;

    // Writes: apply loop.
    WriteTxn begin(storage::WriteBatch& batch);
    // Checks `revision`, makes it the compact revision and schedules the removal, which survives a
    // restart. errors::kCompacted, errors::kFutureRev.
    Status compact(int64_t revision, storage::WriteBatch& batch);
    bool compaction_pending() const;
    CompactProgress compact_step(const CompactLimits& limits, storage::WriteBatch& batch);

    // The engine now has every batch up to this main revision. Any thread; never goes back.
    void engine_has(int64_t main);

  private:
    explicit Store(std::unique_ptr<StoreState> state);

    std::unique_ptr<StoreState> state_;
};

}  // namespace quorate::mvcc
