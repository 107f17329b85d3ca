// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "plugin/cxx/options.h"

namespace quorate::leveldb_engine {

plugin::Result<Config> read_config(const quorate_option* options, size_t count) {
    constexpr uint64_t kKiB = 1 << 10;
    constexpr uint64_t kMiB = 1 << 20;
    constexpr uint64_t kGiB = 1 << 30;
    plugin::OptionReader reader(options, count);
    Config config{};
    config.cache_bytes = reader.bytes("cache_bytes", 32 * kMiB, {0, 1024 * kGiB});
    // One write buffer is one run of level 0: larger ones mean fewer merges and a longer restart.
    config.write_buffer_bytes = reader.bytes("write_buffer_bytes", 16 * kMiB, {64 * kKiB, kGiB});
    config.block_bytes = reader.bytes("block_bytes", 4 * kKiB, {kKiB, 4 * kMiB});
    config.table_bytes = reader.bytes("table_bytes", 8 * kMiB, {kMiB, kGiB});
    config.max_open_files =
        static_cast<int>(reader.number("max_open_files", 1000, {74, 1'000'000}));
    config.compress = reader.choice("compression", "snappy", {"snappy", "none"}) == "snappy";
    // The core asks for revisions that it knows to exist, so a filter would only cost memory.
    config.bloom_bits = static_cast<int>(reader.number("bloom_bits", 0, {0, 64}));
    if (plugin::Status s = reader.finish(); !s.ok()) {
        return s;
    }
    return config;
}

}  // namespace quorate::leveldb_engine
