// SPDX-License-Identifier: Apache-2.0
//
// The hash that members compare (mvcc/hash.h), of a snapshot file: equal to what HashKV answers
// for the store that the file was taken of. One thread.
#pragma once

#include "base/status.h"
#include "mvcc/store.h"
#include "snapshot/reader.h"

#include <cstdint>

namespace quorate::util {

// Up to `revision`; 0: the newest. Memory: the keys that have records at or before the compact
// revision. errors::kCompacted, kFutureRev, and what the reader says.
Result<mvcc::KeyValueHash> hash_of_file(const snapshot::Reader& reader, int64_t revision);

}  // namespace quorate::util
