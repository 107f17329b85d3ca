// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/out_queue.h"

#include <algorithm>
#include <utility>

namespace quorate::http {
namespace {

constexpr size_t kBlockBytesMax = 32 * 1024;  // a block is gathered up to here
constexpr size_t kKeptBytes = 4096;
constexpr size_t kUsedBlocksMax = 32;  // for queues that never run empty

}  // namespace

void OutQueue::append(std::string_view bytes) {
    if (bytes.empty()) {
        return;
    }
    // An empty last block is the one kept from before.
    const bool fits = !blocks_.empty() && (blocks_.back().empty() ||
                                           blocks_.back().size() + bytes.size() <= kBlockBytesMax);
    if (fits) {
        blocks_.back().append(bytes);
    } else {
        blocks_.emplace_back(bytes);
    }
    size_ += bytes.size();
}

void OutQueue::append(std::string&& block) {
    if (block.empty()) {
        return;
    }
    if (size_ == 0) {
        blocks_.clear();
    }
    size_ += block.size();
    blocks_.push_back(std::move(block));
}

std::string_view OutQueue::front() const {
    return size_ == 0 ? std::string_view() : std::string_view(blocks_[first_]).substr(offset_);
}

void OutQueue::consume(size_t count) {
    size_ -= count;
    while (count > 0) {
        const size_t step = std::min(count, blocks_[first_].size() - offset_);
        offset_ += step;
        count -= step;
        if (offset_ == blocks_[first_].size() && first_ + 1 < blocks_.size()) {
            blocks_[first_] = std::string();
            ++first_;
            offset_ = 0;
        }
    }
    if (first_ > kUsedBlocksMax && first_ > blocks_.size() / 2) {
        blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<ptrdiff_t>(first_));
        first_ = 0;
    }
    if (size_ != 0) {
        return;
    }
    if (!blocks_.empty()) {
        std::swap(blocks_.front(), blocks_[first_]);
        blocks_.resize(blocks_.front().capacity() <= kKeptBytes ? 1 : 0);
        if (!blocks_.empty()) {
            blocks_.front().clear();
        }
    }
    first_ = 0;
    offset_ = 0;
}

void OutQueue::truncate(size_t count) {
    if (count == 0) {
        consume(size_);
        return;
    }
    size_t kept = 0;
    size_t block = first_;
    for (size_t skip = offset_; kept < count; ++block, skip = 0) {
        const size_t take = std::min(count - kept, blocks_[block].size() - skip);
        blocks_[block].resize(skip + take);
        kept += take;
    }
    blocks_.resize(block);
    size_ = kept;
}

}  // namespace quorate::http
