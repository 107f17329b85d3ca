// SPDX-License-Identifier: Apache-2.0
//
// A set of keys made of spans, kept as disjoint intervals of which no two touch, so whatever lies
// in the union of several spans lies in one interval. Value, any thread.
#pragma once

#include "auth/types.h"

#include <vector>

namespace quorate::auth {

class KeySet {
  public:
    KeySet() = default;
    explicit KeySet(const std::vector<KeySpan>& spans);

    // Whether every key of the span is in the set. A span without any key asks for its first one,
    // so that a request for nothing needs a right to something.
    bool contains(const KeySpan& span) const;
    bool empty() const { return intervals_.empty(); }

    void check_invariants() const;

  private:
    // begin <= key < end, or all from `begin` on.
    struct Interval {
        Bytes begin;
        Bytes end;
        bool unbounded = false;
    };
    static Interval interval_of(const KeySpan& span);

    std::vector<Interval> intervals_;  // by begin
};

}  // namespace quorate::auth
