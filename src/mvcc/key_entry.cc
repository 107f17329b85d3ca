// SPDX-License-Identifier: Apache-2.0
#include "mvcc/key_entry.h"

#include "base/assert.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

namespace quorate::mvcc {

namespace {

constexpr uint32_t kDeletionBit = uint32_t{1} << 31;

}  // namespace

KeyEntry::Ptr KeyEntry::create(ByteView key, IndexMemory& memory) {
    QUORATE_ASSERT(key.size() <= std::numeric_limits<uint32_t>::max());
    void* place = memory.allocate(sizeof(KeyEntry) + key.size());
    Ptr entry(new (place) KeyEntry(static_cast<uint32_t>(key.size())), Deleter{&memory});
    key.copy(static_cast<char*>(place) + sizeof(KeyEntry), key.size());
    return entry;
}

void KeyEntry::Deleter::operator()(KeyEntry* entry) const {
    entry->release_side(*memory);
    memory->release(entry, sizeof(KeyEntry) + entry->key_bytes_);
}

int64_t KeyEntry::lease() const {
    return side_ == nullptr ? 0 : side_->lease;
}

uint32_t KeyEntry::history_size() const {
    return side_ == nullptr ? 0 : side_->size;
}

KeyChange KeyEntry::history(uint32_t index) const {
    QUORATE_ASSERT(index < history_size());
    const Older& older = side_->older()[index];
    return {{older.main, older.sub},
            older.bytes_and_kind & ~kDeletionBit,
            (older.bytes_and_kind & kDeletionBit) != 0};
}

std::optional<KeyChange> KeyEntry::at(int64_t main) const {
    if (mod_main_ <= main) {
        return newest();
    }
    if (side_ == nullptr) {
        return std::nullopt;
    }
    const Older* begin = side_->older();
    const Older* found =
        std::upper_bound(begin, begin + side_->size, main,
                         [](int64_t wanted, const Older& older) { return wanted < older.main; });
    if (found == begin) {
        return std::nullopt;
    }
    return history(static_cast<uint32_t>(found - begin - 1));
}

void KeyEntry::put(const NewPair& pair, IndexMemory& memory) {
    QUORATE_ASSERT(pair.state.version > 0);
    QUORATE_ASSERT(pair.record_bytes < kDeletionBit);
    QUORATE_ASSERT(pair.state.mod > mod());
    push_history(memory);
    mod_main_ = pair.state.mod.main;
    mod_sub_ = pair.state.mod.sub;
    create_revision_ = pair.state.create_revision;
    version_ = pair.state.version;
    record_bytes_ = pair.record_bytes;
    spot_ = pair.spot;
    set_lease(pair.state.lease, memory);
}

void KeyEntry::erase(const KeyChange& deletion, IndexMemory& memory) {
    QUORATE_ASSERT(deletion.deletion);
    QUORATE_ASSERT(deletion.revision > mod());
    push_history(memory);
    mod_main_ = deletion.revision.main;
    mod_sub_ = deletion.revision.sub;
    create_revision_ = 0;
    version_ = 0;
    record_bytes_ = deletion.record_bytes;
    spot_ = {};
    set_lease(0, memory);
}

uint32_t KeyEntry::superseded(int64_t floor) const {
    const uint32_t history_count = history_size();
    if (mod_main_ <= floor) {
        const bool gone = !is_live() && mod_main_ < floor;
        return history_count + (gone ? 1 : 0);
    }
    if (history_count == 0) {
        return 0;
    }
    const Older* begin = side_->older();
    const Older* behind =
        std::upper_bound(begin, begin + history_count, floor,
                         [](int64_t wanted, const Older& older) { return wanted < older.main; });
    if (behind == begin) {
        return 0;
    }
    const auto newest_below = static_cast<uint32_t>(behind - begin - 1);
    const KeyChange change = history(newest_below);
    return newest_below + (change.deletion && change.revision.main < floor ? 1 : 0);
}

void KeyEntry::drop_oldest(uint32_t count, IndexMemory& memory) {
    if (count == 0) {
        return;
    }
    QUORATE_ASSERT(count <= history_size());
    Older* begin = side_->older();
    std::copy(begin + count, begin + side_->size, begin);
    side_->size -= count;
    if (side_->size < side_->capacity / 4) {
        resize_side(side_->size, memory);
    }
    if (side_->size == 0 && side_->lease == 0) {
        release_side(memory);
    }
}

void KeyEntry::push_history(IndexMemory& memory) {
    if (!has_state()) {
        return;
    }
    const uint32_t size = history_size();
    if (side_ == nullptr || size == side_->capacity) {
        // Most keys that change at all change a few times between two compactions.
        resize_side(size < 2 ? size + 1 : size + size / 2, memory);
    }
    side_->older()[size] = {mod_main_, mod_sub_,
                            record_bytes_ | (is_live() ? uint32_t{0} : kDeletionBit)};
    side_->size = size + 1;
}

void KeyEntry::set_lease(int64_t lease, IndexMemory& memory) {
    if (side_ == nullptr && lease != 0) {
        resize_side(0, memory);
    }
    if (side_ != nullptr) {
        side_->lease = lease;
        if (side_->size == 0 && lease == 0) {
            release_side(memory);
        }
    }
}

void KeyEntry::resize_side(uint32_t capacity, IndexMemory& memory) {
    Side* side =
        new (memory.allocate(side_bytes(capacity))) Side{lease(), history_size(), capacity};
    QUORATE_ASSERT(side->size <= capacity);
    if (side->size != 0) {
        std::memcpy(side->older(), side_->older(), side->size * sizeof(Older));
    }
    release_side(memory);
    side_ = side;
}

void KeyEntry::release_side(IndexMemory& memory) {
    if (side_ != nullptr) {
        memory.release(side_, side_bytes(side_->capacity));
        side_ = nullptr;
    }
}

}  // namespace quorate::mvcc
