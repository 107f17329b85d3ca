// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_index.h"

#include "base/assert.h"

namespace quorate::mvcc {

WatchInterest& WatchIndex::join_key(ByteView key) {
    WatchInterest& interest = keys_.find_or_insert(key);
    ++interest.watchers;
    return interest;
}

WatchInterest& WatchIndex::join_range(const KeyInterval& range) {
    IntervalMap<WatchInterest>::Entry entry = ranges_.find_or_insert(range);
    entry.value.key = entry.lo;
    entry.value.range_end = &entry.hi;
    ++entry.value.watchers;
    return entry.value;
}

void WatchIndex::leave(WatchInterest& interest) {
    QUORATE_ASSERT(interest.watchers > 0);
    if (--interest.watchers > 0) {
        return;
    }
    QUORATE_ASSERT(interest.live.empty());
    if (interest.single()) {
        keys_.erase(interest);
    } else {
        ranges_.erase(interest.range());
    }
}

}  // namespace quorate::mvcc
