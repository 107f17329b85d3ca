// SPDX-License-Identifier: Apache-2.0
#include "mvcc/compactor.h"

#include "base/assert.h"
#include "base/errors.h"
#include "storage/schema.h"

#include <mutex>
#include <utility>

namespace quorate::mvcc {

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
    state.compaction_resume.clear();
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
    const int64_t floor = state.compact_revision.load(std::memory_order_relaxed);
    KeyIndex::CompactedSlice slice;
    {
        const std::lock_guard lock(state.lock);
        if (state.removed_floor.load(std::memory_order_relaxed) < floor) {
            if (state.pins.lowest() < floor && !limits.break_pins) {
                progress.waiting_for_readers = true;
                return progress;
            }
            state.removed_floor.store(floor, std::memory_order_release);
        }
        slice = state.index.compact_slice(state.compaction_resume, floor,
                                          {limits.keys_max, limits.revisions_max});
    }
    for (const Revision& removed : slice.removed) {
        batch.erase(storage::record_key(removed.main, removed.sub));
    }
    progress.revisions_removed = slice.removed.size();
    if (slice.resume.has_value()) {
        state.compaction_resume = *std::move(slice.resume);
        return progress;
    }
    state.compaction_resume.clear();
    state.compaction_finished = floor;
    batch.put(storage::kCompactFinishedKey, storage::encode_u64(static_cast<uint64_t>(floor)));
    progress.done = true;
    return progress;
}

}  // namespace quorate::mvcc
