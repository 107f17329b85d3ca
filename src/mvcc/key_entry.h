// SPDX-License-Identifier: Apache-2.0
//
// KeyEntry: one key of the index with its newest state and, only when there is more to say, its
// older revisions and its lease. One allocation holds the fixed part and the key's bytes, a second
// one the rest; a key with one version and no lease costs 56 bytes beyond itself and never has a
// second.
//
//   history (oldest first) ... newest          version 0 = the newest change was a deletion
//
// Guarded by the index lock: the apply loop changes, readers read. Owned by the KeyIndex.
#pragma once

#include "base/bytes.h"
#include "mvcc/index_memory.h"
#include "mvcc/key_state.h"
#include "mvcc/revision.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace quorate::mvcc {

// Where a record is among the recent changes, so that reading the newest value of a key takes no
// search. A hint: the record may be gone from there, and RecentChanges tells.
struct RecentSpot {
    uint32_t chunk = 0;
    uint32_t offset = 0;
};

// One change of a key: where its record is and how large.
struct KeyChange {
    Revision revision;
    uint32_t record_bytes = 0;
    bool deletion = false;
};

// The newest state to be set by a put.
struct NewPair {
    KeyState state;
    uint32_t record_bytes = 0;
    RecentSpot spot;
};

class KeyEntry {
  public:
    struct Deleter {
        IndexMemory* memory;
        void operator()(KeyEntry* entry) const;
    };
    using Ptr = std::unique_ptr<KeyEntry, Deleter>;

    // Copies the key. The entry has no state yet: the first put or erase gives it one.
    static Ptr create(ByteView key, IndexMemory& memory);

    ByteView key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes_}; }
    bool is_live() const { return version_ != 0; }
    Revision mod() const { return {mod_main_, mod_sub_}; }
    uint32_t record_bytes() const { return record_bytes_; }
    RecentSpot spot() const { return spot_; }
    int64_t lease() const;
    KeyState state() const { return {mod(), create_revision_, version_, lease()}; }
    KeyChange newest() const { return {mod(), record_bytes_, !is_live()}; }

    // Number of older revisions, and the older revision at `index`, oldest first.
    uint32_t history_size() const;
    KeyChange history(uint32_t index) const;

    // The change that was the newest at main revision `main`; nothing when the key did not exist
    // yet or compaction has removed it.
    std::optional<KeyChange> at(int64_t main) const;

    // A new newest change; the one before becomes history. Revisions rise.
    void put(const NewPair& pair, IndexMemory& memory);
    void erase(const KeyChange& deletion, IndexMemory& memory);
    bool has_state() const { return mod_main_ != 0; }

    // How many of the oldest changes (the newest counted as well) compaction at `floor` removes:
    // what was superseded at or before it, and a deletion before it.
    uint32_t superseded(int64_t floor) const;
    // Removes the `count` oldest changes, which must all be history.
    void drop_oldest(uint32_t count, IndexMemory& memory);
    // True when compaction may find something here, now or later.
    bool is_aged() const { return !is_live() || history_size() != 0; }

  private:
    struct Older {
        int64_t main;
        int32_t sub;
        uint32_t bytes_and_kind;  // the highest bit: a deletion
    };
    // Followed by `capacity` Older.
    struct Side {
        int64_t lease;
        uint32_t size;
        uint32_t capacity;

        Older* older() { return reinterpret_cast<Older*>(this + 1); }
        const Older* older() const { return reinterpret_cast<const Older*>(this + 1); }
    };

    explicit KeyEntry(uint32_t key_bytes) : key_bytes_(key_bytes) {}

    static size_t side_bytes(uint32_t capacity) { return sizeof(Side) + capacity * sizeof(Older); }
    void push_history(IndexMemory& memory);
    void set_lease(int64_t lease, IndexMemory& memory);
    void resize_side(uint32_t capacity, IndexMemory& memory);
    void release_side(IndexMemory& memory);

    int64_t mod_main_ = 0;
    int64_t create_revision_ = 0;
    int64_t version_ = 0;
    Side* side_ = nullptr;  // null: no history and no lease
    int32_t mod_sub_ = 0;
    uint32_t key_bytes_;
    uint32_t record_bytes_ = 0;
    RecentSpot spot_;
};

}  // namespace quorate::mvcc
