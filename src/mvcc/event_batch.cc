// SPDX-License-Identifier: Apache-2.0
#include "mvcc/event_batch.h"

#include "base/assert.h"
#include "mvcc/event.h"

#include <optional>
#include <utility>

namespace quorate::mvcc {

void EventBatch::add(WatchInterest& interest, ChangeIndex change) {
    if (interest.batch_slot == WatchInterest::kNoSlot) {
        interest.batch_slot = static_cast<uint32_t>(interests_.size());
        interests_.push_back(&interest);
    }
    hits_.push_back({interest.batch_slot, change});
}

void EventBatch::arrange() {
    // A counting sort: sizes, then starts, then every change to its place; each start has moved to
    // the end of its part when that is done.
    ends_.assign(interests_.size(), 0);
    for (const Hit& hit : hits_) {
        ++ends_[hit.slot];
    }
    size_t start = 0;
    for (size_t& end : ends_) {
        start += std::exchange(end, start);
    }
    changes_.resize(hits_.size());
    for (const Hit& hit : hits_) {
        changes_[ends_[hit.slot]++] = hit.change;
    }
}

std::span<const ChangeIndex> EventBatch::changes_of(const WatchInterest& interest) const {
    if (interest.batch_slot == WatchInterest::kNoSlot) {
        return {};
    }
    const size_t slot = interest.batch_slot;
    const size_t begin = slot == 0 ? 0 : ends_[slot - 1];
    return std::span(changes_).subspan(begin, ends_[slot] - begin);
}

void EventBatch::clear() {
    for (WatchInterest* interest : interests_) {
        interest->batch_slot = WatchInterest::kNoSlot;
    }
    hits_.clear();
    interests_.clear();
    ends_.clear();
    changes_.clear();
}

void EncodedEvents::begin(std::span<const Change> changes) {
    changes_ = changes;
    plain_.assign(changes.size(), {});
    with_previous_.assign(changes.size(), {});
    encoded_.clear();
    trim();
}

Result<size_t> EncodedEvents::encode(const Form& form) {
    Place& place = (form.prev_kv ? with_previous_ : plain_)[form.change];
    if (place.size > 0) {
        return place.size;
    }
    const Change& change = changes_[form.change];
    std::optional<RecordRef> previous;
    if (form.prev_kv && has_previous(change)) {
        Result<std::optional<RecordRef>> found =
            source_.pair_before(change.key, change.revision.main);
        if (!found.has_value()) {
            return found.error();
        }
        previous = std::move(found).value();
    }
    place.offset = encoded_.size();
    append_event(encoded_, change, previous);
    place.size = encoded_.size() - place.offset;
    return place.size;
}

ByteView EncodedEvents::bytes(const Form& form) const {
    const Place& at = place(form);
    QUORATE_ASSERT(at.size > 0);
    return ByteView(encoded_).substr(at.offset, at.size);
}

void EncodedEvents::trim() {
    if (encoded_.size() > bytes_max_) {
        plain_.assign(changes_.size(), {});
        with_previous_.assign(changes_.size(), {});
        encoded_.clear();
    }
    if (encoded_.empty() && encoded_.capacity() > 2 * bytes_max_) {
        encoded_.shrink_to_fit();
    }
}

}  // namespace quorate::mvcc
