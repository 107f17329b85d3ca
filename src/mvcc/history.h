// SPDX-License-Identifier: Apache-2.0
//
// Reading changes in revision order, from the recent changes or, further back, from the engine. The
// feed of the watchers and of the hash. Any thread.
#pragma once

#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/store_state.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::mvcc {

struct HistoryWindow {
    int64_t from_main;
    int64_t to_main;  // inclusive, published
    int64_t revisions_max;
    size_t bytes_max;  // of records; the main revision that reaches it is the last
};

struct HistorySlice {
    // Whole main revisions; below the compact revision there are gaps between them.
    std::vector<Change> changes;
    int64_t next_main = 0;  // everything stored before it, from from_main on, is in `changes`
};

// Whether everything from `from_main` on is still in memory, whatever has been compacted since.
bool is_recent(const StoreState& state, int64_t from_main);

// The pair that the change of `key` at `main` replaced, if both are still in memory.
Result<std::optional<RecordRef>> recent_pair_before(const StoreState& state, ByteView key,
                                                    int64_t main);

// The caller sees to it that nothing of the window is removed meanwhile, or checks afterwards that
// it was not. next_main is always above from_main.
Result<HistorySlice> read_history(const StoreState& state, const HistoryWindow& window);

}  // namespace quorate::mvcc
