// SPDX-License-Identifier: Apache-2.0
//
// FrameMemory: what nghttp2 allocates for the sessions of one loop. Each session takes a buffer of
// 16 KiB for its frames, of which one that is idle touches the first page. From the heap that
// buffer would be memory which others, such as TLS handshakes, have touched before, so all of it
// would be resident; from here it is pages that nobody has touched, and that go back to the system
// when the session ends. Everything else comes from the heap. The loop's thread.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <vector>

namespace quorate::http {

class FrameMemory {
  public:
    static constexpr size_t kPageBytes = 4096;
    // Allocations of this size are buffers for frames.
    static constexpr size_t kBufferBytesMin = 16 * 1024;
    static constexpr size_t kBufferBytesMax = 20 * 1024;

    FrameMemory();
    ~FrameMemory();
    FrameMemory(const FrameMemory&) = delete;
    FrameMemory& operator=(const FrameMemory&) = delete;

    // For nghttp2_session_*_new3. Sessions end before this does.
    nghttp2_mem* allocator() { return &allocator_; }

    // Null when memory is out.
    void* allocate(size_t size);
    void release(void* memory);
    void* resize(void* memory, size_t size);

    // Buffers for frames in use.
    size_t buffers() const { return buffers_; }

  private:
    static constexpr size_t kSlabBuffers = 64;
    static constexpr size_t kSlabBytes = kSlabBuffers * kBufferBytesMax;

    bool owns(const void* memory) const;
    bool add_slab();

    nghttp2_mem allocator_;
    std::vector<char*> slabs_;  // in order of their addresses
    std::vector<char*> free_;
    size_t buffers_ = 0;
};

}  // namespace quorate::http
