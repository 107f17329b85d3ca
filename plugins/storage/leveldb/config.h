// SPDX-License-Identifier: Apache-2.0
//
// The options of the leveldb engine. Start-stop thread.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/result.h"

#include <cstddef>
#include <cstdint>

namespace quorate::leveldb_engine {

struct Config {
    size_t cache_bytes;         // of uncompressed blocks kept for reads
    size_t write_buffer_bytes;  // gathered in memory before a table is written; twice at the peak
    size_t block_bytes;         // unit of reads, compression and checksums
    size_t table_bytes;         // size of a table file
    int max_open_files;
    bool compress;
    int bloom_bits;  // per key; 0: no filter
};

// Refuses what is unknown or out of bounds, by name.
plugin::Result<Config> read_config(const quorate_option* options, size_t count);

}  // namespace quorate::leveldb_engine
