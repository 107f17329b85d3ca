// SPDX-License-Identifier: Apache-2.0
#include "wal/replay.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

namespace quorate::wal {
namespace {

std::string text_of(const raft::EntryId& id) {
    return "index " + std::to_string(id.index) + " of term " + std::to_string(id.term);
}

Status damaged(std::string reason) {
    return {errors::kDamaged, std::move(reason)};
}

}  // namespace

uint64_t Replay::entries_above() const {
    const uint64_t mark = std::max(limits_.known_mark_index, mark_.id.index);
    return mark > limits_.history_entries_max ? mark - limits_.history_entries_max : 0;
}

Status Replay::apply(FrameContent&& content, bool first_of_segment) {
    if (first_of_segment) {
        if (Status s = begin_segment(content); !s.ok()) {
            return s;
        }
    } else if (content.carry) {
        return damaged("a frame that begins a segment stands inside one");
    }
    if (content.hard_state) {
        if (content.hard_state->term < hard_state_.term) {
            return damaged("the term falls from " + std::to_string(hard_state_.term) + " to " +
                           std::to_string(content.hard_state->term));
        }
        hard_state_ = *content.hard_state;
    }
    if (content.mark) {
        if (Status s = apply_mark(std::move(*content.mark)); !s.ok()) {
            return s;
        }
    }
    for (raft::Entry& entry : content.entries) {
        if (Status s = apply_entry(std::move(entry)); !s.ok()) {
            return s;
        }
    }
    QUORATE_VERIFY(shape_);
    return {};
}

Status Replay::begin_segment(const FrameContent& content) {
    if (!content.carry || !content.hard_state || !content.mark) {
        return damaged("the first frame of the segment does not say what came before it");
    }
    const Carry& carry = *content.carry;
    if (begun_) {
        if (carry != Carry{.mark = shape_.mark(), .last = shape_.last()}) {
            return damaged("the segment follows " + text_of(carry.last) +
                           ", the one before it ends with " + text_of(shape_.last()));
        }
        return {};
    }
    if (carry.mark.index > carry.last.index || carry.mark.term > carry.last.term ||
        (carry.mark.index == carry.last.index && carry.mark != carry.last)) {
        return damaged("the log before the segment ends before its mark");
    }
    begun_ = true;
    shape_ = LogShape(carry.mark, carry.last);
    mark_.id = carry.mark;
    start_ = carry.last;
    return {};
}

Status Replay::apply_mark(Mark&& mark) {
    if (!shape_.accepts_mark(mark.id)) {
        return damaged("the mark goes back from " + text_of(shape_.mark()) + " to " +
                       text_of(mark.id));
    }
    if (shape_.set_mark(mark.id)) {
        entries_.clear();
        history_count_ = 0;
        history_bytes_ = 0;
        start_ = mark.id;
    }
    mark_ = std::move(mark);
    while (history_count_ < entries_.size() &&
           entries_[history_count_].id.index <= mark_.id.index) {
        history_bytes_ += entries_[history_count_].data().size();
        ++history_count_;
    }
    trim_history();
    return {};
}

Status Replay::apply_entry(raft::Entry&& entry) {
    const raft::EntryId id = entry.id;
    if (!shape_.accepts(id)) {
        return damaged("an entry with " + text_of(id) + " can't follow " + text_of(shape_.last()));
    }
    shape_.append(id);
    // Entries above the mark only: accepts() lets nothing replace what is at or below it.
    while (!entries_.empty() && entries_.back().id.index >= id.index) {
        entries_.pop_back();
    }
    QUORATE_ASSERT(history_count_ <= entries_.size());
    if (entries_.empty() && (id.index != start_.index + 1 || id.index <= entries_above())) {
        // It is not kept, or replaces something whose predecessor is not known any more. In that
        // case a later mark covers it, or finish() will find it missing.
        start_ = id;
        return {};
    }
    entries_.push_back(std::move(entry));
    return {};
}

void Replay::drop_front() {
    QUORATE_ASSERT(history_count_ > 0);
    history_bytes_ -= entries_.front().data().size();
    --history_count_;
    start_ = entries_.front().id;
    entries_.pop_front();
}

void Replay::trim_history() {
    while (history_count_ > 0 && (entries_.front().id.index <= entries_above() ||
                                  history_bytes_ > limits_.history_bytes_max)) {
        drop_front();
    }
}

Result<Recovered> Replay::finish() {
    if (!begun_) {
        return damaged("there is no frame in it");
    }
    if (start_.index > mark_.id.index) {
        return damaged("entries " + std::to_string(mark_.id.index + 1) + " to " +
                       std::to_string(start_.index) + " are missing");
    }
    Recovered out;
    out.hard_state = hard_state_;
    out.mark = std::move(mark_);
    out.start = start_;
    out.entries.assign(std::make_move_iterator(entries_.begin()),
                       std::make_move_iterator(entries_.end()));
    QUORATE_ASSERT(out.last() == shape_.last());
    return out;
}

}  // namespace quorate::wal
