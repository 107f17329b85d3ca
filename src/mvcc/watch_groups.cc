// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_groups.h"

#include "base/assert.h"

namespace quorate::mvcc {

namespace {

// What a watcher costs besides the bytes of its range: itself, its place in its stream and in the
// index, and what the allocator adds.
constexpr size_t kWatcherOverheadBytes = 320;

}  // namespace

size_t WatchGroups::memory_of(const KeyInterval& range) {
    return kWatcherOverheadBytes + range.lo.size() + range.hi.size();
}

void WatchGroups::join_key(Watcher& watcher, ByteView key) {
    watcher.interest = &index_.join_key(key);
    joined(watcher);
}

void WatchGroups::join_range(Watcher& watcher, const KeyInterval& range) {
    watcher.interest = &index_.join_range(range);
    joined(watcher);
}

void WatchGroups::joined(const Watcher& watcher) {
    ++watchers_;
    memory_bytes_ += memory_of(watcher.interest->range());
}

void WatchGroups::leave(Watcher& watcher) {
    if (watcher.behind) {
        behind_.remove(watcher);
    } else {
        watcher.interest->live.erase(watcher);
    }
    --watchers_;
    memory_bytes_ -= memory_of(watcher.interest->range());
    index_.leave(*watcher.interest);
}

void WatchGroups::go_live(Watcher& watcher) {
    if (watcher.behind) {
        behind_.remove(watcher);
    }
    watcher.interest->live.push_back(watcher);
}

void WatchGroups::fall_behind(Watcher& watcher, int64_t next) {
    if (WatcherList::linked(watcher)) {
        watcher.interest->live.erase(watcher);
    }
    watcher.future = false;
    watcher.next = next;
    behind_.add(watcher);
}

void WatchGroups::check_invariants(const Watcher& watcher) const {
    QUORATE_ASSERT(watcher.interest->batch_slot == WatchInterest::kNoSlot);
    QUORATE_ASSERT(!watcher.interest->reading);
    QUORATE_ASSERT(watcher.interest->watchers > 0);
    QUORATE_ASSERT(watcher.interest->live.size() <= watcher.interest->watchers);
    QUORATE_ASSERT(WatcherList::linked(watcher));
}

void WatchGroups::check_invariants() const {
    index_.check_invariants();
    behind_.check_invariants();
    QUORATE_ASSERT(behind_.size() <= watchers_);
    QUORATE_ASSERT(index_.interests() <= watchers_);
}

}  // namespace quorate::mvcc
