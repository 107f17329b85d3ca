// SPDX-License-Identifier: Apache-2.0
#include "mvcc/recent_changes.h"

#include "base/assert.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace quorate::mvcc {

namespace {

// Large enough that a chunk's own cost vanishes, small enough that a slow reader of one record
// keeps little else alive; smaller with a small bound, so that letting go of one is not letting go
// of all.
constexpr size_t kChunkBytesMin = size_t{1} << 10;
constexpr size_t kChunkBytesMax = size_t{256} << 10;

}  // namespace

class RecentChanges::Chunk {
  public:
    struct Slot {
        uint32_t offset;
        uint32_t bytes;
        Revision revision;
        Revision previous;
    };

    explicit Chunk(size_t capacity)
        : capacity_(capacity), data_(std::make_unique_for_overwrite<char[]>(capacity)) {}

    size_t room() const { return capacity_ - used_; }
    char* end() { return data_.get() + used_; }
    void append(const Slot& slot) {
        first_main_ = slots_.empty() ? slot.revision.main : first_main_;
        last_main_ = slot.revision.main;
        slots_.push_back(slot);
        used_ += slot.bytes;
    }
    size_t used() const { return used_; }
    const std::vector<Slot>& slots() const { return slots_; }
    ByteView record(const Slot& slot) const { return bytes_at(slot.offset, slot.bytes); }
    ByteView bytes_at(uint32_t offset, uint32_t bytes) const {
        return {data_.get() + offset, bytes};
    }
    int64_t first_main() const { return first_main_; }
    int64_t last_main() const { return last_main_; }

  private:
    const size_t capacity_;
    size_t used_ = 0;
    int64_t first_main_ = 0;
    int64_t last_main_ = 0;
    std::unique_ptr<char[]> data_;
    std::vector<Slot> slots_;
};

namespace {

// What a change costs beyond its record's bytes: its slot, and its place among the mains.
constexpr size_t kSlotBytes = sizeof(RecentChanges::Chunk::Slot) + 8;

}  // namespace

RecentChanges::RecentChanges(size_t bytes_max)
    : bytes_max_(bytes_max),
      chunk_bytes_(std::clamp(bytes_max / 16, kChunkBytesMin, kChunkBytesMax)) {}

RecentChanges::~RecentChanges() = default;

void RecentChanges::start_behind(int64_t main) {
    QUORATE_ASSERT(chunks_.empty());
    first_main_ = main + 1;
}

char* RecentChanges::reserve(size_t bytes) {
    QUORATE_ASSERT(bytes <= std::numeric_limits<uint32_t>::max());
    if (open_ == nullptr || open_->room() < bytes) {
        open_ = std::make_shared<Chunk>(std::max(chunk_bytes_, bytes));
    }
    reserved_ = bytes;
    return open_->end();
}

RecentSpot RecentChanges::append(const Revision& revision, const Revision& previous) {
    QUORATE_ASSERT(open_ != nullptr);
    if (chunks_.empty() || chunks_.back() != open_) {
        chunks_.push_back(open_);
    }
    const auto number = first_chunk_ + static_cast<uint32_t>(chunks_.size() - 1);
    if (revision.main == next_main()) {
        mains_.push_back({number, static_cast<uint32_t>(open_->slots().size())});
        next_sub_ = 0;
    }
    QUORATE_ASSERT(revision.main + 1 == next_main());
    QUORATE_ASSERT(revision.sub == next_sub_);
    ++next_sub_;
    const RecentSpot spot{number, static_cast<uint32_t>(open_->used())};
    open_->append({static_cast<uint32_t>(open_->used()), static_cast<uint32_t>(reserved_), revision,
                   previous});
    bytes_ += reserved_ + kSlotBytes;
    reserved_ = 0;
    return spot;
}

std::vector<std::shared_ptr<RecentChanges::Chunk>> RecentChanges::trim(int64_t engine_main) {
    std::vector<std::shared_ptr<Chunk>> gone;
    while (bytes_ > bytes_max_ && !chunks_.empty() && chunks_.front()->last_main() <= engine_main) {
        const Chunk& chunk = *chunks_.front();
        bytes_ -= chunk.used() + chunk.slots().size() * kSlotBytes;
        // A main that began in this chunk is not here as a whole any more.
        while (!mains_.empty() && mains_.front().chunk == first_chunk_) {
            mains_.pop_front();
            ++first_main_;
        }
        if (chunks_.front() == open_) {
            open_ = nullptr;
        }
        gone.push_back(std::move(chunks_.front()));
        chunks_.pop_front();
        ++first_chunk_;
    }
    return gone;
}

const std::shared_ptr<RecentChanges::Chunk>& RecentChanges::chunk_at(uint32_t number) const {
    return chunks_[number - first_chunk_];
}

RecordRef RecentChanges::record_at(const std::shared_ptr<Chunk>& chunk, size_t slot) const {
    return {chunk->record(chunk->slots()[slot]), chunk};
}

std::optional<RecordRef> RecentChanges::find(const Revision& revision) const {
    if (revision.main < first_main_ || revision.main >= next_main()) {
        return std::nullopt;
    }
    const Start start = mains_[static_cast<size_t>(revision.main - first_main_)];
    uint32_t number = start.chunk;
    size_t slot = start.slot + static_cast<size_t>(revision.sub);
    while (slot >= chunk_at(number)->slots().size()) {
        slot -= chunk_at(number)->slots().size();
        ++number;
    }
    const std::shared_ptr<Chunk>& chunk = chunk_at(number);
    QUORATE_ASSERT(chunk->slots()[slot].revision == revision);
    return record_at(chunk, slot);
}

std::optional<RecordRef> RecentChanges::find_at(const RecentSpot& spot,
                                                const KeyChange& change) const {
    if (spot.chunk - first_chunk_ >= chunks_.size()) {
        return std::nullopt;
    }
    // Chunk numbers come around after four billion. A chunk under an old number holds later mains.
    const std::shared_ptr<Chunk>& chunk = chunk_at(spot.chunk);
    if (change.revision.main < chunk->first_main() || change.revision.main > chunk->last_main()) {
        return std::nullopt;
    }
    return RecordRef{chunk->bytes_at(spot.offset, change.record_bytes), chunk};
}

std::vector<RecentChanges::Item> RecentChanges::collect(int64_t from_main,
                                                        int64_t last_main) const {
    QUORATE_ASSERT(from_main >= first_main_);
    QUORATE_ASSERT(last_main < next_main());
    std::vector<Item> items;
    if (from_main > last_main) {
        return items;
    }
    const Start start = mains_[static_cast<size_t>(from_main - first_main_)];
    size_t slot = start.slot;
    for (size_t i = start.chunk - first_chunk_; i < chunks_.size(); ++i, slot = 0) {
        for (; slot < chunks_[i]->slots().size(); ++slot) {
            const Chunk::Slot& found = chunks_[i]->slots()[slot];
            if (found.revision.main > last_main) {
                return items;
            }
            items.push_back({found.revision, found.previous, record_at(chunks_[i], slot)});
        }
    }
    return items;
}

size_t RecentChanges::bytes_behind(int64_t engine_main) const {
    size_t bytes = 0;
    for (auto chunk = chunks_.rbegin(); chunk != chunks_.rend(); ++chunk) {
        if ((*chunk)->last_main() <= engine_main) {
            break;
        }
        bytes += (*chunk)->used() + (*chunk)->slots().size() * kSlotBytes;
    }
    return bytes;
}

void RecentChanges::check_invariants() const {
    size_t bytes = 0;
    Revision before;
    for (size_t i = 0; i < chunks_.size(); ++i) {
        QUORATE_ASSERT(!chunks_[i]->slots().empty());
        bytes += chunks_[i]->used() + chunks_[i]->slots().size() * kSlotBytes;
        for (size_t slot = 0; slot < chunks_[i]->slots().size(); ++slot) {
            const Chunk::Slot& here = chunks_[i]->slots()[slot];
            QUORATE_ASSERT(before < here.revision);
            QUORATE_ASSERT(here.previous < here.revision);
            before = here.revision;
            if (here.revision.main >= first_main_ && here.revision.sub == 0) {
                const Start& start = mains_[static_cast<size_t>(here.revision.main - first_main_)];
                QUORATE_ASSERT(start.chunk == first_chunk_ + i);
                QUORATE_ASSERT(start.slot == slot);
            }
        }
    }
    QUORATE_ASSERT(bytes == bytes_);
    QUORATE_ASSERT(mains_.empty() || before.main + 1 == next_main());
}

}  // namespace quorate::mvcc
