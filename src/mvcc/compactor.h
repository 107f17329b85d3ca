// SPDX-License-Identifier: Apache-2.0
//
// Compaction: forgetting what was superseded at or before a revision.
//
//   schedule --> (pins below it? wait) --> out of the index, --> out of the engine, --> finished
//      |                                   in key order            in revision order       |
//      mark in the batch                   ^                       |                       mark
//                                          +---- more to gather ---+
//
// All of it goes slice by slice. What is superseded is found by key, but the engine has the records
// by revision: deleted as they are found, each would touch another page, which an engine that does
// not have all of them in memory reads and writes again and again. So the removals gather first.
// An engine without a revision has none of the key's older ones either, so that a deletion never
// goes before what it deleted, whenever the process ends.
//
// Scheduling moves the compact revision at once: what is below can't be asked for any more. Removal
// may take its time and starts over after a restart that comes before its finished mark; what was
// removed already is then simply not there. A new compaction in the middle starts over as well.
//
// Kept of every key: its newest change at or before the compact revision, unless that is a deletion
// below it. A deletion exactly at the compact revision stays, so that a watch from there still sees
// it. Apply loop.
#pragma once

#include "base/status.h"
#include "mvcc/store.h"
#include "mvcc/store_state.h"

#include <cstdint>

namespace quorate::mvcc {

Status schedule_compaction(StoreState& state, int64_t revision, storage::WriteBatch& batch);
bool compaction_is_pending(const StoreState& state);
CompactProgress continue_compaction(StoreState& state, const CompactLimits& limits,
                                    storage::WriteBatch& batch);

}  // namespace quorate::mvcc
