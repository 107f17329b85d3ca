// SPDX-License-Identifier: Apache-2.0
//
// LogShape: which entries a log holds, without their content: the mark, the last entry and where
// terms change. Shared by the writer and by recovery, so both agree on what a batch does to a log.
// Not thread-safe.
#pragma once

#include "raft/types.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::wal {

class LogShape {
  public:
    LogShape() = default;
    // A log that begins somewhere in its life; of the entries between mark and last nothing is
    // known but that they were there.
    LogShape(const raft::EntryId& mark, const raft::EntryId& last);

    const raft::EntryId& mark() const { return mark_; }
    const raft::EntryId& last() const { return last_; }

    // Whether the entry may follow: consecutive or replacing, above the mark, no falling term.
    bool accepts(const raft::EntryId& id) const;
    void append(const raft::EntryId& id);

    bool accepts_mark(const raft::EntryId& id) const;
    // True when the log starts anew behind the mark.
    bool set_mark(const raft::EntryId& id);

    // Nothing for indexes beyond the log, before the mark, or never seen.
    std::optional<uint64_t> term_at(uint64_t index) const;

    void check_invariants() const;

  private:
    struct Run {
        uint64_t first_index;
        uint64_t term;
    };

    raft::EntryId mark_;
    raft::EntryId last_;
    // Ascending; each reaches to the next one's start, the last to last_. Bounded by the number of
    // elections since the mark.
    std::vector<Run> runs_ = {Run{0, 0}};
};

}  // namespace quorate::wal
