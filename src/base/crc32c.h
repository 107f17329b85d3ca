// SPDX-License-Identifier: Apache-2.0
//
// CRC-32C (Castagnoli), the checksum of the log, of snapshots and of HashKV. Any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace quorate {

// `crc` is the result over what came before, 0 at the start.
uint32_t crc32c_extend(uint32_t crc, ByteView data);

inline uint32_t crc32c(ByteView data) {
    return crc32c_extend(0, data);
}

}  // namespace quorate
