// SPDX-License-Identifier: Apache-2.0
#include "storage/mem_backend.h"

#include "base/assert.h"

#include <algorithm>
#include <compare>
#include <iterator>
#include <utility>

namespace quorate::storage {

namespace {

// Large enough that a root is short, small enough that copying a chunk for a view is cheap.
constexpr size_t kChunkEntriesMax = 64;

}  // namespace

struct MemBackend::Entry {
    Bytes key;
    std::shared_ptr<const Bytes> value;  // shared by every copy of its chunk
};

// Sorted, never empty.
struct MemBackend::Chunk {
    uint64_t generation = 0;
    std::vector<Entry> entries;

    size_t lower_bound(ByteView key) const {
        const auto at = std::lower_bound(entries.begin(), entries.end(), key,
                                         [](const Entry& e, ByteView k) { return e.key < k; });
        return static_cast<size_t>(at - entries.begin());
    }

    uint64_t bytes(size_t first, size_t last) const {
        uint64_t sum = 0;
        for (size_t i = first; i < last; ++i) {
            sum += entries[i].key.size() + entries[i].value->size();
        }
        return sum;
    }
};

struct MemBackend::Root {
    uint64_t generation = 0;
    uint64_t bytes = 0;  // of all keys and values
    std::vector<std::shared_ptr<Chunk>> chunks;

    // The chunk that holds `key` if any does: the last that begins at or before it, or the first.
    size_t find_chunk(ByteView key) const {
        const auto after = std::upper_bound(
            chunks.begin(), chunks.end(), key,
            [](ByteView k, const std::shared_ptr<Chunk>& c) { return k < c->entries[0].key; });
        return after == chunks.begin() ? 0 : static_cast<size_t>(after - chunks.begin()) - 1;
    }
};

namespace {

using Root = MemBackend::Root;
using Entry = MemBackend::Entry;

// A place between two entries of a root; chunk == number of chunks is the end.
struct Position {
    size_t chunk = 0;
    size_t entry = 0;

    friend auto operator<=>(const Position&, const Position&) = default;
};

// Before the first entry whose key is not less than `key`.
Position lower_bound(const Root& root, ByteView key) {
    if (root.chunks.empty()) {
        return {};
    }
    const size_t chunk = root.find_chunk(key);
    const size_t entry = root.chunks[chunk]->lower_bound(key);
    return entry == root.chunks[chunk]->entries.size() ? Position{chunk + 1, 0}
                                                       : Position{chunk, entry};
}

// Where a range with this upper bound ends; empty is no bound.
Position upper_end(const Root& root, ByteView hi) {
    return hi.empty() ? Position{root.chunks.size(), 0} : lower_bound(root, hi);
}

class MemCursor final : public Cursor {
  public:
    MemCursor(std::shared_ptr<const Root> root, const KeyRange& range, Direction direction)
        : root_(std::move(root)), direction_(direction) {
        first_ = lower_bound(*root_, range.lo);
        last_ = std::max(first_, upper_end(*root_, range.hi));
    }

    Result<std::optional<Pair>> next() override {
        if (first_ == last_) {
            return std::optional<Pair>();
        }
        return std::optional<Pair>(direction_ == Direction::kForward ? step_forward()
                                                                     : step_back());
    }

  private:
    Pair step_forward() {
        const auto& entries = root_->chunks[first_.chunk]->entries;
        const Entry& entry = entries[first_.entry];
        first_ = first_.entry + 1 < entries.size() ? Position{first_.chunk, first_.entry + 1}
                                                   : Position{first_.chunk + 1, 0};
        return {entry.key, *entry.value};
    }

    Pair step_back() {
        last_ = last_.entry > 0
                    ? Position{last_.chunk, last_.entry - 1}
                    : Position{last_.chunk - 1, root_->chunks[last_.chunk - 1]->entries.size() - 1};
        const Entry& entry = root_->chunks[last_.chunk]->entries[last_.entry];
        return {entry.key, *entry.value};
    }

    const std::shared_ptr<const Root> root_;
    const Direction direction_;
    Position first_;  // what is left lies between these two
    Position last_;
};

class MemView final : public View {
  public:
    explicit MemView(std::shared_ptr<const Root> root) : root_(std::move(root)) {}

    Result<std::optional<Bytes>> get(ByteView key) override {
        const Position at = lower_bound(*root_, key);
        if (at.chunk == root_->chunks.size()) {
            return std::optional<Bytes>();
        }
        const Entry& entry = root_->chunks[at.chunk]->entries[at.entry];
        return entry.key == key ? std::optional<Bytes>(*entry.value) : std::optional<Bytes>();
    }

    Result<std::unique_ptr<Cursor>> scan(const KeyRange& range, Direction direction) override {
        return std::unique_ptr<Cursor>(std::make_unique<MemCursor>(root_, range, direction));
    }

  private:
    const std::shared_ptr<const Root> root_;
};

}  // namespace

MemBackend::MemBackend(const Options& options)
    : options_(options), root_(std::make_shared<Root>()) {
    root_->generation = generation_;
}

MemBackend::~MemBackend() = default;

Result<std::unique_ptr<View>> MemBackend::view() {
    const std::lock_guard lock(mutex_);
    ++generation_;
    return std::unique_ptr<View>(std::make_unique<MemView>(root_));
}

Status MemBackend::write(const WriteBatch& batch, Durability durability) {
    const std::lock_guard lock(mutex_);
    if (options_.crashable) {
        unsynced_.push_back(root_);
        ++generation_;
    }
    for (const WriteBatch::Op& op : batch.ops()) {
        switch (op.kind) {
            case WriteBatch::Kind::kPut:
                put(op.key, op.value);
                break;
            case WriteBatch::Kind::kDelete:
                erase(op.key);
                break;
            case WriteBatch::Kind::kDeleteRange:
                erase_range({op.key, op.value});
                break;
        }
    }
    if (durability == Durability::kSynced) {
        unsynced_.clear();
    }
    QUORATE_VERIFY(*this);
    return {};
}

Status MemBackend::sync() {
    const std::lock_guard lock(mutex_);
    unsynced_.clear();
    return {};
}

Result<Stats> MemBackend::stats() const {
    const std::lock_guard lock(mutex_);
    return Stats{root_->bytes, root_->bytes};
}

size_t MemBackend::unsynced_writes() const {
    QUORATE_ASSERT(options_.crashable);
    const std::lock_guard lock(mutex_);
    return unsynced_.size();
}

void MemBackend::crash(size_t lost_writes) {
    QUORATE_ASSERT(options_.crashable);
    const std::lock_guard lock(mutex_);
    QUORATE_ASSERT(lost_writes <= unsynced_.size());
    if (lost_writes > 0) {
        const size_t kept = unsynced_.size() - lost_writes;
        root_ = unsynced_[kept];
        unsynced_.resize(kept);
        ++generation_;
    }
    // What a restarted member finds on its disk is there for good.
    unsynced_.clear();
}

MemBackend::Root& MemBackend::own_root() {
    if (root_->generation != generation_) {
        root_ = std::make_shared<Root>(*root_);
        root_->generation = generation_;
    }
    return *root_;
}

MemBackend::Chunk& MemBackend::own_chunk(size_t index) {
    std::shared_ptr<Chunk>& chunk = own_root().chunks[index];
    if (chunk->generation != generation_) {
        chunk = std::make_shared<Chunk>(*chunk);
        chunk->generation = generation_;
    }
    return *chunk;
}

void MemBackend::put(ByteView key, ByteView value) {
    Root& root = own_root();
    auto shared_value = std::make_shared<const Bytes>(value);
    if (root.chunks.empty()) {
        root.chunks.push_back(
            std::make_shared<Chunk>(Chunk{generation_, {{Bytes(key), shared_value}}}));
        root.bytes += key.size() + value.size();
        return;
    }
    const size_t index = root.find_chunk(key);
    Chunk& chunk = own_chunk(index);
    const size_t at = chunk.lower_bound(key);
    if (at < chunk.entries.size() && chunk.entries[at].key == key) {
        root.bytes -= chunk.entries[at].value->size();
        root.bytes += value.size();
        chunk.entries[at].value = std::move(shared_value);
        return;
    }
    root.bytes += key.size() + value.size();
    const auto place = chunk.entries.begin() + static_cast<ptrdiff_t>(at);
    chunk.entries.insert(place, {Bytes(key), std::move(shared_value)});
    if (chunk.entries.size() > kChunkEntriesMax) {
        // Records are appended at the end: a split there leaves a full chunk behind.
        split(index, at + 1 == chunk.entries.size() ? at : chunk.entries.size() / 2);
    }
}

void MemBackend::split(size_t index, size_t at) {
    Chunk& lower = own_chunk(index);
    const auto cut = lower.entries.begin() + static_cast<ptrdiff_t>(at);
    std::vector<Entry> moved(std::make_move_iterator(cut),
                             std::make_move_iterator(lower.entries.end()));
    lower.entries.erase(cut, lower.entries.end());
    std::vector<std::shared_ptr<Chunk>>& chunks = own_root().chunks;
    chunks.insert(chunks.begin() + static_cast<ptrdiff_t>(index) + 1,
                  std::make_shared<Chunk>(Chunk{generation_, std::move(moved)}));
}

void MemBackend::erase(ByteView key) {
    const Position at = lower_bound(*root_, key);
    if (at.chunk < root_->chunks.size() && root_->chunks[at.chunk]->entries[at.entry].key == key) {
        erase_entries(at.chunk, at.entry, at.entry + 1);
    }
}

void MemBackend::erase_range(const KeyRange& range) {
    const Position begin = lower_bound(*root_, range.lo);
    const Position end = upper_end(*root_, range.hi);
    if (begin >= end) {
        return;
    }
    if (begin.chunk == end.chunk) {
        erase_entries(begin.chunk, begin.entry, end.entry);
        return;
    }
    // The head of the last chunk, the tail of the first, and whole chunks between.
    if (end.entry > 0) {
        erase_entries(end.chunk, 0, end.entry);
    }
    if (begin.entry > 0) {
        erase_entries(begin.chunk, begin.entry, root_->chunks[begin.chunk]->entries.size());
    }
    erase_chunks(begin.entry > 0 ? begin.chunk + 1 : begin.chunk, end.chunk);
}

void MemBackend::erase_entries(size_t index, size_t first, size_t last) {
    if (first == 0 && last == root_->chunks[index]->entries.size()) {
        erase_chunks(index, index + 1);
        return;
    }
    Chunk& chunk = own_chunk(index);
    own_root().bytes -= chunk.bytes(first, last);
    chunk.entries.erase(chunk.entries.begin() + static_cast<ptrdiff_t>(first),
                        chunk.entries.begin() + static_cast<ptrdiff_t>(last));
}

void MemBackend::erase_chunks(size_t first, size_t last) {
    Root& root = own_root();
    for (size_t index = first; index < last; ++index) {
        const Chunk& chunk = *root.chunks[index];
        root.bytes -= chunk.bytes(0, chunk.entries.size());
    }
    root.chunks.erase(root.chunks.begin() + static_cast<ptrdiff_t>(first),
                      root.chunks.begin() + static_cast<ptrdiff_t>(last));
}

void MemBackend::check_invariants() const {
    QUORATE_ASSERT(root_->generation <= generation_);
    uint64_t bytes = 0;
    const Bytes* before = nullptr;
    for (const std::shared_ptr<Chunk>& chunk : root_->chunks) {
        QUORATE_ASSERT(!chunk->entries.empty());
        QUORATE_ASSERT(chunk->entries.size() <= kChunkEntriesMax);
        QUORATE_ASSERT(chunk->generation <= root_->generation);
        for (const Entry& entry : chunk->entries) {
            QUORATE_ASSERT(before == nullptr || *before < entry.key);
            before = &entry.key;
        }
        bytes += chunk->bytes(0, chunk->entries.size());
    }
    QUORATE_ASSERT(bytes == root_->bytes);
}

}  // namespace quorate::storage
