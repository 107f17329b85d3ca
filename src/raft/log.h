// SPDX-License-Identifier: Apache-2.0
//
// The tail of the log that is in memory, and how far it is committed and applied.
// Thread: raft loop.
//
//   start    applied    applying   committed     last
//     |---------|----------|-----------|-----------|
//     compacted |          |           |           +- replaced if a new leader disagrees
//     here      |          |           +- on a quorum, will never change
//               |          +- handed out to the state machine
//               +- in the state machine
//
// After a snapshot was restored, applied is below start until the host has installed it.
#pragma once

#include "raft/types.h"

#include <cstdint>
#include <deque>
#include <vector>

namespace quorate::raft {

// What an entry costs in every bound that is counted in bytes: entries without a payload count too.
inline constexpr uint64_t kEntryOverheadBytes = sizeof(Entry);

inline uint64_t entry_bytes(const Entry& entry) {
    return kEntryOverheadBytes + entry.data().size();
}

class Log {
  public:
    // `entries` follow `start`; everything is taken as uncommitted.
    Log(EntryId start, std::vector<Entry> entries);

    EntryId start() const { return start_; }
    EntryId last() const { return slots_.empty() ? start_ : slots_.back().entry.id; }
    uint64_t last_index() const { return start_.index + slots_.size(); }
    uint64_t committed() const { return committed_; }
    uint64_t applying() const { return applying_; }
    uint64_t applied() const { return applied_; }

    bool holds(uint64_t index) const { return index > start_.index && index <= last_index(); }
    const Entry& at(uint64_t index) const;
    // 0 outside of [start, last].
    uint64_t term_at(uint64_t index) const;
    bool matches(EntryId id) const;

    // Whether a log that ends in `other` may lead this one (Raft §5.4.1).
    bool is_not_newer_than(EntryId other) const;

    // The index of the last entry that is neither behind `limit` nor of a later term; start - 1 if
    // even start is of a later term.
    uint64_t last_index_within(EntryId limit) const;

    // The first of `entries` that is missing here or has another term here; their count if none.
    size_t first_difference(const std::vector<Entry>& entries) const;

    void append(Entry entry);
    void truncate_after(uint64_t index);  // index >= committed
    void commit_to(uint64_t index);       // no step back, index <= last
    void apply_to(uint64_t index);        // handed out
    void applied_to(uint64_t index);
    void compact_to(uint64_t index);  // index <= applied
    // Forgets all and starts behind a snapshot that is newer than committed.
    void restart_after(EntryId snapshot);

    // The entries from `first` through `last`, as many as bytes_max allows but at least one.
    struct Range {
        uint64_t first = 0;
        uint64_t last = 0;
        uint64_t bytes_max = UINT64_MAX;
    };
    std::vector<Entry> slice(Range range) const;

    // The cost of the entries in memory with after < index <= through.
    struct Span {
        uint64_t after = 0;
        uint64_t through = 0;
    };
    uint64_t bytes(Span span) const;

    void check_invariants() const;

  private:
    struct Slot {
        Entry entry;
        uint64_t bytes_through;  // of this and of all entries before it since the object exists
    };

    const Slot& slot(uint64_t index) const { return slots_[index - start_.index - 1]; }
    uint64_t bytes_through(uint64_t index) const;

    EntryId start_;
    uint64_t bytes_before_ = 0;  // bytes_through of the entry before the first slot
    std::deque<Slot> slots_;
    uint64_t committed_;
    uint64_t applying_;
    uint64_t applied_;
};

}  // namespace quorate::raft
