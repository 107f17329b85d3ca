// SPDX-License-Identifier: Apache-2.0
//
// The seam between the core and a storage engine: one flat ordered key space, atomic batches,
// stable views. What an engine promises is in plugin/abi/storage.h; this is the same in the core's
// types. Errors: errors::kIo, errors::kDiskFull, errors::kDamaged with the engine's own text.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace quorate::storage {

// Borrowed until the next call on the cursor that gave it.
struct Pair {
    ByteView key;
    ByteView value;
};

class Cursor {
  public:
    virtual ~Cursor() = default;
    // The next pair, or nothing at the end.
    virtual Result<std::optional<Pair>> next() = 0;
};

// Keys lo <= key < hi; an empty hi is no bound.
struct KeyRange {
    ByteView lo;
    ByteView hi;
};

enum class Direction : uint8_t { kForward, kReverse };

// The store at one moment. One thread at a time; close it soon.
class View {
  public:
    virtual ~View() = default;
    virtual Result<std::optional<Bytes>> get(ByteView key) = 0;
    virtual Result<std::unique_ptr<Cursor>> scan(const KeyRange& range, Direction direction) = 0;
};

// One atomic batch. Copies what it is given; the operations happen in the order they were added.
class WriteBatch {
  public:
    enum class Kind : uint8_t { kPut, kDelete, kDeleteRange };
    struct Op {
        Kind kind;
        ByteView key;    // kDeleteRange: lo
        ByteView value;  // kDeleteRange: hi, empty = no bound
    };

    void put(ByteView key, ByteView value) { add(Kind::kPut, key, value); }
    void erase(ByteView key) { add(Kind::kDelete, key, {}); }
    void erase_range(const KeyRange& range) { add(Kind::kDeleteRange, range.lo, range.hi); }
    void append(const WriteBatch& other);  // behind what is here
    void clear();
    bool empty() const { return marks_.empty(); }
    size_t op_count() const { return marks_.size(); }
    size_t bytes() const { return data_.size(); }  // of keys and values
    // What the batch takes in memory, about.
    size_t memory_bytes() const { return data_.size() + marks_.size() * sizeof(Mark); }
    std::vector<Op> ops() const;  // borrowed from the batch

  private:
    struct Mark {
        Kind kind;
        uint32_t key_bytes;
        uint64_t value_bytes;
    };
    void add(Kind kind, ByteView key, ByteView value);

    Bytes data_;
    std::vector<Mark> marks_;
};

struct Stats {
    uint64_t disk_bytes;
    uint64_t live_bytes;
};

enum class Durability : uint8_t {
    kBuffered,  // may be lost in a crash, with all that came after it
    kSynced,
};

class Backend {
  public:
    virtual ~Backend() = default;
    virtual Result<std::unique_ptr<View>> view() = 0;                          // any thread
    virtual Status write(const WriteBatch& batch, Durability durability) = 0;  // one writer thread
    virtual Status sync() = 0;                                                 // one writer thread
    virtual Result<Stats> stats() const = 0;                                   // any thread
    // Gives back the space of deleted keys; reads and writes go on meanwhile. Any thread.
    virtual Status compact(const KeyRange& range) = 0;
};

}  // namespace quorate::storage
