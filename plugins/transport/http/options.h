// SPDX-License-Identifier: Apache-2.0
//
// The options of the plugin's section in the config file. One table (options.cc) holds their names,
// bounds and defaults; a key that is not in it is refused by name. Times are milliseconds
// where their name does not say otherwise.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/barrier.h"

#include <cstddef>
#include <cstdint>

namespace quorate::http {

struct Options {
    uint64_t threads = 1;
    uint64_t poll_us = 60;  // see poll_window.h; 0: never

    // Sizes of what one peer may send.
    uint64_t max_receive_bytes = 1572864 + 524288;    // one gRPC message
    uint64_t max_http_body_bytes = 1572864 + 524288;  // one HTTP request body
    uint64_t max_header_bytes = 16384;       // one HTTP/2 header list, as RFC 9113 counts it
    uint64_t max_http_header_bytes = 65536;  // one HTTP/1 header block
    // Half-sent messages of one connection; raised to one whole message where it is less.
    uint64_t connection_receive_bytes = 64 * 1024 * 1024;

    // Numbers of things.
    uint64_t max_connections = 65536;              // per listener
    uint64_t max_handshakes = 1024;                // per listener; beyond it the oldest makes room
    uint64_t max_concurrent_streams = UINT32_MAX;  // what SETTINGS advertises
    uint64_t max_streams_per_connection = 100000;  // beyond it a stream is refused

    // Answers that the peer does not take.
    uint64_t send_buffer_bytes = 1024 * 1024;            // per call; send says busy beyond it
    uint64_t connection_send_bytes = 256 * 1024 * 1024;  // beyond it new calls are refused

    // HTTP/2 flow control.
    uint64_t stream_window_bytes = 65535;
    uint64_t connection_window_bytes = 1024 * 1024;

    // HTTP/2 keepalive, as in grpc-go.
    uint64_t keepalive_interval = 7200000;  // 0: never
    uint64_t keepalive_timeout = 20000;
    uint64_t keepalive_min_time = 5000;
    uint64_t keepalive_permit_without_stream = 0;

    // Streams that a peer opens and drops (CVE-2023-44487): a bucket of `burst`, refilled per
    // second.
    uint64_t reset_burst = 10000;
    uint64_t reset_rate = 1000;

    uint64_t send_timeout = 300000;  // a peer that takes no byte for so long is dropped
    uint64_t handshake_timeout = 10000;
    uint64_t header_timeout = 300000;
    uint64_t idle_timeout = 300000;  // HTTP/1 connections between requests

    uint64_t tls_check_interval = 2000;  // how often TLS files are looked at
    uint64_t reuse_port = 0;             // 1: other processes may listen on our addresses as well

    // Leaves `*this` half-changed on failure.
    plugin::Status parse(const quorate_option* options, size_t option_count);
};

}  // namespace quorate::http
