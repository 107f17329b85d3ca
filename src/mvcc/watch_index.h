// SPDX-License-Identifier: Apache-2.0
//
// WatchIndex: who is interested in a key. Watchers of the same key or the same range share one
// interest, so a change costs one hash lookup, one walk down the interval tree and its matches.
// Watch loop only. A watcher stays in the index for as long as it exists; whether it is live shows
// in its interest's lists.
#pragma once

#include "base/bytes.h"
#include "mvcc/interest_table.h"
#include "mvcc/interval_map.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>

namespace quorate::mvcc {

class WatchIndex {
  public:
    explicit WatchIndex(uint64_t hash_seed) : keys_(hash_seed) {}

    // The interest in one key, or in the range from lo to hi (empty: no bound), with one more
    // watcher counted. Its address stays until the last watcher has left.
    WatchInterest& join_key(ByteView key);
    WatchInterest& join_range(const KeyInterval& range);
    // One watcher less.
    void leave(WatchInterest& interest);

    // Calls fn(WatchInterest&) for all who are interested in `key`, always in the same order.
    template <typename Fn>
    void visit(ByteView key, Fn&& fn) {
        if (WatchInterest* const found = keys_.find(key)) {
            fn(*found);
        }
        ranges_.visit(key, fn);
    }

    size_t interests() const { return keys_.size() + ranges_.size(); }
    void check_invariants() const {
        keys_.check_invariants();
        ranges_.check_invariants();
    }

  private:
    InterestTable keys_;
    IntervalMap<WatchInterest> ranges_;
};

}  // namespace quorate::mvcc
