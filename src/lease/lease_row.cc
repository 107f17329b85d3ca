// SPDX-License-Identifier: Apache-2.0
#include "lease/lease_row.h"

#include "lease/lessor.h"
#include "storage/schema.h"

namespace quorate::lease {
namespace {

constexpr char kRowVersion = 1;
constexpr size_t kRowBytes = 1 + 8 + 8;

}  // namespace

Bytes lease_row_key(int64_t id) {
    return storage::id_key(storage::Table::kLeases, static_cast<uint64_t>(id));
}

Bytes encode_lease_row(const LeaseRow& row) {
    Bytes out(1, kRowVersion);
    append_be64(out, static_cast<uint64_t>(row.ttl_seconds));
    append_be64(out, static_cast<uint64_t>(row.checkpoint_seconds));
    return out;
}

std::optional<LeaseRow> decode_lease_row(ByteView value) {
    if (value.size() != kRowBytes || value[0] != kRowVersion) {
        return std::nullopt;
    }
    const LeaseRow row{static_cast<int64_t>(load_be64(value.data() + 1)),
                       static_cast<int64_t>(load_be64(value.data() + 9))};
    const bool sane = row.ttl_seconds > 0 && row.ttl_seconds <= kTtlMaxSeconds &&
                      row.checkpoint_seconds >= 0 && row.checkpoint_seconds <= row.ttl_seconds;
    return sane ? std::optional(row) : std::nullopt;
}

}  // namespace quorate::lease
