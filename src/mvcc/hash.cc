// SPDX-License-Identifier: Apache-2.0
#include "mvcc/hash.h"

#include "base/crc32c.h"
#include "base/errors.h"
#include "mvcc/history.h"
#include "mvcc/record.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

namespace quorate::mvcc {

namespace {

constexpr int64_t kHashRevisions =
    256;  // also the index entries looked at under one hold of the lock
constexpr size_t kHashBytes = size_t{1} << 20;

uint32_t extend_with_change(uint32_t crc, const Change& change) {
    Bytes key;
    append_be64(key, static_cast<uint64_t>(change.revision.main));
    key.push_back('_');
    append_be64(key, static_cast<uint64_t>(change.revision.sub));
    if (change.deletion) {
        key.push_back('t');
    }
    crc = crc32c_extend(crc, key);
    if (change.deletion) {
        // etcd stores the key alone; ours also tells the revision, for events are spliced from it.
        return crc32c_extend(crc, encode_record(RecordView{.key = change.key}));
    }
    return crc32c_extend(crc, change.record.bytes);
}

// For each change whether it counts: those up to the compact revision do only if they are still the
// newest ones of their keys at the hashed revision. That may be fewer than compaction keeps.
std::vector<bool> counted(const StoreState& state, const std::vector<Change>& changes,
                          const KeyValueHash& hash) {
    const int64_t compacted = hash.compact_revision;
    std::vector<bool> counts(changes.size(), true);
    if (changes.empty() || changes.front().revision.main > compacted) {
        return counts;
    }
    size_t i = 0;
    while (i < changes.size()) {
        const std::shared_lock lock(state.lock);
        const size_t end = std::min(changes.size(), i + static_cast<size_t>(kHashRevisions));
        for (; i < end; ++i) {
            const Change& change = changes[i];
            if (change.revision.main > compacted) {
                continue;
            }
            const KeyEntry* entry = change.deletion ? nullptr : state.index.find(change.key);
            const std::optional<KeyChange> kept =
                entry == nullptr ? std::nullopt : entry->at(hash.hash_revision);
            counts[i] = kept.has_value() && kept->revision == change.revision;
        }
    }
    return counts;
}

}  // namespace

Result<KeyValueHash> hash_key_values(const StoreState& state, int64_t revision) {
    const ReadScope scope{.state = state};
    KeyValueHash result;
    Pin pin;
    {
        const std::shared_lock<IndexLock> lock = scope.lock();
        const Result<int64_t> resolved = resolve_revision(scope, revision);
        if (!resolved) {
            return resolved.error();
        }
        // etcd takes 0 alone for the newest, and finds nothing at or before a negative revision.
        result.hash_revision = revision < 0 ? revision : *resolved;
        result.current_revision = scope.newest_revision();
        result.compact_revision = state.compact_revision.load(std::memory_order_relaxed);
        // Which changes the last compaction keeps must stay answerable until the end.
        pin = scope.pin(std::max<int64_t>(result.compact_revision, 0));
    }
    uint32_t crc = crc32c("key");
    for (int64_t from = 0; from <= result.hash_revision;) {
        const Result<HistorySlice> slice =
            read_history(state, {from, result.hash_revision, kHashRevisions, kHashBytes});
        if (!slice) {
            return slice.error();
        }
        const std::vector<bool> counts = counted(state, slice->changes, result);
        for (size_t i = 0; i < slice->changes.size(); ++i) {
            if (counts[i]) {
                crc = extend_with_change(crc, slice->changes[i]);
            }
        }
        from = slice->next_main;
    }
    if (state.removed_floor.load(std::memory_order_acquire) > result.compact_revision) {
        return errors::kCompacted;  // the pin was broken
    }
    result.hash = crc;
    return result;
}

Result<uint32_t> hash_backend(const StoreState& state) {
    const Result<std::unique_ptr<storage::View>> view = state.backend.view();
    if (!view) {
        return view.error();
    }
    const Result<std::unique_ptr<storage::Cursor>> cursor =
        (*view)->scan({}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    uint32_t crc = 0;
    for (;;) {
        const Result<std::optional<storage::Pair>> pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            return crc;
        }
        crc = crc32c_extend(crc32c_extend(crc, (*pair)->key), (*pair)->value);
    }
}

}  // namespace quorate::mvcc
