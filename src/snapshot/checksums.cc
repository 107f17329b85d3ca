// SPDX-License-Identifier: Apache-2.0
#include "snapshot/checksums.h"

#include "base/assert.h"
#include "base/crc32c.h"

#include <algorithm>

namespace quorate::snapshot {
namespace {

constexpr ByteView kPrefix = "pages/";
constexpr size_t kSumsPerRow = 256;
constexpr size_t kSumBytes = 4;
// Pages per sum and page count, in front of the sums; a checksum of the row itself behind them.
constexpr size_t kHeadBytes = 8 + 8;

void append_le32(Bytes& out, uint32_t value) {
    char raw[kSumBytes];
    store_le32(raw, value);
    out.append(raw, sizeof raw);
}

}  // namespace

PageChecksums::PageChecksums(bbolt::PageId page_count, size_t page_bytes)
    : page_count_(page_count),
      page_bytes_(page_bytes),
      pages_per_sum_((page_count + kSumsMax - 1) / kSumsMax),
      sums_(static_cast<size_t>((page_count + pages_per_sum_ - 1) / pages_per_sum_)) {
    QUORATE_ASSERT(page_count > 0);
}

void PageChecksums::add(ByteView page) {
    QUORATE_ASSERT(page.size() == page_bytes_);
    if (added_ < page_count_) {
        uint32_t& sum = sums_[static_cast<size_t>(added_ / pages_per_sum_)];
        sum = crc32c_extend(sum, page);
        ++added_;
    }
}

std::vector<Row> PageChecksums::rows() const {
    std::vector<Row> rows;
    for (size_t first = 0; first < sums_.size(); first += kSumsPerRow) {
        Row row{Bytes(kPrefix), {}};
        append_be64(row.key, first * pages_per_sum_);
        append_be64(row.value, pages_per_sum_);
        append_be64(row.value, page_count_);
        const size_t end = std::min(first + kSumsPerRow, sums_.size());
        for (size_t i = first; i < end; ++i) {
            append_le32(row.value, sums_[i]);
        }
        append_le32(row.value, crc32c_extend(crc32c(row.key), row.value));
        rows.push_back(std::move(row));
    }
    return rows;
}

std::optional<ChecksumRow> decode_checksum_row(const BucketRow& row) {
    const size_t key_bytes = kPrefix.size() + 8;
    if (row.key.size() != key_bytes || row.key.substr(0, kPrefix.size()) != kPrefix ||
        row.value.size() < kHeadBytes + 2 * kSumBytes || row.value.size() % kSumBytes != 0) {
        return std::nullopt;
    }
    const size_t body_bytes = row.value.size() - kSumBytes;
    const uint32_t own = crc32c_extend(crc32c(row.key), row.value.substr(0, body_bytes));
    if (own != load_le32(row.value.data() + body_bytes)) {
        return std::nullopt;
    }
    ChecksumRow out{.first = load_be64(row.key.data() + kPrefix.size()),
                    .pages_per_sum = load_be64(row.value.data()),
                    .page_count = load_be64(row.value.data() + 8)};
    for (size_t at = kHeadBytes; at < body_bytes; at += kSumBytes) {
        out.sums.push_back(load_le32(row.value.data() + at));
    }
    return out.pages_per_sum > 0 ? std::optional(std::move(out)) : std::nullopt;
}

}  // namespace quorate::snapshot
