// SPDX-License-Identifier: Apache-2.0
#include "snapshot/damage.h"

#include "base/crc32c.h"
#include "snapshot/buckets.h"
#include "snapshot/checksums.h"

#include <algorithm>
#include <optional>

namespace quorate::snapshot {
namespace {

// The first pages of the row whose checksum does not fit.
std::optional<std::string> compare(const PageFile& file, const ChecksumRow& row) {
    const size_t page_bytes = file.meta().page_bytes;
    const bbolt::PageId count = std::min(row.page_count, file.meta().page_count);
    bbolt::PageId page = row.first;
    for (const uint32_t sum : row.sums) {
        if (page >= count) {
            return std::nullopt;
        }
        const bbolt::PageId first = page;
        const bbolt::PageId end = page + std::min(row.pages_per_sum, count - page);
        uint32_t found = 0;
        for (; page < end; ++page) {
            const auto bytes = file.read_bytes(page * page_bytes, page_bytes);
            if (!bytes) {
                return std::nullopt;
            }
            found = crc32c_extend(found, *bytes);
        }
        if (found != sum) {
            return end - first == 1 ? "page " + std::to_string(first) + " was changed"
                                    : "one of the pages " + std::to_string(first) + " to " +
                                          std::to_string(end - 1) + " was changed";
        }
    }
    return std::nullopt;
}

// Structure tells more than nothing: the first page that can't be walked over.
std::string by_walking(const Reader& reader) {
    const auto walked = reader.status();
    return walked ? std::string() : "; " + std::string(walked.error().detail());
}

}  // namespace

std::string where_damaged(const Reader& reader) {
    auto cursor = reader.scan(buckets::kQuorate);
    if (!cursor) {
        return by_walking(reader);
    }
    while (true) {
        const auto row = cursor->next();
        if (!row || !row->has_value()) {
            return by_walking(reader);
        }
        if (const auto sums = decode_checksum_row(**row)) {
            if (const auto where = compare(reader.file(), *sums)) {
                return "; " + *where;
            }
        }
    }
}

}  // namespace quorate::snapshot
