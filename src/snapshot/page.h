// SPDX-License-Identifier: Apache-2.0
//
// Page: one node of a B+ tree as it was read, after every number in it was checked against the
// bytes that are there. Value, any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "snapshot/bbolt.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate::snapshot {

class Page {
  public:
    // `bytes` is the whole node with its header and what pads its last page. The error's detail
    // says what is wrong and not where. errors::kDamaged.
    static Result<Page> parse(Bytes bytes);

    bool is_leaf() const { return leaf_; }
    size_t count() const { return count_; }
    // Borrowed from the page.
    ByteView key(size_t i) const;
    ByteView value(size_t i) const;       // leaf
    uint32_t flags(size_t i) const;       // leaf
    bbolt::PageId child(size_t i) const;  // branch

  private:
    Page(Bytes bytes, bool leaf, size_t count)
        : bytes_(std::move(bytes)), leaf_(leaf), count_(count) {}
    ByteView element(size_t i) const;
    Status check() const;

    Bytes bytes_;
    bool leaf_;
    size_t count_;
};

}  // namespace quorate::snapshot
