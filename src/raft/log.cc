// SPDX-License-Identifier: Apache-2.0
#include "raft/log.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

Log::Log(EntryId start, std::vector<Entry> entries)
    : start_(start), committed_(start.index), applying_(start.index), applied_(start.index) {
    QUORATE_ASSERT(start.index > 0 || start.term == 0);
    for (Entry& entry : entries) {
        append(std::move(entry));
    }
}

const Entry& Log::at(uint64_t index) const {
    QUORATE_ASSERT(holds(index));
    return slot(index).entry;
}

uint64_t Log::term_at(uint64_t index) const {
    if (index == start_.index) {
        return start_.term;
    }
    return holds(index) ? slot(index).entry.id.term : 0;
}

bool Log::matches(EntryId id) const {
    return id.index >= start_.index && id.index <= last_index() && term_at(id.index) == id.term;
}

bool Log::is_not_newer_than(EntryId other) const {
    const EntryId mine = last();
    return other.term > mine.term || (other.term == mine.term && other.index >= mine.index);
}

uint64_t Log::last_index_within(EntryId limit) const {
    if (limit.index < start_.index) {
        return limit.index;
    }
    // Terms never decrease along the log, so the answer is found by bisection.
    const uint64_t count = std::min(limit.index, last_index()) - start_.index;
    const auto begin = slots_.begin();
    const auto end = begin + static_cast<std::ptrdiff_t>(count);
    const auto behind = std::partition_point(
        begin, end, [&](const Slot& slot) { return slot.entry.id.term <= limit.term; });
    if (behind != begin) {
        return std::prev(behind)->entry.id.index;
    }
    return start_.term <= limit.term ? start_.index : start_.index - 1;
}

size_t Log::first_difference(const std::vector<Entry>& entries) const {
    size_t i = 0;
    while (i < entries.size() && matches(entries[i].id)) {
        ++i;
    }
    return i;
}

void Log::append(Entry entry) {
    const EntryId before = last();
    QUORATE_ASSERT(entry.id.index == before.index + 1);
    QUORATE_ASSERT(entry.id.term >= before.term);
    const uint64_t through = bytes_through(before.index) + entry_bytes(entry);
    slots_.push_back(Slot{std::move(entry), through});
}

void Log::truncate_after(uint64_t index) {
    QUORATE_ASSERT(index >= committed_);
    QUORATE_ASSERT(index <= last_index());
    const auto kept = static_cast<std::ptrdiff_t>(index - start_.index);
    slots_.erase(slots_.begin() + kept, slots_.end());
}

void Log::commit_to(uint64_t index) {
    QUORATE_ASSERT(index <= last_index());
    committed_ = std::max(committed_, index);
}

void Log::apply_to(uint64_t index) {
    QUORATE_ASSERT(index >= applying_);
    QUORATE_ASSERT(index <= committed_);
    applying_ = index;
}

void Log::applied_to(uint64_t index) {
    QUORATE_ASSERT(index <= applying_);
    applied_ = std::max(applied_, index);
}

void Log::compact_to(uint64_t index) {
    QUORATE_ASSERT(index <= applied_);
    if (index <= start_.index) {
        return;
    }
    const Slot& last_compacted = slot(index);
    const EntryId start = last_compacted.entry.id;
    bytes_before_ = last_compacted.bytes_through;
    slots_.erase(slots_.begin(),
                 slots_.begin() + static_cast<std::ptrdiff_t>(index - start_.index));
    start_ = start;
}

void Log::restart_after(EntryId snapshot) {
    QUORATE_ASSERT(snapshot.index > committed_);
    bytes_before_ = bytes_through(last_index());
    slots_.clear();
    start_ = snapshot;
    committed_ = snapshot.index;
    applying_ = snapshot.index;
}

std::vector<Entry> Log::slice(Range range) const {
    std::vector<Entry> entries;
    if (range.first > range.last) {
        return entries;
    }
    QUORATE_ASSERT(range.first > start_.index);
    QUORATE_ASSERT(range.last <= last_index());
    const auto first = slots_.begin() + static_cast<std::ptrdiff_t>(range.first - start_.index - 1);
    auto end = first + static_cast<std::ptrdiff_t>(range.last - range.first + 1);
    const uint64_t before = bytes_through(range.first - 1);
    if (std::prev(end)->bytes_through - before > range.bytes_max) {
        end = std::partition_point(first + 1, end, [&](const Slot& slot) {
            return slot.bytes_through - before <= range.bytes_max;
        });
    }
    entries.reserve(static_cast<size_t>(end - first));
    for (auto it = first; it != end; ++it) {
        entries.push_back(it->entry);
    }
    return entries;
}

uint64_t Log::bytes(Span span) const {
    return span.through <= span.after ? 0 : bytes_through(span.through) - bytes_through(span.after);
}

uint64_t Log::bytes_through(uint64_t index) const {
    if (index <= start_.index) {
        return bytes_before_;
    }
    QUORATE_ASSERT(index <= last_index());
    return slot(index).bytes_through;
}

void Log::check_invariants() const {
    QUORATE_ASSERT(applied_ <= applying_);
    QUORATE_ASSERT(applying_ <= committed_);
    QUORATE_ASSERT(committed_ <= last_index());
    QUORATE_ASSERT(start_.index <= applying_);
    EntryId before = start_;
    uint64_t bytes = bytes_before_;
    for (const Slot& slot : slots_) {
        QUORATE_ASSERT(slot.entry.id.index == before.index + 1);
        QUORATE_ASSERT(slot.entry.id.term >= before.term);
        QUORATE_ASSERT(slot.bytes_through == bytes + entry_bytes(slot.entry));
        before = slot.entry.id;
        bytes = slot.bytes_through;
    }
}

}  // namespace quorate::raft
