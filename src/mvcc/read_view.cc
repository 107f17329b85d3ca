// SPDX-License-Identifier: Apache-2.0
#include "mvcc/read_view.h"

#include "base/errors.h"
#include "mvcc/range_walk.h"
#include "mvcc/record.h"
#include "mvcc/store_state.h"

#include <utility>

namespace quorate::mvcc {

namespace {

// How many index entries visit() looks at under one hold of the lock, and how many keys it copies.
constexpr size_t kVisitLooks = 1024;
constexpr size_t kVisitKeys = 256;

struct Visited {
    Bytes key;
    KeyState state;  // version 0: only the record knows more than `mod`
    RecordRef record;
};

KeyState state_of(const RecordView& record, const Revision& mod) {
    return {mod, record.create_revision, record.version, record.lease};
}

// The live keys of one slice, and in `from` where the next begins; nothing there at the end.
Result<std::vector<Visited>> visit_slice(const ReadScope& scope, const KeyRange& range,
                                         std::optional<Bytes>& from) {
    std::vector<Visited> slice;
    const std::shared_lock<IndexLock> lock = scope.lock();
    const Result<int64_t> revision = resolve_revision(scope, 0);
    if (!revision) {
        return revision.error();
    }
    KeyIndex::Iterator at = scope.state.index.seek(*from);
    for (size_t looks = 0; !at.at_end() && range.ends_after(at.entry().key()); ++looks, at.next()) {
        const KeyEntry& entry = at.entry();
        if (looks == kVisitLooks || slice.size() == kVisitKeys) {
            from = Bytes(entry.key());
            return slice;
        }
        const std::optional<KeyChange> change = entry.at(*revision);
        if (!change.has_value() || change->deletion) {
            continue;
        }
        Visited visited{Bytes(entry.key()), {.mod = change->revision}, {}};
        if (entry.mod() == change->revision) {
            visited.state = entry.state();
        } else {
            visited.record = scope.state.recent.find(change->revision).value_or(RecordRef());
        }
        slice.push_back(std::move(visited));
    }
    from.reset();
    return slice;
}

// Fills in what the index does not keep of older states.
Status complete(Visited& visited, EngineReader& engine, int64_t revision) {
    if (visited.state.version != 0) {
        return {};
    }
    if (visited.record.owner == nullptr) {
        Result<RecordRef> record = engine.read(visited.state.mod, revision);
        if (!record) {
            return record.error();
        }
        visited.record = std::move(*record);
    }
    const Result<RecordView> record = decode_record(visited.record.bytes);
    if (!record) {
        return record.error();
    }
    visited.state = state_of(*record, visited.state.mod);
    return {};
}

}  // namespace

Result<RangeCursor> open_cursor(const ReadScope& scope, const RangeQuery& query) {
    auto walk = std::make_unique<RangeWalk>(scope, query);
    Status begun = walk->begin();
    if (!begun.ok()) {
        return begun;
    }
    return RangeCursor(std::move(walk));
}

RangeCursor::RangeCursor(std::unique_ptr<RangeWalk> walk) : walk_(std::move(walk)) {}
RangeCursor::RangeCursor(RangeCursor&&) noexcept = default;
RangeCursor& RangeCursor::operator=(RangeCursor&&) noexcept = default;
RangeCursor::~RangeCursor() = default;

int64_t RangeCursor::revision() const {
    return walk_->newest();
}

Result<std::vector<RecordRef>> RangeCursor::next_slice(const SliceBounds& bounds) {
    return walk_->next_slice(bounds);
}

bool RangeCursor::more() const {
    return walk_->more();
}

Result<int64_t> RangeCursor::count() {
    return walk_->count();
}

ReadScope ReadView::scope() const {
    return {.state = *state_, .writer = revision_ == 0, .newest = revision_};
}

int64_t ReadView::revision() const {
    return revision_ != 0 ? revision_ : state_->writer_revision;
}

Status ReadView::check_revision(int64_t revision) const {
    const ReadScope eyes = scope();
    const std::shared_lock<IndexLock> lock = eyes.lock();
    return resolve_revision(eyes, revision).error();
}

Result<std::optional<KeyState>> ReadView::find(ByteView key) const {
    std::optional<KeyState> state;
    const Status visited = visit({key, {}}, [&](ByteView, const KeyState& found) {
        state = found;
        return true;
    });
    if (!visited.ok()) {
        return visited;
    }
    return state;
}

Result<std::optional<RecordRef>> ReadView::get(ByteView key) const {
    Result<PairAnswer> answer = read_pair(scope(), key, 0);
    if (!answer) {
        return answer.error();
    }
    if (!answer->pair.has_value()) {
        return std::optional<RecordRef>();
    }
    return std::optional<RecordRef>(std::move(answer->pair->record));
}

Status ReadView::visit(const KeyRange& range, const Visitor& visitor) const {
    if (range.is_empty()) {
        return {};
    }
    const ReadScope eyes = scope();
    EngineReader engine(*state_);
    std::optional<Bytes> from = Bytes(range.key);
    while (from.has_value()) {
        Result<std::vector<Visited>> slice = visit_slice(eyes, range, from);
        if (!slice) {
            return slice.error();
        }
        for (Visited& visited : *slice) {
            Status completed = complete(visited, engine, revision());
            if (!completed.ok()) {
                return completed;
            }
            if (!visitor(visited.key, visited.state)) {
                return {};
            }
        }
        engine.close_view();
    }
    return {};
}

Result<RangeResult> ReadView::range(const RangeQuery& query) const {
    return answer_range(scope(), query);
}

Result<RangeCursor> ReadView::cursor(const RangeQuery& query) const {
    return open_cursor(scope(), query);
}

}  // namespace quorate::mvcc
