// SPDX-License-Identifier: Apache-2.0
//
// The checksums that members compare. hash_key_values gives exactly what etcd's HashKV gives for
// the same history, whatever compaction has removed so far: CRC-32C over the name of etcd's table,
// then over every change up to the revision in revision order, each as etcd's own engine key (main
// and sub with '_' between them, 't' behind a deletion) and the stored record. Of what is at or
// before the compact revision only that counts which is still its key's newest at the hashed
// revision, and no deletion. Any thread; the index is looked at in slices.
#pragma once

#include "base/status.h"
#include "mvcc/store.h"
#include "mvcc/store_state.h"

#include <cstdint>

namespace quorate::mvcc {

Result<KeyValueHash> hash_key_values(const StoreState& state, int64_t revision);
Result<uint32_t> hash_backend(const StoreState& state);

}  // namespace quorate::mvcc
