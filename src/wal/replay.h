// SPDX-License-Identifier: Apache-2.0
//
// Replay: applies the frames of a log in order and holds what is left: the newest hard state and
// mark, and the entries behind the mark with some history before it. Memory: the entries kept, and
// while reading also those that a later frame replaces. Not thread-safe.
#pragma once

#include "base/status.h"
#include "wal/frame.h"
#include "wal/log_shape.h"
#include "wal/types.h"

#include <cstdint>
#include <deque>

namespace quorate::wal {

class Replay {
  public:
    struct Limits {
        uint64_t history_entries_max = 0;
        uint64_t history_bytes_max = 0;
        // The newest mark as far as it can be known before reading; saves keeping what it makes
        // history anyway.
        uint64_t known_mark_index = 0;
    };

    explicit Replay(const Limits& limits) : limits_(limits) {}

    // Entries at or below this are not kept, their bytes need not be read.
    uint64_t entries_above() const;
    const LogShape& shape() const { return shape_; }

    // Errors: errors::kDamaged with the reason alone, when frames that are whole each for itself
    // can't have been written one after the other.
    Status apply(FrameContent&& content, bool first_of_segment);

    // errors::kDamaged when entries behind the mark are not there.
    Result<Recovered> finish();

  private:
    Status begin_segment(const FrameContent& content);
    Status apply_mark(Mark&& mark);
    Status apply_entry(raft::Entry&& entry);
    void drop_front();
    void trim_history();

    const Limits limits_;
    bool begun_ = false;
    LogShape shape_;
    raft::HardState hard_state_;
    Mark mark_;
    raft::EntryId start_;
    std::deque<raft::Entry> entries_;
    uint64_t history_count_ = 0;  // of entries_ at or below the mark
    uint64_t history_bytes_ = 0;
};

}  // namespace quorate::wal
