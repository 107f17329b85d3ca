// SPDX-License-Identifier: Apache-2.0
#include "mvcc/index_node.h"

#include "base/assert.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace quorate::mvcc {

namespace {

size_t common_prefix(ByteView a, ByteView b) {
    const size_t limit = std::min(a.size(), b.size());
    return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + limit, b.begin()).first -
                               a.begin());
}

// Eight bytes of `key` from `from` on, as a big-endian integer, so that integers compare as bytes
// do; what is missing counts as zero bytes. Equal heads say nothing yet.
uint64_t head_of(ByteView key, size_t from) {
    if (key.size() >= from + 8) {
        uint64_t raw;
        std::memcpy(&raw, key.data() + from, sizeof raw);
        return __builtin_bswap64(raw);
    }
    uint64_t head = 0;
    for (size_t i = from; i < from + 8; ++i) {
        head = (head << 8) | (i < key.size() ? static_cast<unsigned char>(key[i]) : 0);
    }
    return head;
}

// How `key` compares to a prefix of keys: below all of them (-1), above all (1), or among them (0).
int compare_to_prefix(ByteView key, ByteView prefix) {
    const int order = key.substr(0, prefix.size()).compare(prefix);
    return order < 0 ? -1 : (order > 0 ? 1 : 0);
}

// The first of `size` ascending heads that is not below `head`.
size_t first_not_below(const uint64_t* heads, size_t size, uint64_t head) {
    const uint64_t* base = heads;
    while (size > 1) {
        const size_t half = size / 2;
        base += base[half - 1] < head ? half : 0;
        size -= half;
    }
    return static_cast<size_t>(base - heads) + (size == 1 && *base < head ? 1 : 0);
}

uint64_t bits_below(size_t slot) {
    return slot >= 64 ? ~uint64_t{0} : (uint64_t{1} << slot) - 1;
}

uint64_t insert_zero_bit(uint64_t bits, size_t slot) {
    const uint64_t low = bits_below(slot);
    return (bits & low) | ((bits & ~low) << 1);
}

uint64_t remove_bit(uint64_t bits, size_t slot) {
    const uint64_t low = bits_below(slot);
    return (bits & low) | ((bits >> 1) & ~low);
}

}  // namespace

void IndexNodeDeleter::operator()(IndexNode* node) const {
    if (node->is_leaf) {
        auto* leaf = static_cast<LeafNode*>(node);
        leaf->~LeafNode();
        memory->release(leaf, sizeof(LeafNode));
    } else {
        auto* inner = static_cast<InnerNode*>(node);
        inner->~InnerNode();
        memory->release(inner, sizeof(InnerNode));
    }
}

IndexNodePtr make_leaf(IndexMemory& memory) {
    return {new (memory.allocate(sizeof(LeafNode))) LeafNode(memory), IndexNodeDeleter{&memory}};
}

IndexNodePtr make_inner(IndexMemory& memory) {
    return {new (memory.allocate(sizeof(InnerNode))) InnerNode(), IndexNodeDeleter{&memory}};
}

void prefetch_heads(const IndexNode* node) {
    // One after the other these lines would be as many misses.
    constexpr size_t kLineBytes = 64;
    const char* at = reinterpret_cast<const char*>(node);
    for (size_t offset = 0; offset < sizeof(IndexNode); offset += kLineBytes) {
        __builtin_prefetch(at + offset);
    }
}

LeafNode::~LeafNode() {
    for (size_t i = 0; i < size; ++i) {
        KeyEntry::Ptr(entries[i], {memory}).reset();
    }
}

size_t LeafNode::find(ByteView key) const {
    if (size == 0 || key.size() < prefix_bytes) {
        return kNodeSlots;
    }
    // The prefix itself is compared with the entry's key below: a key that does not share it finds
    // a wrong entry here or none, but never a right one.
    const uint64_t head = head_of(key, prefix_bytes);
    for (size_t slot = first_not_below(heads.data(), size, head);
         slot < size && heads[slot] == head; ++slot) {
        if (entries[slot]->key() == key) {
            return slot;
        }
    }
    return kNodeSlots;
}

size_t LeafNode::lower_bound(ByteView key) const {
    if (size == 0) {
        return 0;
    }
    const int order = compare_to_prefix(key, entries[0]->key().substr(0, prefix_bytes));
    if (order != 0) {
        return order < 0 ? 0 : size;
    }
    const uint64_t head = head_of(key, prefix_bytes);
    size_t slot = first_not_below(heads.data(), size, head);
    while (slot < size && heads[slot] == head && entries[slot]->key() < key) {
        ++slot;
    }
    return slot;
}

void LeafNode::insert(size_t slot, KeyEntry::Ptr owned) {
    QUORATE_ASSERT(size < kNodeSlots);
    const auto at = heads.begin() + slot;
    std::move_backward(at, heads.begin() + size, heads.begin() + size + 1);
    std::move_backward(entries.begin() + slot, entries.begin() + size, entries.begin() + size + 1);
    const KeyEntry* entry = entries[slot] = owned.release();
    live = insert_zero_bit(live, slot);
    aged = insert_zero_bit(aged, slot);
    ++size;
    const ByteView neighbour = entries[slot == 0 ? size - 1U : 0U]->key();
    if (size == 1 || common_prefix(entry->key(), neighbour) < prefix_bytes) {
        recompute_heads();
    } else {
        *at = head_of(entry->key(), prefix_bytes);
    }
    set_bits(slot);
}

KeyEntry::Ptr LeafNode::remove(size_t slot) {
    QUORATE_ASSERT(slot < size);
    KeyEntry::Ptr removed(entries[slot], {memory});
    std::move(heads.begin() + slot + 1, heads.begin() + size, heads.begin() + slot);
    std::move(entries.begin() + slot + 1, entries.begin() + size, entries.begin() + slot);
    live = remove_bit(live, slot);
    aged = remove_bit(aged, slot);
    --size;
    return removed;
}

void LeafNode::split_into(LeafNode& right, size_t from) {
    QUORATE_ASSERT(right.size == 0);
    std::copy(entries.begin() + from, entries.begin() + size, right.entries.begin());
    right.size = static_cast<uint8_t>(size - from);
    if (from < size) {
        right.live = live >> from;
        right.aged = aged >> from;
    }
    live &= bits_below(from);
    aged &= bits_below(from);
    size = static_cast<uint8_t>(from);
    recompute_heads();
    right.recompute_heads();
    right.previous = this;
    right.next = next;
    if (next != nullptr) {
        next->previous = &right;
    }
    next = &right;
}

void LeafNode::append_all(LeafNode& right) {
    QUORATE_ASSERT(size + right.size <= kNodeSlots);
    QUORATE_ASSERT(next == &right);
    std::copy(right.entries.begin(), right.entries.begin() + right.size, entries.begin() + size);
    if (right.size != 0) {
        live |= right.live << size;
        aged |= right.aged << size;
    }
    size = static_cast<uint8_t>(size + right.size);
    recompute_heads();
    right.size = 0;
    next = right.next;
    if (next != nullptr) {
        next->previous = this;
    }
}

void LeafNode::recompute_heads() {
    if (size == 0) {
        prefix_bytes = 0;
        return;
    }
    prefix_bytes =
        static_cast<uint32_t>(common_prefix(entries[0]->key(), entries[size - 1]->key()));
    for (size_t i = 0; i < size; ++i) {
        heads[i] = head_of(entries[i]->key(), prefix_bytes);
    }
}

void LeafNode::set_bits(size_t slot) {
    const uint64_t bit = uint64_t{1} << slot;
    const KeyEntry& entry = *entries[slot];
    live = entry.is_live() ? live | bit : live & ~bit;
    aged = entry.is_aged() ? aged | bit : aged & ~bit;
}

uint64_t LeafNode::live_count_before(size_t slot) const {
    return static_cast<uint64_t>(std::popcount(live & bits_below(slot)));
}

size_t InnerNode::child_for(ByteView key) const {
    const auto separator_count = static_cast<size_t>(size - 1);
    if (separator_count == 0) {
        return 0;
    }
    const int order = compare_to_prefix(key, ByteView(separators[0]).substr(0, prefix_bytes));
    if (order != 0) {
        return order < 0 ? 0 : separator_count;
    }
    const uint64_t head = head_of(key, prefix_bytes);
    size_t slot = first_not_below(heads.data(), separator_count, head);
    while (slot < separator_count && heads[slot] == head && separators[slot] <= key) {
        ++slot;
    }
    return slot;
}

void InnerNode::insert_behind(size_t slot, ByteView separator, IndexNodePtr right,
                              uint64_t right_live) {
    QUORATE_ASSERT(size < kNodeSlots);
    const auto separator_count = static_cast<size_t>(size - 1);
    std::move_backward(separators.begin() + slot, separators.begin() + separator_count,
                       separators.begin() + separator_count + 1);
    std::move_backward(children.begin() + slot + 1, children.begin() + size,
                       children.begin() + size + 1);
    std::move_backward(live.begin() + slot + 1, live.begin() + size, live.begin() + size + 1);
    separators[slot] = separator;
    children[slot + 1] = std::move(right);
    live[slot + 1] = right_live;
    ++size;
    recompute_heads();
}

void InnerNode::remove(size_t slot) {
    QUORATE_ASSERT(size > 1);
    // Without the child the key space of a neighbour grows over its place: that of the child
    // before, or for the first child that of the next.
    const size_t separator = slot == 0 ? 0 : slot - 1;
    std::move(separators.begin() + separator + 1, separators.begin() + size - 1,
              separators.begin() + separator);
    std::move(children.begin() + slot + 1, children.begin() + size, children.begin() + slot);
    std::move(live.begin() + slot + 1, live.begin() + size, live.begin() + slot);
    --size;
    recompute_heads();
}

Bytes InnerNode::split_into(InnerNode& right) {
    QUORATE_ASSERT(right.size == 0);
    const size_t from = size / 2;
    std::move(separators.begin() + from, separators.begin() + size - 1, right.separators.begin());
    std::move(children.begin() + from, children.begin() + size, right.children.begin());
    std::copy(live.begin() + from, live.begin() + size, right.live.begin());
    right.size = static_cast<uint8_t>(size - from);
    size = static_cast<uint8_t>(from);
    Bytes middle = std::move(separators[from - 1]);
    recompute_heads();
    right.recompute_heads();
    return middle;
}

void InnerNode::append_all(Bytes separator, InnerNode& right) {
    QUORATE_ASSERT(size + right.size <= kNodeSlots);
    separators[size - 1] = std::move(separator);
    std::move(right.separators.begin(), right.separators.begin() + right.size - 1,
              separators.begin() + size);
    std::move(right.children.begin(), right.children.begin() + right.size, children.begin() + size);
    std::copy(right.live.begin(), right.live.begin() + right.size, live.begin() + size);
    size = static_cast<uint8_t>(size + right.size);
    right.size = 0;
    recompute_heads();
}

void InnerNode::recompute_heads() {
    const auto separator_count = static_cast<size_t>(size - 1);
    if (separator_count == 0) {
        prefix_bytes = 0;
        return;
    }
    prefix_bytes =
        static_cast<uint32_t>(common_prefix(separators[0], separators[separator_count - 1]));
    for (size_t i = 0; i < separator_count; ++i) {
        heads[i] = head_of(separators[i], prefix_bytes);
    }
}

uint64_t InnerNode::live_count() const {
    return live_count_before(size);
}

uint64_t InnerNode::live_count_before(size_t slot) const {
    uint64_t count = 0;
    for (size_t i = 0; i < slot; ++i) {
        count += live[i];
    }
    return count;
}

Bytes shortest_separator(ByteView low, ByteView high) {
    QUORATE_ASSERT(low < high);
    return Bytes(high.substr(0, common_prefix(low, high) + 1));
}

}  // namespace quorate::mvcc
