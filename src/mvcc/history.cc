// SPDX-License-Identifier: Apache-2.0
#include "mvcc/history.h"

#include "base/assert.h"
#include "base/errors.h"
#include "mvcc/record.h"
#include "storage/schema.h"

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <utility>

namespace quorate::mvcc {

namespace {

Status add_change(std::vector<Change>& changes, RecentChanges::Item item) {
    const Result<RecordView> record = decode_record(item.record.bytes);
    if (!record) {
        return record.error();
    }
    if (record->mod_revision != item.revision.main) {
        return Status(errors::kDamaged, "record is stored under another revision than its own");
    }
    changes.push_back({item.revision, item.previous, record->is_tombstone(), record->key,
                       std::move(item.record)});
    return {};
}

Result<HistorySlice> slice_of(std::vector<RecentChanges::Item> items, int64_t next_main,
                              size_t bytes_max) {
    HistorySlice slice;
    slice.next_main = next_main;
    slice.changes.reserve(items.size());
    size_t bytes = 0;
    for (RecentChanges::Item& item : items) {
        if (bytes >= bytes_max && item.revision.sub == 0) {
            slice.next_main = item.revision.main;
            break;
        }
        bytes += item.record.bytes.size();
        Status added = add_change(slice.changes, std::move(item));
        if (!added.ok()) {
            return added;
        }
    }
    return slice;
}

// `engine_main` was in the engine before its view was opened.
Result<HistorySlice> read_engine(const StoreState& state, const HistoryWindow& window,
                                 int64_t engine_main) {
    const Result<std::unique_ptr<storage::View>> view = state.backend.view();
    if (!view) {
        return view.error();
    }
    const Bytes low = storage::record_key(window.from_main, 0);
    const Bytes high = storage::record_key(window.to_main + 1, 0);
    const Result<std::unique_ptr<storage::Cursor>> cursor =
        (*view)->scan({low, high}, storage::Direction::kForward);
    if (!cursor) {
        return cursor.error();
    }
    // One owner for all: the slice is used and dropped as a whole.
    const auto owner = std::make_shared<std::deque<Bytes>>();
    HistorySlice slice;
    slice.next_main = std::min(window.to_main, engine_main) + 1;
    int64_t main = 0;
    int64_t mains = 0;
    size_t bytes = 0;
    for (;;) {
        const Result<std::optional<storage::Pair>> pair = (*cursor)->next();
        if (!pair) {
            return pair.error();
        }
        if (!pair->has_value()) {
            // A batch is whole or not there, so the last main is complete even past the mark.
            slice.next_main = std::max(slice.next_main, main + 1);
            return slice;
        }
        const auto revision = storage::parse_record_key((*pair)->key);
        if (!revision.has_value()) {
            return Status(errors::kDamaged, "key in the record table is not a revision");
        }
        if (revision->first != main) {
            if (mains == window.revisions_max || bytes >= window.bytes_max) {
                slice.next_main = main + 1;
                return slice;
            }
            main = revision->first;
            ++mains;
        }
        owner->emplace_back((*pair)->value);
        bytes += owner->back().size();
        Status added = add_change(
            slice.changes, {{revision->first, revision->second}, {}, {owner->back(), owner}});
        if (!added.ok()) {
            return added;
        }
    }
}

}  // namespace

bool is_recent(const StoreState& state, int64_t from_main) {
    const std::shared_lock lock(state.lock);
    return from_main >= state.recent.first_main();
}

Result<std::optional<RecordRef>> recent_pair_before(const StoreState& state, ByteView key,
                                                    int64_t main) {
    std::vector<RecentChanges::Item> items;
    {
        const std::shared_lock lock(state.lock);
        if (main >= state.recent.first_main() && main < state.recent.next_main()) {
            items = state.recent.collect(main, main);
        }
    }
    for (const RecentChanges::Item& item : items) {
        const Result<RecordView> record = decode_record(item.record.bytes);
        if (!record) {
            return record.error();
        }
        if (record->key == key) {
            const std::shared_lock lock(state.lock);
            return state.recent.find(item.previous);
        }
    }
    return std::optional<RecordRef>();
}

Result<HistorySlice> read_history(const StoreState& state, const HistoryWindow& window) {
    QUORATE_ASSERT(window.from_main <= window.to_main);
    QUORATE_ASSERT(window.revisions_max > 0);
    int64_t engine_main = 0;
    {
        std::shared_lock lock(state.lock);
        if (window.from_main >= state.recent.first_main()) {
            const int64_t last =
                std::min(window.to_main, window.from_main + window.revisions_max - 1);
            std::vector<RecentChanges::Item> items = state.recent.collect(window.from_main, last);
            lock.unlock();
            return slice_of(std::move(items), last + 1, window.bytes_max);
        }
        // What is not here any more is in the engine, whatever mark was set last.
        engine_main = state.recent.first_main() - 1;
    }
    return read_engine(state, window, engine_main);
}

}  // namespace quorate::mvcc
