// SPDX-License-Identifier: Apache-2.0
#include "mvcc/index_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <new>
#include <utility>

namespace quorate::mvcc {

namespace {

constexpr size_t kHugePageBytes = size_t{2} << 20;
// A small store should not take a huge page: the first blocks are smaller.
constexpr size_t kFirstBlockBytes = size_t{64} << 10;

// Under the address sanitizer every entry is an allocation of its own, so that it can watch them.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPools = false;
#else
constexpr bool kPools = true;
#endif

size_t round_up(size_t bytes, size_t step) {
    return (bytes + step - 1) / step * step;
}

}  // namespace

void IndexMemory::BlockDeleter::operator()(char* block) const {
    ::operator delete[](block, std::align_val_t(kHugePageBytes));
}

void* IndexMemory::allocate(size_t bytes) {
    const size_t rounded = round_up(bytes, kStep);
    if (!kPools || rounded > kPooledMax) {
        return ::operator new(bytes);
    }
    Free*& first = free_[rounded / kStep];
    if (first != nullptr) {
        return std::exchange(first, first->next);
    }
    if (left_ < rounded) {
        add_block();
    }
    left_ -= rounded;
    return std::exchange(next_, next_ + rounded);
}

void IndexMemory::release(void* memory, size_t bytes) {
    const size_t rounded = round_up(bytes, kStep);
    if (!kPools || rounded > kPooledMax) {
        ::operator delete(memory);
        return;
    }
    Free*& first = free_[rounded / kStep];
    first = new (memory) Free{first};
}

// What is left of the last block, less than the largest pooled size, stays unused.
void IndexMemory::add_block() {
    const size_t bytes = std::clamp(block_bytes_, kFirstBlockBytes, kHugePageBytes);
    blocks_.emplace_back(new (std::align_val_t(kHugePageBytes)) char[bytes]);
    next_ = blocks_.back().get();
    left_ = bytes;
    block_bytes_ += bytes;
    if (bytes == kHugePageBytes) {
        // Only advice: without huge pages everything works, slower.
        (void)::madvise(next_, bytes, MADV_HUGEPAGE);
    }
}

}  // namespace quorate::mvcc
