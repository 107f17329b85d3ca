// SPDX-License-Identifier: Apache-2.0
//
// The options of the lmdb engine. Start-stop thread.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/result.h"

#include <cstdint>

namespace quorate::lmdb_engine {

struct Config {
    uint64_t map_bytes;           // the most that the file may grow to; address space, not memory
    uint64_t unsynced_bytes_max;  // the file may grow by so much before it syncs by itself
    uint32_t views_max;           // open at a time
};

// Refuses what is unknown or out of bounds, by name.
plugin::Result<Config> read_config(const quorate_option* options, size_t count);

}  // namespace quorate::lmdb_engine
