// SPDX-License-Identifier: Apache-2.0
//
// TreeWriter: rows in key order become the pages of one B+ tree. Pages are full when they leave,
// and leave in the order of their ids, so memory is one page under work per level. Run twice over
// the same rows it lays out the same pages: once to learn their ids, once for their bytes. One
// thread.
#pragma once

#include "base/bytes.h"
#include "snapshot/bbolt.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::snapshot {

// Where pages go: counted alone, or counted and appended to a buffer that somebody empties.
class PageOutput {
  public:
    // `out` null: only count.
    PageOutput(size_t page_bytes, bbolt::PageId first, Bytes* out)
        : page_bytes_(page_bytes), next_(first), out_(out) {}

    size_t page_bytes() const { return page_bytes_; }
    bool counts_only() const { return out_ == nullptr; }
    bbolt::PageId next_page() const { return next_; }
    // A node of `bytes` bytes with its header; `body` is what stands behind the header, empty when
    // only counted. Returns the node's page.
    bbolt::PageId add(uint16_t flags, size_t count, size_t bytes, ByteView body);

  private:
    const size_t page_bytes_;
    bbolt::PageId next_;
    Bytes* const out_;
};

class TreeWriter {
  public:
    explicit TreeWriter(PageOutput& output) : output_(output) {}

    struct Row {
        ByteView key;  // larger than all before
        ByteView value;
        uint32_t flags = 0;
    };
    void add(const Row& row);
    // The tree's root; a tree without rows is one empty leaf. The writer is done then.
    bbolt::PageId finish();

  private:
    // A node under work. Elements and bytes stay apart until their number is known.
    struct Node {
        struct Element {
            uint32_t flags = 0;
            uint32_t key_bytes = 0;
            uint32_t value_bytes = 0;
            bbolt::PageId page = 0;
        };
        std::vector<Element> elements;
        Bytes first_key;
        Bytes data;
        size_t data_bytes = 0;

        size_t bytes_with(size_t row_bytes) const {
            return bbolt::kPageHeaderBytes + (elements.size() + 1) * bbolt::kElementBytes +
                   data_bytes + row_bytes;
        }
    };

    void add_child(size_t level, ByteView first_key, bbolt::PageId page);
    bbolt::PageId flush(size_t level);
    Bytes encode_body(const Node& node, size_t level) const;

    PageOutput& output_;
    std::vector<Node> levels_;  // 0: the leaf
};

}  // namespace quorate::snapshot
