// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/options.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

namespace quorate::http {
namespace {

using plugin::Status;

struct Row {
    std::string_view key;
    uint64_t Options::*member;
    uint64_t min;
    uint64_t max;
};

constexpr uint64_t kDay = 24ULL * 3600 * 1000;
constexpr uint64_t kGiB = 1024ULL * 1024 * 1024;

constexpr Row kRows[] = {
    {"threads", &Options::threads, 1, 256},
    {"poll_us", &Options::poll_us, 0, 1000},
    {"max_receive_bytes", &Options::max_receive_bytes, 1, 2 * kGiB},
    {"max_http_body_bytes", &Options::max_http_body_bytes, 0, 2 * kGiB},
    {"max_header_bytes", &Options::max_header_bytes, 1024, 60 * 1024},
    {"max_http_header_bytes", &Options::max_http_header_bytes, 1024, 1024 * 1024},
    {"connection_receive_bytes", &Options::connection_receive_bytes, 1, 16 * kGiB},
    {"max_connections", &Options::max_connections, 1, 10000000},
    {"max_handshakes", &Options::max_handshakes, 1, 1000000},
    {"max_concurrent_streams", &Options::max_concurrent_streams, 0, UINT32_MAX},
    {"max_streams_per_connection", &Options::max_streams_per_connection, 1, UINT32_MAX},
    {"send_buffer_bytes", &Options::send_buffer_bytes, 1, 2 * kGiB},
    {"connection_send_bytes", &Options::connection_send_bytes, 1, 1024 * kGiB},
    {"stream_window_bytes", &Options::stream_window_bytes, 65535, INT32_MAX},
    {"connection_window_bytes", &Options::connection_window_bytes, 65535, INT32_MAX},
    {"keepalive_interval", &Options::keepalive_interval, 0, 365 * kDay},
    {"keepalive_timeout", &Options::keepalive_timeout, 1, kDay},
    {"keepalive_min_time", &Options::keepalive_min_time, 0, kDay},
    {"keepalive_permit_without_stream", &Options::keepalive_permit_without_stream, 0, 1},
    {"reset_burst", &Options::reset_burst, 1, UINT32_MAX},
    {"reset_rate", &Options::reset_rate, 1, UINT32_MAX},
    {"send_timeout", &Options::send_timeout, 1, kDay},
    {"handshake_timeout", &Options::handshake_timeout, 1, kDay},
    {"header_timeout", &Options::header_timeout, 1, kDay},
    {"idle_timeout", &Options::idle_timeout, 1, 365 * kDay},
    {"reuse_port", &Options::reuse_port, 0, 1},
    {"tls_check_interval", &Options::tls_check_interval, 10, kDay},
};

std::string allowed_keys() {
    std::string text;
    for (const Row& row : kRows) {
        text += text.empty() ? "" : " ";
        text += row.key;
    }
    return text;
}

const Row* find_row(std::string_view key) {
    for (const Row& row : kRows) {
        if (row.key == key) {
            return &row;
        }
    }
    return nullptr;
}

}  // namespace

Status Options::parse(const quorate_option* options, size_t option_count) {
    for (size_t i = 0; i < option_count; ++i) {
        const std::string_view key = plugin::view(options[i].key);
        const std::string_view value = plugin::view(options[i].value);
        const Row* row = find_row(key);
        if (row == nullptr) {
            return {QUORATE_INVALID_ARGUMENT,
                    "unknown option \"" + std::string(key) +
                        "\" of transport http; allowed: " + allowed_keys()};
        }
        uint64_t number = 0;
        const auto parsed = std::from_chars(value.data(), value.data() + value.size(), number);
        const bool whole = parsed.ec == std::errc() && parsed.ptr == value.data() + value.size();
        if (!whole || number < row->min || number > row->max) {
            return {QUORATE_INVALID_ARGUMENT,
                    "option " + std::string(key) + " of transport http is \"" + std::string(value) +
                        "\", but must be an integer from " + std::to_string(row->min) + " to " +
                        std::to_string(row->max)};
        }
        this->*row->member = number;
    }
    connection_receive_bytes = std::max(connection_receive_bytes, max_receive_bytes);
    return {};
}

}  // namespace quorate::http
