// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/service.h"

#include <algorithm>
#include <string>

namespace quorate::http {
namespace {

using plugin::Status;

constexpr uint64_t kMessageBytesMax = 2ULL * 1024 * 1024 * 1024;
constexpr uint64_t kWindowBytesMin = 65535;
constexpr uint64_t kWindowBytesMax = INT32_MAX;

Status check(const char* name, uint64_t number, uint64_t min, uint64_t max) {
    if (number >= min && number <= max) {
        return {};
    }
    return {QUORATE_INVALID_ARGUMENT, std::string(name) + " is " + std::to_string(number) +
                                          ", but must be from " + std::to_string(min) + " to " +
                                          std::to_string(max)};
}

}  // namespace

Status ReceiveLimits::make(const Options& options, uint64_t message_bytes_max,
                           uint32_t stream_window_bytes, uint32_t connection_window_bytes,
                           ReceiveLimits& ret_limits) {
    const auto given = [](uint64_t number, uint64_t fallback) {
        return number != 0 ? number : fallback;
    };
    const uint64_t message = given(message_bytes_max, options.max_receive_bytes);
    const uint64_t stream = given(stream_window_bytes, options.stream_window_bytes);
    const uint64_t connection = given(connection_window_bytes, options.connection_window_bytes);
    if (Status s = check("receive_bytes_max", message, 1, kMessageBytesMax); !s.ok()) {
        return s;
    }
    if (Status s = check("stream_window_bytes", stream, kWindowBytesMin, kWindowBytesMax);
        !s.ok()) {
        return s;
    }
    if (Status s = check("connection_window_bytes", connection, kWindowBytesMin, kWindowBytesMax);
        !s.ok()) {
        return s;
    }
    ret_limits = {message, std::max(message, options.connection_receive_bytes),
                  static_cast<uint32_t>(stream), static_cast<uint32_t>(connection)};
    return {};
}

}  // namespace quorate::http
