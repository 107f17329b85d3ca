// SPDX-License-Identifier: Apache-2.0
#include "host_logger.h"

#include "plugin/cxx/barrier.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace quorate::rocksdb_engine {

namespace {

// RocksDB warns of things that it mends by itself, and an error reaches the core as a Status too.
int32_t host_level(rocksdb::InfoLogLevel level) {
    return level == rocksdb::InfoLogLevel::ERROR_LEVEL ||
                   level == rocksdb::InfoLogLevel::FATAL_LEVEL
               ? QUORATE_LOG_WARN
               : QUORATE_LOG_DEBUG;
}

}  // namespace

void HostLogger::Logv(const char* format, std::va_list arguments) {
    Logv(rocksdb::InfoLogLevel::INFO_LEVEL, format, arguments);
}

void HostLogger::Logv(rocksdb::InfoLogLevel level, const char* format, std::va_list arguments) {
    if (level < GetInfoLogLevel()) {
        return;
    }
    char text[512];
    const int length = std::vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) {
        return;
    }
    std::string_view line(text, std::min(static_cast<size_t>(length), sizeof text - 1));
    while (line.ends_with('\n')) {
        line.remove_suffix(1);
    }
    const quorate_log_field field = {plugin::bytes("text"), plugin::bytes(line)};
    host_.log(host_.ctx, host_level(level), plugin::bytes("rocksdb"), &field, 1);
}

}  // namespace quorate::rocksdb_engine
