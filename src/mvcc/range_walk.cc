// SPDX-License-Identifier: Apache-2.0
#include "mvcc/range_walk.h"

#include "base/assert.h"
#include "mvcc/record.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace quorate::mvcc {

namespace {

// What one hold of the lock may look at and take: some twenty microseconds.
constexpr size_t kGatherLooks = 1024;
constexpr size_t kGatherKeys = 256;
// Counting at an old revision looks at entries and takes nothing.
constexpr size_t kCountLooks = 2048;

constexpr size_t kArenaBytesMin = size_t{1} << 10;
constexpr size_t kArenaBytesMax = size_t{64} << 10;

bool within(int64_t value, int64_t low, int64_t high) {
    return (low == 0 || value >= low) && (high == 0 || value <= high);
}

}  // namespace

RangeWalk::RangeWalk(const ReadScope& scope, const RangeQuery& query)
    : scope_(scope),
      key_(query.range.key),
      end_(query.range.end),
      query_(query),
      engine_(scope.state) {
    const bool limit_comes_first = !query.sorts_everything() && !query.has_filter();
    room_ =
        query.limit > 0 && limit_comes_first && query.limit < std::numeric_limits<int64_t>::max()
            ? query.limit + 1
            : std::numeric_limits<int64_t>::max();
}

bool RangeWalk::sorts() const {
    return query_.sorts_everything() ||
           (query_.sort_order == SortOrder::kNone && query_.sort_target != SortTarget::kKey);
}

// Keys without values come from the index alone, and then without their lease, as in etcd 3.7;
// sorting by value needs the records anyway.
bool RangeWalk::wants_index_records() const {
    return query_.keys_only && query_.sort_target != SortTarget::kValue;
}

Status RangeWalk::begin() {
    {
        const std::shared_lock<IndexLock> lock = scope_.lock();
        newest_ = scope_.newest_revision();
        const Result<int64_t> revision = resolve_revision(scope_, query_.revision);
        if (!revision) {
            return revision.error();
        }
        revision_ = *revision;
        if (range().is_empty()) {
            count_ = 0;
            gathered_all_ = true;
            return {};
        }
        if (scope_.sees_newest_states(revision_)) {
            count_ = static_cast<int64_t>(scope_.state.index.count_live(range()));
        }
        resume_ = key_;
        if (query_.count_only) {
            gathered_all_ = true;
        } else {
            Status gathered = gather();
            QUORATE_ASSERT(gathered.ok());
        }
        if (gathered_all_ && !more_ && !query_.count_only && room_ > 0) {
            count_ = static_cast<int64_t>(pending_.size());
        }
        const bool all_here = std::all_of(
            pending_.begin(), pending_.end(),
            [](const Candidate& candidate) { return candidate.record.owner != nullptr; });
        if (!gathered_all_ || !count_.has_value() || !all_here) {
            pin_ = scope_.pin(revision_);
        }
    }
    looked_up_ = streams() ? pending_.size() : 0;
    return streams() || query_.count_only ? Status() : gather_everything();
}

// Under the lock.
Status RangeWalk::gather() {
    if (revision_ < scope_.state.removed_floor.load(std::memory_order_relaxed)) {
        return errors::kCompacted;
    }
    const bool newest_states = scope_.sees_newest_states(revision_);
    const KeyRange wanted = range();
    size_t looks = 0;
    size_t taken = 0;
    KeyIndex::Iterator at = scope_.state.index.seek(resume_);
    for (; room_ > 0; at.next()) {
        if (newest_states) {
            at.skip_to_live();
        }
        if (at.at_end() || !wanted.ends_after(at.entry().key())) {
            break;
        }
        const KeyEntry& entry = at.entry();
        if (looks == kGatherLooks || taken == kGatherKeys) {
            resume_ = entry.key();
            return {};
        }
        ++looks;
        const std::optional<KeyChange> change =
            newest_states ? entry.newest() : entry.at(revision_);
        if (change.has_value() && !change->deletion) {
            add_candidate(entry, *change);
            ++taken;
            --room_;
        }
    }
    gathered_all_ = true;
    if (room_ == 0 && streams()) {
        pending_.pop_back();
        more_ = true;
    }
    return {};
}

void RangeWalk::add_candidate(const KeyEntry& entry, const KeyChange& change) {
    Candidate candidate;
    candidate.mod = change.revision;
    if (entry.mod() == change.revision) {
        const KeyState state = entry.state();
        candidate.create_revision = state.create_revision;
        candidate.version = state.version;
    }
    if (candidate.version != 0 && wants_index_records()) {
        candidate.record = index_record(entry);
        candidate.is_answer = true;
    } else if (streams()) {
        candidate.record = find_recent(scope_.state, entry, change).value_or(RecordRef());
    }
    pending_.push_back(std::move(candidate));
}

RecordRef RangeWalk::index_record(const KeyEntry& entry) {
    const KeyState state = entry.state();
    const RecordView view{.key = entry.key(),
                          .create_revision = state.create_revision,
                          .mod_revision = state.mod.main,
                          .version = state.version};
    const size_t bytes = encoded_bytes(view);
    if (arena_ == nullptr || arena_->capacity() - arena_->size() < bytes) {
        const size_t grown = arena_ == nullptr ? kArenaBytesMin : 2 * arena_->capacity();
        arena_ = std::make_shared<Bytes>();
        arena_->reserve(std::max(bytes, std::min(grown, kArenaBytesMax)));
    }
    const size_t offset = arena_->size();
    arena_->resize(offset + bytes);
    encode_record(view, arena_->data() + offset);
    return {ByteView(*arena_).substr(offset), arena_};
}

Result<std::vector<RecordRef>> RangeWalk::next_slice(const SliceBounds& bounds) {
    std::vector<RecordRef> slice;
    size_t bytes = 0;
    while (slice.size() < bounds.keys_max && bytes < bounds.bytes_max) {
        if (next_pending_ == pending_.size()) {
            if (gathered_all_) {
                break;
            }
            Status gathered = gather_more();
            if (!gathered.ok()) {
                return gathered;
            }
            continue;
        }
        Status resolved = resolve(next_pending_);
        if (!resolved.ok()) {
            return resolved;
        }
        Result<RecordRef> answer = answer_of(next_pending_);
        if (!answer) {
            return answer.error();
        }
        pending_[next_pending_++].record = {};
        bytes += answer->bytes.size();
        slice.push_back(std::move(*answer));
    }
    engine_.close_view();
    return slice;
}

Status RangeWalk::gather_more() {
    pending_.clear();
    next_pending_ = 0;
    const std::shared_lock<IndexLock> lock = scope_.lock();
    Status gathered = gather();
    looked_up_ = pending_.size();
    engine_.close_view();
    return gathered;
}

Result<int64_t> RangeWalk::count() {
    if (count_.has_value()) {
        return *count_;
    }
    const KeyRange wanted = range();
    Bytes from = key_;
    int64_t counted = 0;
    for (;;) {
        const std::shared_lock<IndexLock> lock = scope_.lock();
        if (revision_ < scope_.state.removed_floor.load(std::memory_order_relaxed)) {
            return errors::kCompacted;
        }
        KeyIndex::Iterator at = scope_.state.index.seek(from);
        for (size_t looks = 0; looks < kCountLooks; ++looks, at.next()) {
            if (at.at_end() || !wanted.ends_after(at.entry().key())) {
                count_ = counted;
                return counted;
            }
            const std::optional<KeyChange> change = at.entry().at(revision_);
            counted += change.has_value() && !change->deletion ? 1 : 0;
        }
        if (at.at_end()) {
            count_ = counted;
            return counted;
        }
        from = at.entry().key();
    }
}

// For answers that are filtered or sorted: all candidates, then what is left of them in order.
Status RangeWalk::gather_everything() {
    size_t gathered_count = pending_.size();
    Status status = filter(0);
    while (status.ok() && !gathered_all_) {
        const size_t from = pending_.size();
        {
            const std::shared_lock<IndexLock> lock = scope_.lock();
            status = gather();
        }
        gathered_count += pending_.size() - from;
        if (status.ok()) {
            status = filter(from);
        }
    }
    if (status.ok() && sorts()) {
        status = sort_candidates();
    }
    if (!status.ok()) {
        return status;
    }
    if (room_ > 0 && !query_.count_only) {
        count_ = static_cast<int64_t>(gathered_count);
    }
    if (query_.limit > 0 && pending_.size() > static_cast<uint64_t>(query_.limit)) {
        pending_.resize(static_cast<size_t>(query_.limit));
        more_ = true;
    }
    looked_up_ = 0;
    return {};
}

// Keeps of the candidates from `from` on those that pass, and reads what sorting will look at.
Status RangeWalk::filter(size_t from) {
    const bool by_create = (query_.min_create_revision | query_.max_create_revision) != 0;
    const bool needs_state = by_create || (sorts() && (query_.sort_target == SortTarget::kVersion ||
                                                       query_.sort_target == SortTarget::kCreate));
    const bool needs_value = sorts() && query_.sort_target == SortTarget::kValue;
    size_t kept = from;
    looked_up_ = from;
    for (size_t i = from; i < pending_.size(); ++i) {
        if (!within(pending_[i].mod.main, query_.min_mod_revision, query_.max_mod_revision)) {
            continue;
        }
        Status read = needs_state && pending_[i].version == 0 ? learn_state(i) : Status();
        if (!read.ok()) {
            return read;
        }
        if (by_create && !within(pending_[i].create_revision, query_.min_create_revision,
                                 query_.max_create_revision)) {
            continue;
        }
        read = needs_value ? resolve(i) : Status();
        if (!read.ok()) {
            return read;
        }
        if (!needs_value && !pending_[i].is_answer) {
            pending_[i].record = {};  // until it is known to be part of the answer
        }
        std::swap(pending_[kept++], pending_[i]);
    }
    pending_.resize(kept);
    engine_.close_view();
    return {};
}

Status RangeWalk::sort_candidates() {
    struct SortKey {
        int64_t number;
        ByteView value;
        size_t index;
    };
    std::vector<SortKey> keys;
    keys.reserve(pending_.size());
    for (size_t i = 0; i < pending_.size(); ++i) {
        const Candidate& candidate = pending_[i];
        SortKey key{0, {}, i};
        switch (query_.sort_target) {
            case SortTarget::kKey:
                key.number = static_cast<int64_t>(i);  // they come in key order
                break;
            case SortTarget::kVersion:
                key.number = candidate.version;
                break;
            case SortTarget::kCreate:
                key.number = candidate.create_revision;
                break;
            case SortTarget::kMod:
                key.number = candidate.mod.main;
                break;
            case SortTarget::kValue: {
                const Result<RecordView> record = decode_record(candidate.record.bytes);
                if (!record) {
                    return record.error();
                }
                key.value = record->value;
                break;
            }
        }
        keys.push_back(key);
    }
    const bool descends = query_.sort_order == SortOrder::kDescend;
    std::stable_sort(keys.begin(), keys.end(), [descends](const SortKey& a, const SortKey& b) {
        const SortKey& low = descends ? b : a;
        const SortKey& high = descends ? a : b;
        return low.number != high.number ? low.number < high.number : low.value < high.value;
    });
    std::vector<Candidate> sorted;
    sorted.reserve(keys.size());
    for (const SortKey& key : keys) {
        sorted.push_back(std::move(pending_[key.index]));
    }
    pending_ = std::move(sorted);
    return {};
}

// Gives the candidate at `index` its record.
Status RangeWalk::resolve(size_t index) {
    if (pending_[index].record.owner == nullptr && index >= looked_up_) {
        const std::shared_lock<IndexLock> lock = scope_.lock();
        looked_up_ = std::min(index + kGatherKeys, pending_.size());
        for (size_t i = index; i < looked_up_; ++i) {
            if (pending_[i].record.owner == nullptr) {
                pending_[i].record =
                    scope_.state.recent.find(pending_[i].mod).value_or(RecordRef());
            }
        }
        engine_.close_view();
    }
    Candidate& candidate = pending_[index];
    if (candidate.record.owner == nullptr) {
        Result<RecordRef> record = engine_.read(candidate.mod, revision_);
        if (!record) {
            return record.error();
        }
        candidate.record = std::move(*record);
    }
    return {};
}

// Reads what the index does not keep of older states.
Status RangeWalk::learn_state(size_t index) {
    Status resolved = resolve(index);
    if (!resolved.ok()) {
        return resolved;
    }
    Candidate& candidate = pending_[index];
    const Result<RecordView> record = decode_record(candidate.record.bytes);
    if (!record) {
        return record.error();
    }
    candidate.create_revision = record->create_revision;
    candidate.version = record->version;
    return {};
}

Result<RecordRef> RangeWalk::answer_of(size_t index) const {
    const Candidate& candidate = pending_[index];
    if (!query_.keys_only || candidate.is_answer) {
        return candidate.record;
    }
    Result<RecordView> record = decode_record(candidate.record.bytes);
    if (!record) {
        return record.error();
    }
    record->value = {};
    if (wants_index_records()) {
        record->lease = 0;
    }
    auto owner = std::make_shared<const Bytes>(encode_record(*record));
    return RecordRef{*owner, owner};
}

namespace {

// What most reads ask for: one key, now or at a revision, as it is stored.
Result<RangeResult> answer_single(const ReadScope& scope, const RangeQuery& query) {
    Result<PairAnswer> answer = read_pair(scope, query.range.key, query.revision);
    if (!answer) {
        return answer.error();
    }
    RangeResult result;
    result.revision = answer->newest;
    if (answer->pair.has_value()) {
        result.count = 1;
        result.kvs.push_back(std::move(answer->pair->record));
    }
    return result;
}

}  // namespace

Result<RangeResult> answer_range(const ReadScope& scope, const RangeQuery& query) {
    if (query.range.is_single() && !query.keys_only && !query.count_only && !query.has_filter()) {
        return answer_single(scope, query);
    }
    RangeWalk walk(scope, query);
    Status begun = walk.begin();
    if (!begun.ok()) {
        return begun;
    }
    constexpr size_t kNoBound = std::numeric_limits<size_t>::max();
    Result<std::vector<RecordRef>> kvs = walk.next_slice({kNoBound, kNoBound});
    if (!kvs) {
        return kvs.error();
    }
    const Result<int64_t> count = walk.count();
    if (!count) {
        return count.error();
    }
    RangeResult result;
    result.revision = walk.newest();
    result.count = *count;
    result.more = walk.more();
    result.kvs = std::move(*kvs);
    return result;
}

}  // namespace quorate::mvcc
