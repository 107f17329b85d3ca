// SPDX-License-Identifier: Apache-2.0
#include "base/human_bytes.h"

#include <cmath>
#include <cstddef>
#include <cstdio>

namespace quorate {

std::string human_bytes(uint64_t bytes) {
    constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 10) {
        return std::to_string(bytes) + " B";
    }
    size_t unit = 0;
    double scale = 1;
    while (static_cast<double>(bytes) >= scale * 1000) {
        scale *= 1000;
        ++unit;
    }
    const double value = std::floor(static_cast<double>(bytes) / scale * 10 + 0.5) / 10;
    char text[32];
    std::snprintf(text, sizeof text, value < 10 ? "%.1f %s" : "%.0f %s", value, kUnits[unit]);
    return text;
}

}  // namespace quorate
