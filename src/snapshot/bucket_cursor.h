// SPDX-License-Identifier: Apache-2.0
//
// BucketCursor: the rows of one B+ tree in key order, leaf after leaf. Memory is one page per
// level. The file outlives the cursor. errors::kDamaged with the page when the pages are no tree,
// are out of order or can't be read, and what PageFile says.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "snapshot/page.h"
#include "snapshot/page_file.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::snapshot {

// Borrowed until the next call on the cursor.
struct BucketRow {
    ByteView key;
    ByteView value;
    uint32_t flags = 0;
};

class BucketCursor {
  public:
    // Nothing at the end.
    Result<std::optional<BucketRow>> next();

    // A tree without rows.
    explicit BucketCursor(const PageFile& file) : file_(&file) {}
    // The tree that begins at page `root`.
    static Result<BucketCursor> open(const PageFile& file, bbolt::PageId root);
    // The tree that is one leaf, kept inside of a row of the tree of buckets on page `at`.
    static Result<BucketCursor> open_inline(const PageFile& file, bbolt::PageId at, ByteView leaf);

  private:
    struct Level {
        bbolt::PageId id;
        Page page;
        size_t next = 0;
    };

    Status descend(bbolt::PageId id, ByteView lowest_key);

    const PageFile* file_;
    std::vector<Level> levels_;
    uint64_t pages_read_ = 0;
    bool any_ = false;
    Bytes last_key_;
};

}  // namespace quorate::snapshot
