// SPDX-License-Identifier: Apache-2.0
//
// Records that compaction has taken out of the index and the engine still has. They come in the
// order of keys and leave in that of revisions, which is the order of records in the engine. Apply
// loop.
#pragma once

#include "mvcc/revision.h"

#include <cstddef>
#include <vector>

namespace quorate::mvcc {

class Removals {
  public:
    bool empty() const { return count_ == 0; }
    size_t count() const { return count_; }

    void add(std::vector<Revision> revisions);
    // The oldest of all; there is one.
    Revision take_oldest();

  private:
    // What one slice of the index gave.
    struct Run {
        Revision oldest;
        std::vector<Revision> others;  // the newest first
    };
    static bool is_newer(const Run& a, const Run& b) { return a.oldest > b.oldest; }

    std::vector<Run> runs_;  // a heap, the one with the oldest revision on top
    size_t count_ = 0;
};

}  // namespace quorate::mvcc
