// SPDX-License-Identifier: Apache-2.0
//
// The options of the rocksdb engine. Start-stop thread.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/result.h"

#include <rocksdb/compression_type.h>

#include <cstddef>
#include <cstdint>

namespace quorate::rocksdb_engine {

struct Config {
    size_t cache_bytes;         // of blocks, indexes and filters kept for reads
    size_t write_buffer_bytes;  // gathered in memory before a table is written; three at the peak
    size_t block_bytes;         // unit of reads, compression and checksums
    size_t table_bytes;         // size of a table file
    int max_open_files;
    rocksdb::CompressionType compression;
    int bloom_bits;       // per key; 0: no filter
    int background_jobs;  // flushes and merges at a time
};

// Refuses what is unknown or out of bounds, by name.
plugin::Result<Config> read_config(const quorate_option* options, size_t count);

}  // namespace quorate::rocksdb_engine
