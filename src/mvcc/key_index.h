// SPDX-License-Identifier: Apache-2.0
//
// KeyIndex: every key of the store in byte order, each with its newest state and what history
// compaction has not removed: a B+tree of KeyEntry whose inner nodes count the live keys below each
// child, so the size of any range at the newest revision costs O(log n).
// Guarded by the index lock: the apply loop changes it, readers read it and keep nothing of it
// beyond the lock. Positions and iterators end with the next insert or removal of a key.
#pragma once

#include "base/bytes.h"
#include "mvcc/index_memory.h"
#include "mvcc/index_node.h"
#include "mvcc/key_entry.h"
#include "mvcc/key_range.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::mvcc {

struct KeyIndexStats {
    int64_t keys = 0;           // live
    int64_t tombstones = 0;     // entries whose newest change is a deletion
    int64_t old_revisions = 0;  // changes that are not an entry's newest
    uint64_t live_bytes = 0;    // records of the live keys
    uint64_t stored_bytes = 0;  // records of all changes

    friend bool operator==(const KeyIndexStats&, const KeyIndexStats&) = default;
};

class KeyIndex {
  public:
    // Walks the entries in key order, in either direction.
    class Iterator {
      public:
        bool at_end() const { return leaf_ == nullptr; }
        const KeyEntry& entry() const { return *leaf_->entries[slot_]; }
        bool is_live() const { return (leaf_->live >> slot_ & 1) != 0; }
        void next();
        void previous();
        // To the next live entry, this one counted; touches no entry on the way.
        void skip_to_live();

      private:
        friend class KeyIndex;
        Iterator(LeafNode* leaf, size_t slot) : leaf_(leaf), slot_(slot) {}
        void settle_forward();

        LeafNode* leaf_;  // null: at the end
        size_t slot_;
    };

    // Where a key is or would be. Writer only.
    class Place {
      public:
        // The key's entry, or null.
        const KeyEntry* entry() const { return exact_ ? leaf_->entries[slot_] : nullptr; }

      private:
        friend class KeyIndex;
        struct Step {
            InnerNode* node;
            size_t slot;
        };
        // A node that is not the root has two children or more but for what removals leave behind;
        // twenty levels hold more keys than memory can.
        std::array<Step, 20> path_;
        size_t height_ = 0;
        LeafNode* leaf_ = nullptr;
        size_t slot_ = 0;
        bool exact_ = false;
    };

    struct SliceLimits {
        size_t steps_max;      // leaves and entries looked at
        size_t revisions_max;  // changes removed
    };
    struct CompactedSlice {
        std::vector<Revision> removed;
        std::optional<Bytes> resume;  // where to go on; nothing: the end was reached
    };

    KeyIndex();
    ~KeyIndex() = default;
    KeyIndex(const KeyIndex&) = delete;
    KeyIndex& operator=(const KeyIndex&) = delete;

    // The entry of `key`, live or deleted, or null.
    const KeyEntry* find(ByteView key) const;
    // The first entry not below `key`.
    Iterator seek(ByteView key) const;
    // The last entry below `key`, or with no key the last of all.
    Iterator seek_before(std::optional<ByteView> key) const;
    uint64_t count_live(const KeyRange& range) const;
    const KeyIndexStats& stats() const { return stats_; }

    Place locate(ByteView key);
    // `key` is what `place` was located for. `pair` and `deletion` are newer than all before; put
    // makes an entry where there is none, erase wants one.
    void put(const Place& place, ByteView key, const NewPair& pair);
    void erase(const Place& place, const KeyChange& deletion);
    // Loads a deletion whose key's earlier changes may have been compacted away.
    void load_erased(ByteView key, const KeyChange& deletion);

    // Removes from the entries from key `from` on what compaction at `floor` removes.
    CompactedSlice compact_slice(ByteView from, int64_t floor, const SliceLimits& limits);

    void check_invariants() const;

  private:
    const LeafNode* leaf_for(ByteView key) const;
    uint64_t live_below(ByteView key) const;
    void split_leaf(const Place& place, ByteView key);
    void insert_child(const Place& place, size_t level, Bytes separator, IndexNodePtr right);
    void add_live(const Place& place, int64_t delta);
    bool compact_entry(LeafNode& leaf, size_t slot, int64_t floor, const SliceLimits& limits,
                       CompactedSlice& slice);
    void remove(ByteView key);
    bool merge_child(InnerNode& parent, size_t slot);

    IndexMemory memory_;  // outlives root_
    IndexNodePtr root_;
    KeyIndexStats stats_;
};

}  // namespace quorate::mvcc
