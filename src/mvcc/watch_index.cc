// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_index.h"

#include "base/assert.h"

namespace quorate::mvcc {

WatchInterest& WatchIndex::join_key(ByteView key) {
    auto found = keys_.find(key);
    if (found == keys_.end()) {
        found = keys_.try_emplace(Bytes(key)).first;
        found->second.key = found->first;
        found->second.single = true;
    }
    ++found->second.watchers;
    return found->second;
}

WatchInterest& WatchIndex::join_range(const KeyInterval& range) {
    IntervalMap<WatchInterest>::Entry entry = ranges_.find_or_insert(range);
    entry.value.key = entry.range.lo;
    entry.value.range_end = entry.range.hi;
    ++entry.value.watchers;
    return entry.value;
}

void WatchIndex::leave(WatchInterest& interest) {
    QUORATE_ASSERT(interest.watchers > 0);
    if (--interest.watchers > 0) {
        return;
    }
    QUORATE_ASSERT(interest.live.empty());
    if (interest.single) {
        const auto found = keys_.find(interest.key);
        QUORATE_ASSERT(found != keys_.end());
        keys_.erase(found);
    } else {
        ranges_.erase({interest.key, interest.range_end});
    }
}

}  // namespace quorate::mvcc
