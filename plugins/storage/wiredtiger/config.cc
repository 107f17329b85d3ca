// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "plugin/cxx/options.h"

namespace quorate::wiredtiger_engine {

plugin::Result<Config> read_config(const quorate_option* options, size_t count) {
    constexpr uint64_t kKiB = 1 << 10;
    constexpr uint64_t kMiB = 1 << 20;
    constexpr uint64_t kGiB = 1 << 30;
    plugin::OptionReader reader(options, count);
    Config config{};
    // A batch has to fit in the cache with room to spare.
    config.cache_bytes = reader.bytes("cache_bytes", 64 * kMiB, {16 * kMiB, 1024 * kGiB});
    config.page_bytes = reader.bytes("page_bytes", 16 * kKiB, {4 * kKiB, 16 * kMiB});
    config.views_max = reader.number("views_max", 512, {8, 20'000});
    config.eviction_threads = reader.number("eviction_threads", 1, {1, 20});
    config.compress = reader.choice("compression", "snappy", {"snappy", "none"}) == "snappy";
    if (config.page_bytes % (4 * kKiB) != 0) {
        return plugin::Status(QUORATE_INVALID_ARGUMENT,
                              "option page_bytes: needs a multiple of 4KiB");
    }
    if (plugin::Status s = reader.finish(); !s.ok()) {
        return s;
    }
    return config;
}

}  // namespace quorate::wiredtiger_engine
