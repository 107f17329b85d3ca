// SPDX-License-Identifier: Apache-2.0
//
// The two kinds of nodes of the key index. Keys are searched in arrays of heads: eight bytes of
// each key behind the prefix that all keys of the node share, as one integer. A search so touches
// the node alone, and the entry (a cache miss at a million keys) only to confirm.
//
//   leaf:  entries[i] is the entry of heads[i]; bit i of `live` and `aged` speaks of entries[i]
//   inner: keys of children[i] < separators[i] <= keys of children[i + 1];
//          live[i] is the number of live keys below children[i], which makes counting O(log n)
//
// Guarded by the index lock. Owned by the KeyIndex.
#pragma once

#include "base/bytes.h"
#include "mvcc/index_memory.h"
#include "mvcc/key_entry.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace quorate::mvcc {

inline constexpr size_t kNodeSlots = 64;  // the bitmaps of a leaf are one word

struct IndexNode;

struct IndexNodeDeleter {
    IndexMemory* memory = nullptr;
    void operator()(IndexNode* node) const;
};
using IndexNodePtr = std::unique_ptr<IndexNode, IndexNodeDeleter>;

struct IndexNode {
    explicit IndexNode(bool leaf) : is_leaf(leaf) {}

    bool is_leaf;
    uint8_t size = 0;           // a leaf's entries, an inner node's children
    uint32_t prefix_bytes = 0;  // shared by all keys (separators) of the node
    std::array<uint64_t, kNodeSlots> heads;
};

struct LeafNode : IndexNode {
    explicit LeafNode(IndexMemory& owner) : IndexNode(true), memory(&owner) {}
    ~LeafNode();
    LeafNode(const LeafNode&) = delete;
    LeafNode& operator=(const LeafNode&) = delete;

    // The first slot whose key is not below `key`.
    size_t lower_bound(ByteView key) const;
    // The slot of exactly `key`, or kNodeSlots. Touches one entry in nearly all cases.
    size_t find(ByteView key) const;
    void insert(size_t slot, KeyEntry::Ptr entry);
    KeyEntry::Ptr remove(size_t slot);
    // Moves the slots from `from` on into the empty `right`, which follows this leaf.
    void split_into(LeafNode& right, size_t from);
    // Takes over everything from `right`, the leaf behind this one.
    void append_all(LeafNode& right);
    void recompute_heads();

    void set_bits(size_t slot);  // `live` and `aged` from the entry
    uint64_t live_count() const { return static_cast<uint64_t>(std::popcount(live)); }
    uint64_t live_count_before(size_t slot) const;

    uint64_t live = 0;
    uint64_t aged = 0;
    IndexMemory* memory;  // of the entries
    LeafNode* previous = nullptr;
    LeafNode* next = nullptr;
    // Owned; plain pointers because an insert moves half of them.
    std::array<KeyEntry*, kNodeSlots> entries;
};

struct InnerNode : IndexNode {
    InnerNode() : IndexNode(false) {}

    // The child that `key` belongs into.
    size_t child_for(ByteView key) const;
    // Puts `right` behind the child at `slot`, whose keys are below `separator`.
    void insert_behind(size_t slot, ByteView separator, IndexNodePtr right, uint64_t right_live);
    // Takes out the child at `slot` and the separator beside it.
    void remove(size_t slot);
    // Moves the upper half into the empty `right` and returns the separator between the two.
    Bytes split_into(InnerNode& right);
    void append_all(Bytes separator, InnerNode& right);
    void recompute_heads();

    uint64_t live_count() const;
    uint64_t live_count_before(size_t slot) const;

    std::array<Bytes, kNodeSlots - 1> separators;
    std::array<IndexNodePtr, kNodeSlots> children;
    std::array<uint64_t, kNodeSlots> live;
};

IndexNodePtr make_leaf(IndexMemory& memory);
IndexNodePtr make_inner(IndexMemory& memory);

// Asks the processor for the part of a node that a search begins with.
void prefetch_heads(const IndexNode* node);

// The shortest key that is above `low` and not above `high`; low < high.
Bytes shortest_separator(ByteView low, ByteView high);

}  // namespace quorate::mvcc
