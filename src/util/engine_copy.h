// SPDX-License-Identifier: Apache-2.0
//
// All rows of one storage engine into another that is empty. One thread, no other writer.
#pragma once

#include "base/status.h"
#include "storage/backend.h"

#include <cstddef>
#include <cstdint>

namespace quorate::util {

struct CopyReport {
    uint64_t rows = 0;
    uint64_t bytes = 0;  // of keys and values
    uint32_t hash = 0;   // CRC-32C over all keys and values
};

// Batches are `batch_bytes_max` and one row at most; all is synced at the end. What has arrived is
// read again and compared by its hash: errors::kDamaged when it is not the same.
Result<CopyReport> copy_engine(storage::Backend& from, storage::Backend& to,
                               size_t batch_bytes_max = 4 << 20);

// Walks all rows.
Result<CopyReport> sum_engine(storage::Backend& engine);

}  // namespace quorate::util
