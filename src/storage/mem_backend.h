// SPDX-License-Identifier: Apache-2.0
//
// The built-in engine `mem`: keeps everything in memory and nothing on the disk. Tests and the
// simulator run on it; what it answers depends on what was written and nothing else.
//
// Sorted chunks of entries under one root. A view is the root of its moment; the writer changes in
// place only what was made after the last view was opened, and copies the rest before it touches
// it. So views cost one pointer, readers take no lock, and a write copies at most the chunks it
// touches.
#pragma once

#include "storage/backend.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace quorate::storage {

class MemBackend final : public Backend {
  public:
    struct Options {
        // Keeps a way back to every state since the last sync, for crash().
        bool crashable = false;
    };

    MemBackend() : MemBackend(Options{}) {}
    explicit MemBackend(const Options& options);
    ~MemBackend() override;

    Result<std::unique_ptr<View>> view() override;
    Status write(const WriteBatch& batch, Durability durability) override;
    Status sync() override;
    Result<Stats> stats() const override;
    Status compact(const KeyRange&) override { return {}; }

    // How many writes a power cut could take back now. Crashable stores only.
    size_t unsynced_writes() const;
    // What a power cut does: the newest `lost_writes` of the unsynced writes never happened. Writer
    // thread, no view open.
    void crash(size_t lost_writes);

    void check_invariants() const;

    struct Entry;
    struct Chunk;
    struct Root;

  private:
    Root& own_root();
    Chunk& own_chunk(size_t index);
    void put(ByteView key, ByteView value);
    void erase(ByteView key);
    void erase_range(const KeyRange& range);
    void split(size_t index, size_t at);
    void erase_entries(size_t index, size_t first, size_t last);
    void erase_chunks(size_t first, size_t last);

    const Options options_;
    mutable std::mutex mutex_;  // held for a whole write, so that no view sees half of one
    // Shared with the views; changed only while generation says that none can hold it.
    std::shared_ptr<Root> root_;
    uint64_t generation_ = 1;                      // one up with every root that is handed out
    std::vector<std::shared_ptr<Root>> unsynced_;  // the roots before each unsynced write
};

}  // namespace quorate::storage
