// SPDX-License-Identifier: Apache-2.0
#include "mvcc/write_txn.h"

#include "base/assert.h"
#include "mvcc/record.h"
#include "mvcc/store_state.h"
#include "storage/schema.h"

#include <utility>

namespace quorate::mvcc {

WriteTxn::WriteTxn(StoreState& state, storage::WriteBatch& batch)
    : state_(&state),
      batch_(&batch),
      reads_(state),
      begin_revision_(state.current_revision.load(std::memory_order_relaxed)) {
    QUORATE_ASSERT(state.writer_revision == 0);
    state.writer_revision = begin_revision_;
}

WriteTxn::WriteTxn(WriteTxn&& other) noexcept
    : state_(std::exchange(other.state_, nullptr)),
      batch_(other.batch_),
      reads_(std::move(other.reads_)),
      begin_revision_(other.begin_revision_),
      next_sub_(other.next_sub_) {}

WriteTxn::~WriteTxn() {
    if (state_ == nullptr) {
        return;
    }
    QUORATE_ASSERT(next_sub_ == 0);
    state_->writer_revision = 0;
}

std::optional<KeyState> WriteTxn::find(ByteView key) const {
    const KeyEntry* entry = state_->index.find(key);
    if (entry == nullptr || !entry->is_live()) {
        return std::nullopt;
    }
    return entry->state();
}

PutOutcome WriteTxn::put(const PutRequest& request) {
    QUORATE_ASSERT(!request.key.empty());
    const KeyIndex::Place place = state_->index.locate(request.key);
    PutOutcome outcome;
    Revision before;
    if (place.entry() != nullptr) {
        before = place.entry()->mod();
        if (place.entry()->is_live()) {
            outcome.previous = place.entry()->state();
        }
    }
    const Revision revision{begin_revision_ + 1, next_sub_};
    const bool creates = !outcome.previous.has_value();
    const KeyState state{revision, creates ? revision.main : outcome.previous->create_revision,
                         creates ? 1 : outcome.previous->version + 1, request.lease};
    const uint32_t bytes = write_record({.key = request.key,
                                         .create_revision = state.create_revision,
                                         .mod_revision = revision.main,
                                         .version = state.version,
                                         .value = request.value,
                                         .lease = request.lease},
                                        revision);
    begin_change();
    const RecentSpot spot = state_->recent.append(revision, creates ? Revision() : before);
    state_->index.put(place, request.key, {state, bytes, spot});
    return outcome;
}

Result<EraseOutcome> WriteTxn::erase_range(const KeyRange& range, const EraseOptions& options) {
    EraseOutcome outcome;
    if (range.is_empty()) {
        return outcome;
    }
    // Entries stay where they are while keys are erased: only compaction removes them.
    std::vector<const KeyEntry*> erased;
    KeyIndex::Iterator at = state_->index.seek(range.key);
    for (at.skip_to_live(); !at.at_end() && range.ends_after(at.entry().key());) {
        erased.push_back(&at.entry());
        at.next();
        at.skip_to_live();
    }
    if (options.want_previous) {
        Result<RangeResult> previous = reads_.range({.range = range});
        if (!previous) {
            return previous.error();
        }
        QUORATE_ASSERT(previous->kvs.size() == erased.size());
        outcome.previous = std::move(previous->kvs);
    }
    for (const KeyEntry* entry : erased) {
        if (entry->lease() != 0) {
            outcome.leased.push_back({Bytes(entry->key()), entry->lease()});
        }
        erase(*entry);
    }
    outcome.erased = static_cast<int64_t>(erased.size());
    return outcome;
}

void WriteTxn::erase(const KeyEntry& entry) {
    const Revision revision{begin_revision_ + 1, next_sub_};
    const uint32_t bytes =
        write_record({.key = entry.key(), .mod_revision = revision.main}, revision);
    begin_change();
    state_->recent.append(revision, entry.mod());
    state_->index.erase(state_->index.locate(entry.key()), {revision, bytes, true});
}

// Encodes into memory that no reader can see yet, so no lock is needed however large the value is.
uint32_t WriteTxn::write_record(const RecordView& record, const Revision& revision) {
    const size_t bytes = encoded_bytes(record);
    char* at = state_->recent.reserve(bytes);
    const char* end = encode_record(record, at);
    QUORATE_ASSERT(end == at + bytes);
    batch_->put(storage::record_key(revision.main, revision.sub), {at, bytes});
    return static_cast<uint32_t>(bytes);
}

void WriteTxn::begin_change() {
    if (next_sub_++ == 0) {
        state_->lock.lock();
        state_->writer_revision = begin_revision_ + 1;
    }
}

int64_t WriteTxn::commit() {
    StoreState& state = *std::exchange(state_, nullptr);
    state.writer_revision = 0;
    if (next_sub_ == 0) {
        return begin_revision_;
    }
    const int64_t revision = begin_revision_ + 1;
    state.current_revision.store(revision, std::memory_order_release);
    const auto let_go = state.recent.trim(state.engine_main.load(std::memory_order_acquire));
    state.lock.unlock();
    return revision;
}

}  // namespace quorate::mvcc
