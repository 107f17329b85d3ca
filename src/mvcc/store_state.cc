// SPDX-License-Identifier: Apache-2.0
#include "mvcc/store_state.h"

#include "storage/schema.h"

#include <string>
#include <utility>

namespace quorate::mvcc {

Result<int64_t> resolve_revision(const ReadScope& scope, int64_t asked) {
    const int64_t newest = scope.newest_revision();
    if (asked > newest) {
        return errors::kFutureRev;
    }
    if (asked > 0 && asked < scope.state.compact_revision.load(std::memory_order_relaxed)) {
        return errors::kCompacted;
    }
    const int64_t revision = asked > 0 ? asked : newest;
    // A view whose pin was broken.
    if (revision < scope.state.removed_floor.load(std::memory_order_relaxed)) {
        return errors::kCompacted;
    }
    return revision;
}

Result<RecordRef> EngineReader::read(const Revision& record, int64_t revision) {
    if (std::optional<RecordRef> cached = state_.cache.find(record)) {
        return *std::move(cached);
    }
    if (view_ == nullptr) {
        Result<std::unique_ptr<storage::View>> view = state_.backend.view();
        if (!view) {
            return view.error();
        }
        view_ = std::move(*view);
    }
    Result<std::optional<Bytes>> found = view_->get(storage::record_key(record.main, record.sub));
    if (!found) {
        return found.error();
    }
    if (!found->has_value()) {
        // The floor was moved before the record was removed, and the view shows the removal.
        if (revision < state_.removed_floor.load(std::memory_order_acquire)) {
            return errors::kCompacted;
        }
        return Status(errors::kDamaged, "record of revision " + std::to_string(record.main) + "_" +
                                            std::to_string(record.sub) +
                                            " is missing from the engine");
    }
    auto owner = std::make_shared<const Bytes>(std::move(**found));
    RecordRef ref{*owner, owner};
    state_.cache.insert(record, ref);
    return ref;
}

Result<PairAnswer> read_pair(const ReadScope& scope, ByteView key, int64_t asked) {
    PairAnswer answer;
    int64_t revision = 0;
    Pin pin;
    Revision mod;
    {
        const std::shared_lock<IndexLock> lock = scope.lock();
        answer.newest = scope.newest_revision();
        const Result<int64_t> resolved = resolve_revision(scope, asked);
        if (!resolved) {
            return resolved.error();
        }
        revision = *resolved;
        const KeyEntry* entry = scope.state.index.find(key);
        const std::optional<KeyChange> change =
            entry == nullptr ? std::nullopt : entry->at(revision);
        if (!change.has_value() || change->deletion) {
            return answer;
        }
        mod = change->revision;
        if (std::optional<RecordRef> recent = find_recent(scope.state, *entry, *change)) {
            answer.pair = FoundPair{mod, *std::move(recent)};
            return answer;
        }
        pin = scope.pin(revision);
    }
    EngineReader engine(scope.state);
    Result<RecordRef> record = engine.read(mod, revision);
    if (!record) {
        return record.error();
    }
    answer.pair = FoundPair{mod, std::move(*record)};
    return answer;
}

}  // namespace quorate::mvcc
