// SPDX-License-Identifier: Apache-2.0
//
// WatchGroups: which watchers are live, which are behind, and what all of them are interested in.
// Watch loop only; borrows the watchers, which their streams own.
#pragma once

#include "base/bytes.h"
#include "mvcc/behind_watchers.h"
#include "mvcc/interval_map.h"
#include "mvcc/watch_index.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>

namespace quorate::mvcc {

class WatchGroups {
  public:
    explicit WatchGroups(uint64_t hash_seed) : index_(hash_seed) {}

    // A new watcher of one key, or of a range; it belongs to neither group yet.
    void join_key(Watcher& watcher, ByteView key);
    void join_range(Watcher& watcher, const KeyInterval& range);
    // The watcher is about to go.
    void leave(Watcher& watcher);

    // Only for watchers that belong to no group, or are behind.
    void go_live(Watcher& watcher);
    // Owed from `next` on. Only for watchers that belong to no group, or are live.
    void fall_behind(Watcher& watcher, int64_t next);

    size_t watchers() const { return watchers_; }
    size_t live_watchers() const { return watchers_ - behind_.size(); }
    // About what the watchers take, with what they watch.
    size_t memory_bytes() const { return memory_bytes_; }
    static size_t memory_of(const KeyInterval& range);

    WatchIndex& index() { return index_; }
    BehindWatchers& behind() { return behind_; }
    const BehindWatchers& behind() const { return behind_; }

    void check_invariants(const Watcher& watcher) const;
    void check_invariants() const;

  private:
    void joined(const Watcher& watcher);

    WatchIndex index_;
    BehindWatchers behind_;
    size_t watchers_ = 0;
    size_t memory_bytes_ = 0;
};

}  // namespace quorate::mvcc
