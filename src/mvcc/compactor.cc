// SPDX-License-Identifier: Apache-2.0
#include "mvcc/compactor.h"

#include "base/assert.h"
#include "base/errors.h"
#include "storage/schema.h"

#include <mutex>
#include <utility>

namespace quorate::mvcc {

namespace {

// Takes a slice out of the index. False when readers need it still.
bool gather_removals(StoreState& state, const CompactLimits& limits) {
    QUORATE_ASSERT(state.compaction_resume.has_value());
    const int64_t floor = state.compact_revision.load(std::memory_order_relaxed);
    KeyIndex::CompactedSlice slice;
    {
        const std::lock_guard lock(state.lock);
        if (state.removed_floor.load(std::memory_order_relaxed) < floor) {
            if (state.pins.lowest() < floor && !limits.break_pins) {
                return false;
            }
            state.removed_floor.store(floor, std::memory_order_release);
        }
        slice = state.index.compact_slice(*state.compaction_resume, floor,
                                          {limits.keys_max, limits.revisions_max});
    }
    state.removals.add(std::move(slice.removed));
    state.compaction_resume = std::move(slice.resume);
    state.removals_leave =
        !state.compaction_resume.has_value() || state.removals.count() >= limits.gathered_max;
    return true;
}

}  // namespace

Status schedule_compaction(StoreState& state, int64_t revision, storage::WriteBatch& batch) {
    QUORATE_ASSERT(state.writer_revision == 0);
    if (revision <= state.compact_revision.load(std::memory_order_relaxed)) {
        return errors::kCompacted;
    }
    if (revision > state.current_revision.load(std::memory_order_relaxed)) {
        return errors::kFutureRev;
    }
    {
        // A reader looks at the compact revision and pins under one hold of the lock, so from here
        // on no new pin is below it but those of views that hold one already.
        const std::lock_guard lock(state.lock);
        state.compact_revision.store(revision, std::memory_order_release);
    }
    state.compaction_resume = Bytes();
    // However often the walk starts over, the engine gets rid of what was found.
    state.removals_leave = !state.removals.empty();
    batch.put(storage::kCompactScheduledKey, storage::encode_u64(static_cast<uint64_t>(revision)));
    return {};
}

bool compaction_is_pending(const StoreState& state) {
    return state.compaction_finished != state.compact_revision.load(std::memory_order_relaxed);
}

CompactProgress continue_compaction(StoreState& state, const CompactLimits& limits,
                                    storage::WriteBatch& batch) {
    QUORATE_ASSERT(state.writer_revision == 0);
    CompactProgress progress;
    if (!compaction_is_pending(state)) {
        progress.done = true;
        return progress;
    }
    if (!state.removals_leave) {
        progress.waiting_for_readers = !gather_removals(state, limits);
    }
    if (!state.removals_leave) {
        return progress;
    }
    while (!state.removals.empty() && progress.revisions_removed < limits.revisions_max) {
        const Revision removed = state.removals.take_oldest();
        batch.erase(storage::record_key(removed.main, removed.sub));
        ++progress.revisions_removed;
    }
    if (!state.removals.empty()) {
        return progress;
    }
    state.removals_leave = false;
    if (!state.compaction_resume.has_value()) {
        const int64_t floor = state.compact_revision.load(std::memory_order_relaxed);
        state.compaction_finished = floor;
        batch.put(storage::kCompactFinishedKey, storage::encode_u64(static_cast<uint64_t>(floor)));
        progress.done = true;
    }
    return progress;
}

}  // namespace quorate::mvcc
