// SPDX-License-Identifier: Apache-2.0
#include "wal/log_shape.h"

#include "base/assert.h"

#include <algorithm>

namespace quorate::wal {

LogShape::LogShape(const raft::EntryId& mark, const raft::EntryId& last)
    : mark_(mark), last_(last), runs_({Run{last.index, last.term}}) {
    QUORATE_ASSERT(mark.index <= last.index);
}

std::optional<uint64_t> LogShape::term_at(uint64_t index) const {
    if (index == mark_.index) {
        return mark_.term;
    }
    if (index > last_.index || index < mark_.index) {
        return std::nullopt;
    }
    const auto after =
        std::upper_bound(runs_.begin(), runs_.end(), index,
                         [](uint64_t i, const Run& run) { return i < run.first_index; });
    if (after == runs_.begin()) {
        return std::nullopt;
    }
    return std::prev(after)->term;
}

bool LogShape::accepts(const raft::EntryId& id) const {
    if (id.index <= mark_.index || id.index > last_.index + 1) {
        return false;
    }
    const auto before = term_at(id.index - 1);
    return !before || *before <= id.term;
}

void LogShape::append(const raft::EntryId& id) {
    QUORATE_ASSERT(accepts(id));
    while (!runs_.empty() && runs_.back().first_index >= id.index) {
        runs_.pop_back();
    }
    if (runs_.empty() || runs_.back().term != id.term) {
        runs_.push_back(Run{id.index, id.term});
    }
    last_ = id;
}

bool LogShape::accepts_mark(const raft::EntryId& id) const {
    return id.index > mark_.index ? id.term >= mark_.term : id == mark_;
}

bool LogShape::set_mark(const raft::EntryId& id) {
    QUORATE_ASSERT(accepts_mark(id));
    const auto term = term_at(id.index);
    // An index inside the log whose term was never seen belongs to segments that are gone; they
    // could only go because what is in them had been committed.
    const bool anew = id.index > last_.index || (term && *term != id.term);
    mark_ = id;
    if (anew) {
        last_ = id;
        runs_ = {Run{id.index, id.term}};
        return true;
    }
    const auto after =
        std::upper_bound(runs_.begin(), runs_.end(), id.index,
                         [](uint64_t i, const Run& run) { return i < run.first_index; });
    if (after != runs_.begin()) {
        runs_.erase(runs_.begin(), std::prev(after));
    }
    return false;
}

void LogShape::check_invariants() const {
    QUORATE_ASSERT(mark_.index <= last_.index);
    QUORATE_ASSERT(!runs_.empty());
    QUORATE_ASSERT(runs_.back().term == last_.term);
    QUORATE_ASSERT(runs_.back().first_index <= last_.index);
    for (size_t i = 1; i < runs_.size(); ++i) {
        QUORATE_ASSERT(runs_[i - 1].first_index < runs_[i].first_index);
        QUORATE_ASSERT(runs_[i - 1].term < runs_[i].term);
    }
}

}  // namespace quorate::wal
