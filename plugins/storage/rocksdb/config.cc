// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "plugin/cxx/options.h"

#include <string>

namespace quorate::rocksdb_engine {

namespace {

rocksdb::CompressionType compression_type(const std::string& name) {
    if (name == "lz4") {
        return rocksdb::kLZ4Compression;
    }
    if (name == "zstd") {
        return rocksdb::kZSTD;
    }
    return name == "snappy" ? rocksdb::kSnappyCompression : rocksdb::kNoCompression;
}

}  // namespace

plugin::Result<Config> read_config(const quorate_option* options, size_t count) {
    constexpr uint64_t kKiB = 1 << 10;
    constexpr uint64_t kMiB = 1 << 20;
    constexpr uint64_t kGiB = 1 << 30;
    plugin::OptionReader reader(options, count);
    Config config{};
    config.cache_bytes = reader.bytes("cache_bytes", 32 * kMiB, {0, 1024 * kGiB});
    config.write_buffer_bytes = reader.bytes("write_buffer_bytes", 16 * kMiB, {64 * kKiB, kGiB});
    config.block_bytes = reader.bytes("block_bytes", 8 * kKiB, {kKiB, 4 * kMiB});
    config.table_bytes = reader.bytes("table_bytes", 32 * kMiB, {64 * kKiB, 4 * kGiB});
    config.max_open_files =
        static_cast<int>(reader.number("max_open_files", 1000, {74, 1'000'000}));
    config.compression =
        compression_type(reader.choice("compression", "lz4", {"lz4", "zstd", "snappy", "none"}));
    // The core asks for revisions that it knows to exist, so a filter would only cost memory.
    config.bloom_bits = static_cast<int>(reader.number("bloom_bits", 0, {0, 64}));
    config.background_jobs = static_cast<int>(reader.number("background_jobs", 2, {1, 64}));
    if (plugin::Status s = reader.finish(); !s.ok()) {
        return s;
    }
    return config;
}

}  // namespace quorate::rocksdb_engine
