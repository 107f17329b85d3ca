// SPDX-License-Identifier: Apache-2.0
//
// OutQueue: the bytes of one call that wait for the socket. Small pieces are gathered in one block,
// large ones keep the block they came in. A drained queue keeps at most one small block.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::http {

class OutQueue {
  public:
    bool empty() const { return size_ == 0; }
    size_t size() const { return size_; }

    void append(std::string_view bytes);
    void append(std::string&& block);
    // The first bytes that lie together; empty only when the queue is.
    std::string_view front() const;
    // `count` is at most size().
    void consume(size_t count);
    // Drops all but the first `count` bytes.
    void truncate(size_t count);

  private:
    std::vector<std::string> blocks_;
    size_t first_ = 0;   // blocks before it are used up
    size_t offset_ = 0;  // used up of blocks_[first_]
    size_t size_ = 0;
};

}  // namespace quorate::http
