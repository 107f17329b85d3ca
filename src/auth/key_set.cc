// SPDX-License-Identifier: Apache-2.0
#include "auth/key_set.h"

#include "base/assert.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quorate::auth {

KeySet::Interval KeySet::interval_of(const KeySpan& span) {
    if (span.is_open_ended()) {
        return {Bytes(span.key), {}, true};
    }
    // The first key behind a single one is that with a zero byte more.
    return {Bytes(span.key), span.is_single() ? Bytes(span.key) + '\0' : Bytes(span.end), false};
}

KeySet::KeySet(const std::vector<KeySpan>& spans) {
    std::vector<Interval> sorted;
    sorted.reserve(spans.size());
    for (const KeySpan& span : spans) {
        if (!span.is_empty()) {
            sorted.push_back(interval_of(span));
        }
    }
    std::sort(sorted.begin(), sorted.end(),
              [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
    for (Interval& next : sorted) {
        if (intervals_.empty()) {
            intervals_.push_back(std::move(next));
            continue;
        }
        Interval& last = intervals_.back();
        if (last.unbounded) {
            break;
        }
        if (next.begin > last.end) {
            intervals_.push_back(std::move(next));
        } else if (next.unbounded) {
            last.unbounded = true;
            last.end.clear();
        } else if (next.end > last.end) {
            last.end = std::move(next.end);
        }
    }
}

bool KeySet::contains(const KeySpan& span) const {
    const auto behind = std::upper_bound(
        intervals_.begin(), intervals_.end(), span.key,
        [](ByteView key, const Interval& interval) { return key < ByteView(interval.begin); });
    if (behind == intervals_.begin()) {
        return false;
    }
    const Interval& interval = *std::prev(behind);
    if (interval.unbounded) {
        return true;
    }
    if (span.is_open_ended()) {
        return false;
    }
    if (span.is_single() || span.is_empty()) {
        return span.key < ByteView(interval.end);
    }
    return span.end <= ByteView(interval.end);
}

void KeySet::check_invariants() const {
    for (size_t i = 0; i < intervals_.size(); ++i) {
        const Interval& interval = intervals_[i];
        QUORATE_ASSERT(interval.unbounded || interval.begin < interval.end);
        QUORATE_ASSERT(!interval.unbounded || i + 1 == intervals_.size());
        QUORATE_ASSERT(i == 0 || intervals_[i - 1].end < interval.begin);
    }
}

}  // namespace quorate::auth
