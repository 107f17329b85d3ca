// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/grpc_timeout.h"

#include "plugins/transport/http/grpc_status.h"

#include <algorithm>

namespace quorate::http {
namespace {

constexpr size_t kDigitsMax = 8;

// How one unit relates to a millisecond; exactly one of the two is 1.
struct Unit {
    int64_t multiply;
    int64_t divide;
};

std::optional<Unit> unit_of(char c) {
    switch (c) {
        case 'H':
            return Unit{3600 * 1000, 1};
        case 'M':
            return Unit{60 * 1000, 1};
        case 'S':
            return Unit{1000, 1};
        case 'm':
            return Unit{1, 1};
        case 'u':
            return Unit{1, 1000};
        case 'n':
            return Unit{1, 1000 * 1000};
        default:
            return std::nullopt;
    }
}

}  // namespace

std::optional<int64_t> parse_grpc_timeout(std::string_view text) {
    if (text.size() < 2 || text.size() > kDigitsMax + 1) {
        return std::nullopt;
    }
    const std::optional<Unit> unit = unit_of(text.back());
    if (!unit) {
        return std::nullopt;
    }
    int64_t amount = 0;
    for (const char c : text.substr(0, text.size() - 1)) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        amount = amount * 10 + (c - '0');
    }
    if (text.back() == 'n' && amount < 1000) {
        return 0;
    }
    return (amount * unit->multiply + unit->divide - 1) / unit->divide;
}

std::string format_grpc_timeout(int64_t ms) {
    constexpr int64_t kNumberMax = 99999999;
    ms = std::max<int64_t>(ms, 1);
    if (ms <= kNumberMax) {
        return std::to_string(ms) + "m";
    }
    // Rounded up: our own timer ends the call in time.
    const int64_t seconds = (ms + 999) / 1000;
    if (seconds <= kNumberMax) {
        return std::to_string(seconds) + "S";
    }
    return std::to_string(std::min((seconds + 3599) / 3600, kNumberMax)) + "H";
}

std::string grpc_timeout_error(std::string_view text) {
    const std::string quoted = go_quote(text);
    if (text.size() < 2) {
        return "malformed grpc-timeout: transport: timeout string is too short: " + quoted;
    }
    if (text.size() > kDigitsMax + 1) {
        return "malformed grpc-timeout: transport: timeout string is too long: " + quoted;
    }
    if (!unit_of(text.back())) {
        return "malformed grpc-timeout: transport: timeout unit is not recognized: " + quoted;
    }
    return "malformed grpc-timeout: strconv.ParseInt: parsing " +
           go_quote(text.substr(0, text.size() - 1)) + ": invalid syntax";
}

}  // namespace quorate::http
