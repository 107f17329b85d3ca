// SPDX-License-Identifier: Apache-2.0
//
// Memory that may be written past the page cache: begins and ends on a block. Not thread-safe.
#pragma once

#include "base/assert.h"
#include "base/bytes.h"
#include "base/file.h"

#include <cstdlib>
#include <cstring>
#include <memory>

namespace quorate::wal {

class AlignedBuffer {
  public:
    // Holds at least `bytes` afterwards; the old content is gone when it had to grow.
    void reserve(size_t bytes) {
        if (bytes <= capacity_) {
            return;
        }
        const size_t rounded = (bytes + kDirectBytes - 1) / kDirectBytes * kDirectBytes;
        data_.reset(static_cast<char*>(std::aligned_alloc(kDirectBytes, rounded)));
        QUORATE_ASSERT(data_ != nullptr);
        capacity_ = rounded;
    }
    void release() {
        data_.reset();
        capacity_ = 0;
    }

    char* data() { return data_.get(); }
    size_t capacity() const { return capacity_; }
    ByteView view(size_t bytes) const { return {data_.get(), bytes}; }

  private:
    struct Free {
        void operator()(char* p) const { std::free(p); }  // NOLINT: from aligned_alloc
    };
    std::unique_ptr<char, Free> data_;
    size_t capacity_ = 0;
};

}  // namespace quorate::wal
