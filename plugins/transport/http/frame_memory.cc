// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/frame_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>

namespace quorate::http {
namespace {

FrameMemory& of(void* self) {
    return *static_cast<FrameMemory*>(self);
}

void* nghttp2_malloc(size_t size, void* self) {
    return of(self).allocate(size);
}

void nghttp2_free(void* memory, void* self) {
    of(self).release(memory);
}

void* nghttp2_calloc(size_t count, size_t size, void*) {
    return std::calloc(count, size);
}

void* nghttp2_realloc(void* memory, size_t size, void* self) {
    return of(self).resize(memory, size);
}

}  // namespace

FrameMemory::FrameMemory()
    : allocator_{this, nghttp2_malloc, nghttp2_free, nghttp2_calloc, nghttp2_realloc} {}

FrameMemory::~FrameMemory() {
    for (char* slab : slabs_) {
        ::munmap(slab, kSlabBytes);
    }
}

void* FrameMemory::allocate(size_t size) {
    const bool buffer = size >= kBufferBytesMin && size <= kBufferBytesMax;
    if (!buffer || (free_.empty() && !add_slab())) {
        return std::malloc(size);
    }
    char* const memory = free_.back();
    free_.pop_back();
    ++buffers_;
    return memory;
}

void FrameMemory::release(void* memory) {
    if (!owns(memory)) {
        std::free(memory);
        return;
    }
    ::madvise(memory, kBufferBytesMax, MADV_DONTNEED);
    free_.push_back(static_cast<char*>(memory));
    --buffers_;
}

void* FrameMemory::resize(void* memory, size_t size) {
    if (memory == nullptr) {
        return allocate(size);  // which is how nghttp2 asks for its buffers
    }
    if (!owns(memory)) {
        return std::realloc(memory, size);
    }
    void* const moved = std::malloc(size);
    if (moved != nullptr) {
        std::memcpy(moved, memory, std::min(size, kBufferBytesMax));
        release(memory);
    }
    return moved;
}

// Few of the heap's pieces begin with a page, so few are looked for.
bool FrameMemory::owns(const void* memory) const {
    if (memory == nullptr || reinterpret_cast<uintptr_t>(memory) % kPageBytes != 0) {
        return false;
    }
    const auto* const bytes = static_cast<const char*>(memory);
    const auto above = std::upper_bound(slabs_.begin(), slabs_.end(), bytes, std::less<>());
    return above != slabs_.begin() && bytes < *(above - 1) + kSlabBytes;
}

bool FrameMemory::add_slab() {
    void* const mapped = ::mmap(nullptr, kSlabBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return false;
    }
    // One large page would be resident as a whole.
    ::madvise(mapped, kSlabBytes, MADV_NOHUGEPAGE);
    char* const slab = static_cast<char*>(mapped);
    slabs_.insert(std::upper_bound(slabs_.begin(), slabs_.end(), slab, std::less<>()), slab);
    // So many may come back at once.
    free_.reserve(slabs_.size() * kSlabBuffers);
    for (size_t i = kSlabBuffers; i > 0; --i) {
        free_.push_back(slab + (i - 1) * kBufferBytesMax);
    }
    return true;
}

}  // namespace quorate::http
