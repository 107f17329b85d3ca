// SPDX-License-Identifier: Apache-2.0
//
// A row of the lease table: a version byte, then TTL and checkpointed remaining time, big endian.
// Its key is the table's byte and the lease's id. Pure functions, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <optional>

namespace quorate::lease {

struct LeaseRow {
    int64_t ttl_seconds = 0;
    int64_t checkpoint_seconds = 0;  // remaining time that went through the log; 0: none
};

Bytes lease_row_key(int64_t id);
Bytes encode_lease_row(const LeaseRow& row);
// Nothing for bytes that are no row, or hold times that no lease can have.
std::optional<LeaseRow> decode_lease_row(ByteView value);

}  // namespace quorate::lease
