// SPDX-License-Identifier: Apache-2.0
//
// Checksums of a file's pages, kept in our own bucket at its end. bbolt has none, and a SHA-256
// says that something is wrong but not where. They are looked at when the SHA-256 does not fit and
// only then: a file that etcd has written to has stale ones. Memory: at most kSumsMax numbers; in
// larger files one checksum is over several pages. One thread at a time.
#pragma once

#include "base/bytes.h"
#include "snapshot/bbolt.h"
#include "snapshot/tables.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::snapshot {

class PageChecksums {
  public:
    static constexpr size_t kSumsMax = size_t{1} << 20;

    // For pages 0 .. page_count - 1.
    PageChecksums(bbolt::PageId page_count, size_t page_bytes);

    // The next page's bytes; those behind page_count are ignored.
    void add(ByteView page);
    // As rows of the bucket, sorted. Their sizes are right before any page was added.
    std::vector<Row> rows() const;

  private:
    const bbolt::PageId page_count_;
    const size_t page_bytes_;
    const uint64_t pages_per_sum_;
    bbolt::PageId added_ = 0;
    std::vector<uint32_t> sums_;
};

// A row of the bucket, read back: checksums of pages from `first` on, each over `pages_per_sum`.
struct ChecksumRow {
    bbolt::PageId first = 0;
    uint64_t pages_per_sum = 0;
    bbolt::PageId page_count = 0;  // of all rows
    std::vector<uint32_t> sums;
};
// Nothing for another row, or a changed one.
std::optional<ChecksumRow> decode_checksum_row(const BucketRow& row);

}  // namespace quorate::snapshot
