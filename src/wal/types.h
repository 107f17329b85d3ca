// SPDX-License-Identifier: Apache-2.0
//
// What goes into the log and what comes out of it. Values, any thread.
#pragma once

#include "raft/types.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace quorate::wal {

// Whose log it is. Written into every segment: a folder that was copied or mounted at the wrong
// place is refused instead of being served.
struct Identity {
    uint64_t cluster_id = 0;
    uint64_t member_id = 0;

    friend bool operator==(const Identity&, const Identity&) = default;
};

// The state machine is durable up to `id`, and these were the members there: a restart goes on
// from here, and entries at or below it are only history for slow followers.
struct Mark {
    raft::EntryId id;
    raft::Configuration configuration;

    friend bool operator==(const Mark&, const Mark&) = default;
};

// One append. The parts take effect in the order of the fields. Entries are consecutive and lie
// above the mark; the first may be at or below the last entry of the log, and then replaces it and
// all behind it (Raft §5.3). A mark that is not an entry of the log (it lies beyond the end, or the
// entry there has another term) comes from an installed snapshot, and the log starts anew behind
// it.
struct Batch {
    std::optional<raft::HardState> hard_state;
    std::optional<Mark> mark;
    std::span<const raft::Entry> entries;
};

// The log as it was after its last whole frame.
struct Recovered {
    raft::HardState hard_state;
    Mark mark;
    // The entry before `entries`: at or below the mark.
    raft::EntryId start;
    // Consecutive; those at or below the mark are history (Options::history_entries_max).
    std::vector<raft::Entry> entries;

    // Bytes of an unfinished last write that were dropped; they were never acknowledged.
    uint64_t torn_bytes = 0;
    uint64_t bytes_read = 0;

    raft::EntryId last() const { return entries.empty() ? start : entries.back().id; }
};

}  // namespace quorate::wal
