// SPDX-License-Identifier: Apache-2.0
#include "host_logger.h"

#include "plugin/cxx/barrier.h"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace quorate::leveldb_engine {

void HostLogger::Logv(const char* format, std::va_list arguments) {
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
    host_.log(host_.ctx, QUORATE_LOG_DEBUG, plugin::bytes("leveldb"), &field, 1);
}

}  // namespace quorate::leveldb_engine
