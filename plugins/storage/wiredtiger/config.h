// SPDX-License-Identifier: Apache-2.0
//
// The options of the wiredtiger engine. Start-stop thread.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/result.h"

#include <cstddef>
#include <cstdint>

namespace quorate::wiredtiger_engine {

struct Config {
    uint64_t
        cache_bytes;      // of pages, clean and dirty; all memory of the engine but for its threads
    uint64_t page_bytes;  // of a leaf on the disk: unit of reads and checksums
    uint64_t views_max;   // open at a time
    uint64_t eviction_threads;
    bool compress;
};

// Refuses what is unknown or out of bounds, by name.
plugin::Result<Config> read_config(const quorate_option* options, size_t count);

}  // namespace quorate::wiredtiger_engine
