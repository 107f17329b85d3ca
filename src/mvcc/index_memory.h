// SPDX-License-Identifier: Apache-2.0
//
// IndexMemory: where the index keeps its nodes and entries: blocks of two megabytes that the system
// is asked to back with huge pages. A lookup among a million keys is a handful of cache misses, and
// with small pages each of them is a miss of the address translation as well, which costs as much
// again. It also saves the allocator's header per entry.
//
// Freed memory is used again for the same size only and goes back to the system with the index, so
// what it holds is bounded by the sum of each size's peak.
// Guarded as the index is: the apply loop alone allocates and frees.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

namespace quorate::mvcc {

class IndexMemory {
  public:
    IndexMemory() = default;
    IndexMemory(const IndexMemory&) = delete;
    IndexMemory& operator=(const IndexMemory&) = delete;

    // Aligned to 16 bytes.
    void* allocate(size_t bytes);
    // `bytes` as given to allocate.
    void release(void* memory, size_t bytes);

    size_t block_bytes() const { return block_bytes_; }

  private:
    static constexpr size_t kStep = 16;
    static constexpr size_t kPooledMax = 1280;  // larger ones are the general allocator's

    struct Free {
        Free* next;
    };
    struct BlockDeleter {
        void operator()(char* block) const;
    };

    void add_block();

    std::vector<std::unique_ptr<char[], BlockDeleter>> blocks_;
    size_t block_bytes_ = 0;  // of all blocks
    char* next_ = nullptr;    // the unused rest of the last block
    size_t left_ = 0;
    std::array<Free*, kPooledMax / kStep + 1> free_{};
};

}  // namespace quorate::mvcc
