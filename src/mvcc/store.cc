// SPDX-License-Identifier: Apache-2.0
#include "mvcc/store.h"

#include "base/assert.h"
#include "base/errors.h"
#include "mvcc/compactor.h"
#include "mvcc/hash.h"
#include "mvcc/history.h"
#include "mvcc/range_walk.h"
#include "mvcc/record.h"
#include "mvcc/store_state.h"
#include "storage/schema.h"

#include <algorithm>
#include <mutex>
#include <string>
#include <utility>

namespace quorate::mvcc {

namespace {

Status damaged(const Revision& revision, std::string_view what) {
    return Status(errors::kDamaged, "record of revision " + std::to_string(revision.main) + "_" +
                                        std::to_string(revision.sub) + " " + std::string(what));
}

Result<int64_t> read_mark(storage::View& view, ByteView key) {
    const Result<std::optional<Bytes>> value = view.get(key);
    if (!value) {
        return value.error();
    }
    if (!value->has_value()) {
        return kNeverCompacted;
    }
    const std::optional<uint64_t> mark = storage::decode_u64(**value);
    if (!mark.has_value()) {
        return Status(errors::kDamaged, "compaction mark " + Bytes(key) + " is not a revision");
    }
    return static_cast<int64_t>(*mark);
}

Status load_record(KeyIndex& index, const Revision& revision, ByteView encoded) {
    const Result<RecordView> record = decode_record(encoded);
    if (!record) {
        return damaged(revision, "can't be decoded");
    }
    if (record->key.empty() || record->mod_revision != revision.main || record->version < 0) {
        return damaged(revision, "does not belong there");
    }
    const auto bytes = static_cast<uint32_t>(encoded.size());
    if (record->is_tombstone()) {
        index.load_erased(record->key, {revision, bytes, true});
        return {};
    }
    const KeyState state{revision, record->create_revision, record->version, record->lease};
    index.put(index.locate(record->key), record->key, {state, bytes});
    return {};
}

// Loads every record of the engine into the index and returns the newest main revision, or 0.
Result<int64_t> load_records(KeyIndex& index, storage::View& view) {
    const auto [low, high] = storage::table_range(storage::Table::kRecords);
    const Result<std::unique_ptr<storage::Cursor>> cursor =
        view.scan({low, high}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    Revision last;
    for (;;) {
        const Result<std::optional<storage::Pair>> pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return last.main;
        }
        const auto parsed = storage::parse_record_key((*pair)->key);
        if (!parsed.has_value()) {
            return Status(errors::kDamaged, "key in the record table is not a revision");
        }
        const Revision revision{parsed->first, parsed->second};
        if (revision <= last) {
            return damaged(revision, "is out of order");
        }
        last = revision;
        Status loaded = load_record(index, revision, (*pair)->value);
        if (!loaded.ok()) {
            return loaded;
        }
    }
}

}  // namespace

Store::Store(std::unique_ptr<StoreState> state) : state_(std::move(state)) {}
Store::~Store() = default;

Result<std::unique_ptr<Store>> Store::open(storage::Backend& backend, const StoreOptions& options) {
    const Result<std::unique_ptr<storage::View>> view = backend.view();
    if (!view) {
        return view.error();
    }
    const Result<int64_t> scheduled = read_mark(**view, storage::kCompactScheduledKey);
    if (!scheduled) {
        return scheduled.error();
    }
    const Result<int64_t> finished = read_mark(**view, storage::kCompactFinishedKey);
    if (!finished) {
        return finished.error();
    }
    auto state =
        std::make_unique<StoreState>(backend, options.recent_bytes_max, options.cache_bytes_max);
    const Result<int64_t> last = load_records(state->index, **view);
    if (!last) {
        return last.error();
    }
    const int64_t compacted = std::max(*scheduled, *finished);
    state->start_at(std::max({*last, compacted, kFirstRevision}));
    state->compact_revision = compacted;
    // Some of it may be gone already.
    state->removed_floor = compacted;
    state->compaction_finished = *finished;
    return std::unique_ptr<Store>(new Store(std::move(state)));
}

int64_t Store::current_revision() const {
    return state_->current_revision.load(std::memory_order_acquire);
}

int64_t Store::compact_revision() const {
    return state_->compact_revision.load(std::memory_order_acquire);
}

Result<RangeResult> Store::range(const RangeQuery& query) const {
    return answer_range({.state = *state_}, query);
}

Result<RangeCursor> Store::cursor(const RangeQuery& query) const {
    return open_cursor({.state = *state_}, query);
}

ReadView Store::view() const {
    const std::shared_lock lock(state_->lock);
    const int64_t revision = state_->current_revision.load(std::memory_order_relaxed);
    return ReadView(*state_, revision, state_->pins.pin(revision));
}

Result<std::vector<Change>> Store::changes(const ChangeWindow& window) {
    const int64_t current = current_revision();
    const int64_t from_main = window.from_main;
    if (from_main < compact_revision() && !is_recent(*state_, from_main)) {
        return errors::kCompacted;
    }
    std::vector<Change> changes;
    if (window.revisions_max <= 0) {
        return changes;
    }
    // Main revisions without changes are there only where a store was made with a revision ahead of
    // its data: revision 1, and what a restore has skipped.
    for (int64_t next = std::max<int64_t>(from_main, 0); changes.empty() && next <= current;) {
        Result<HistorySlice> slice =
            read_history(*state_, {next, current, window.revisions_max, window.bytes_max});
        if (!slice) {
            return slice.error();
        }
        changes = std::move(slice->changes);
        next = slice->next_main;
    }
    // Nothing was pinned. If the compact revision is still not above, nothing of this was removed;
    // otherwise changes may be missing, and a watcher must not skip them unknowingly. What is still
    // in memory now was there all the time.
    if (from_main < compact_revision() && !is_recent(*state_, from_main)) {
        return errors::kCompacted;
    }
    return changes;
}

Result<std::optional<RecordRef>> Store::pair_before(ByteView key, int64_t main) {
    if (main <= 1) {
        return std::optional<RecordRef>();
    }
    Result<PairAnswer> answer = read_pair({.state = *state_}, key, main - 1);
    if (!answer && answer.error().is(errors::kCompacted)) {
        return recent_pair_before(*state_, key, main);
    }
    if (!answer) {
        return answer.error();
    }
    if (!answer->pair.has_value()) {
        return std::optional<RecordRef>();
    }
    return std::optional<RecordRef>(std::move(answer->pair->record));
}

Result<KeyValueHash> Store::hash_kv(int64_t revision) const {
    return hash_key_values(*state_, revision);
}

Result<uint32_t> Store::hash() const {
    return hash_backend(*state_);
}

int64_t Store::readers() const {
    return state_->pins.count();
}

StoreStats Store::stats() const {
    const int64_t engine_main = state_->engine_main.load(std::memory_order_acquire);
    StoreStats stats;
    stats.cache_bytes = state_->cache.bytes();
    const std::shared_lock lock(state_->lock);
    const KeyIndexStats& index = state_->index.stats();
    stats.keys = index.keys;
    stats.tombstones = index.tombstones;
    stats.old_revisions = index.old_revisions;
    stats.live_bytes = index.live_bytes;
    stats.stored_bytes = index.stored_bytes;
    stats.recent_bytes = state_->recent.bytes();
    stats.recent_unflushed_bytes = state_->recent.bytes_behind(engine_main);
    return stats;
}

void Store::check_invariants() const {
    const std::shared_lock lock(state_->lock);
    state_->index.check_invariants();
    state_->recent.check_invariants();
    const int64_t current = state_->current_revision.load(std::memory_order_relaxed);
    const int64_t compacted = state_->compact_revision.load(std::memory_order_relaxed);
    QUORATE_ASSERT(state_->recent.next_main() == current + 1);
    QUORATE_ASSERT(compacted <= current);
    QUORATE_ASSERT(state_->removed_floor.load(std::memory_order_relaxed) <= compacted);
    QUORATE_ASSERT(state_->engine_main.load(std::memory_order_relaxed) <= current);
}

void Store::visit_leased(const std::function<void(ByteView key, int64_t lease)>& visitor) const {
    KeyIndex::Iterator at = state_->index.seek({});
    for (at.skip_to_live(); !at.at_end();) {
        if (at.entry().lease() != 0) {
            visitor(at.entry().key(), at.entry().lease());
        }
        at.next();
        at.skip_to_live();
    }
}

WriteTxn Store::begin(storage::WriteBatch& batch) {
    return WriteTxn(*state_, batch);
}

Status Store::compact(int64_t revision, storage::WriteBatch& batch) {
    return schedule_compaction(*state_, revision, batch);
}

bool Store::compaction_pending() const {
    return compaction_is_pending(*state_);
}

CompactProgress Store::compact_step(const CompactLimits& limits, storage::WriteBatch& batch) {
    return continue_compaction(*state_, limits, batch);
}

void Store::engine_has(int64_t main) {
    int64_t before = state_->engine_main.load(std::memory_order_relaxed);
    while (before < main &&
           !state_->engine_main.compare_exchange_weak(before, main, std::memory_order_release,
                                                      std::memory_order_relaxed)) {
    }
}

}  // namespace quorate::mvcc
