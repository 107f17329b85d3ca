// SPDX-License-Identifier: Apache-2.0
//
// A running hash over all that entries have put into the store, in their order. Members that have
// applied the same entries have the same hash, whatever their engines and however far their
// compactions are; one that differs has applied something else. It costs a checksum per record,
// goes to the engine with the applied index, and travels with snapshots. Thread: apply loop;
// checkpoints() any.
#pragma once

#include "storage/backend.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

namespace quorate::node {

class StateHash {
  public:
    struct Checkpoint {
        uint64_t index = 0;  // of the log
        uint32_t hash = 0;
    };
    // Members compare where they all have looked.
    static constexpr uint64_t kInterval = 256;
    static constexpr size_t kKept = 256;

    explicit StateHash(uint32_t hash) : hash_(hash) {}

    // `batch` has grown by what the entry `index` has put.
    void applied(const storage::WriteBatch& batch, uint64_t index);
    // Brings the hash up to all of `batch`, which is then handed over. Adds the row that a start
    // takes the hash from.
    void close(storage::WriteBatch& batch);

    // By index.
    std::vector<Checkpoint> checkpoints() const;

    // Nothing there is a store from before there were hashes: 0, as in a new one.
    static Result<uint32_t> restore(storage::View& view);

  private:
    void add(const storage::WriteBatch& batch);

    uint32_t hash_;
    size_t added_ops_ = 0;  // of the batch that is being filled
    mutable std::mutex mutex_;
    std::deque<Checkpoint> checkpoints_;
};

}  // namespace quorate::node
