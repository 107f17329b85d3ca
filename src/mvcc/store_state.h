// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the store share: Store, its views and cursors, WriteTxn, the compactor and the
// hash. Nobody outside this folder includes it.
#pragma once

#include "base/bytes.h"
#include "base/errors.h"
#include "mvcc/index_lock.h"
#include "mvcc/key_index.h"
#include "mvcc/pins.h"
#include "mvcc/recent_changes.h"
#include "mvcc/record_cache.h"
#include "mvcc/removals.h"
#include "mvcc/revision.h"
#include "storage/backend.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>

namespace quorate::mvcc {

struct StoreState {
    StoreState(storage::Backend& engine, size_t recent_bytes_max, size_t cache_bytes_max)
        : backend(engine), recent(recent_bytes_max), cache(cache_bytes_max) {}

    // Once, before anybody else sees the state: everything up to `current` is in the engine.
    void start_at(int64_t current) {
        recent.start_behind(current);
        current_revision.store(current, std::memory_order_relaxed);
        engine_main.store(current, std::memory_order_relaxed);
    }

    storage::Backend& backend;

    // Guarded by `lock`; the apply loop alone changes them and so reads them without it.
    mutable IndexLock lock;
    KeyIndex index;
    RecentChanges recent;

    // Written by the apply loop under `lock`, so that they fit what the lock guards.
    std::atomic<int64_t> current_revision{kFirstRevision};
    std::atomic<int64_t> compact_revision{kNeverCompacted};
    // The compact revision whose removal has begun: reads below it have lost their base. It follows
    // compact_revision as soon as no pin is in the way.
    std::atomic<int64_t> removed_floor{kNeverCompacted};
    // Every main revision up to this one is in the engine. Written by any thread.
    std::atomic<int64_t> engine_main{kFirstRevision};

    mutable Pins pins;
    mutable RecordCache cache;

    // Apply loop only.
    int64_t writer_revision = 0;  // what the reads of the open WriteTxn show; 0: there is none
    int64_t compaction_finished = kNeverCompacted;
    // The key where the walk through the index goes on; none: it has come to the end.
    std::optional<Bytes> compaction_resume{Bytes()};
    Removals removals;
    bool removals_leave = false;  // for the engine, until none is left; otherwise more are gathered
};

// Whose eyes a read has.
struct ReadScope {
    const StoreState& state;
    bool writer = false;  // the reads of the open WriteTxn: no lock, no pin, its own writes seen
    int64_t newest = 0;   // the revision taken as the newest; 0: the store's own, or the writer's

    std::shared_lock<IndexLock> lock() const {
        return writer ? std::shared_lock<IndexLock>() : std::shared_lock(state.lock);
    }
    // Under the lock.
    int64_t newest_revision() const {
        if (writer) {
            return state.writer_revision;
        }
        return newest != 0 ? newest : state.current_revision.load(std::memory_order_relaxed);
    }
    // Whether the newest state of every index entry is what a read at `revision` sees. Under the
    // lock.
    bool sees_newest_states(int64_t revision) const {
        return revision == (writer ? state.writer_revision
                                   : state.current_revision.load(std::memory_order_relaxed));
    }
    // Under the lock.
    Pin pin(int64_t revision) const { return writer ? Pin() : state.pins.pin(revision); }
};

// What a read that asks for `asked` (0 or less: the newest) reads at. Under the lock.
// errors::kFutureRev, errors::kCompacted.
Result<int64_t> resolve_revision(const ReadScope& scope, int64_t asked);

// The record of a change of `entry` if it is among the recent ones. Under the lock.
inline std::optional<RecordRef> find_recent(const StoreState& state, const KeyEntry& entry,
                                            const KeyChange& change) {
    return entry.mod() == change.revision ? state.recent.find_at(entry.spot(), change)
                                          : state.recent.find(change.revision);
}

// Reads records that are no recent changes. The engine's view is opened with the first one that the
// cache does not have, and must be younger than the caller's look into the recent changes, as
// store.h explains: after every such look the view is closed.
class EngineReader {
  public:
    explicit EngineReader(const StoreState& state) : state_(state) {}

    // `revision` is what the caller reads at and has pinned.
    Result<RecordRef> read(const Revision& record, int64_t revision);
    void close_view() { view_.reset(); }

  private:
    const StoreState& state_;
    std::unique_ptr<storage::View> view_;
};

// The live pair of `key` at `revision` (0: the scope's newest).
struct FoundPair {
    Revision mod;
    RecordRef record;
};
struct PairAnswer {
    int64_t newest = 0;  // the newest revision when the answer was made
    std::optional<FoundPair> pair;
};
Result<PairAnswer> read_pair(const ReadScope& scope, ByteView key, int64_t revision);

}  // namespace quorate::mvcc
