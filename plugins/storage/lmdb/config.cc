// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "plugin/cxx/options.h"

namespace quorate::lmdb_engine {

plugin::Result<Config> read_config(const quorate_option* options, size_t count) {
    constexpr uint64_t kMiB = 1 << 20;
    constexpr uint64_t kGiB = 1 << 30;
    plugin::OptionReader reader(options, count);
    Config config{};
    // The whole of it is mapped from the start. Growing a map needs a moment without any view,
    // which a long backup would put off; and what is mapped but not in the file costs nothing.
    config.map_bytes = reader.bytes("map_bytes", 256 * kGiB, {16 * kMiB, 16 * 1024 * kGiB});
    config.unsynced_bytes_max = reader.bytes("unsynced_bytes_max", 64 * kMiB, {kMiB, 1024 * kGiB});
    config.views_max = static_cast<uint32_t>(reader.number("views_max", 512, {8, 100'000}));
    if (plugin::Status s = reader.finish(); !s.ok()) {
        return s;
    }
    return config;
}

}  // namespace quorate::lmdb_engine
