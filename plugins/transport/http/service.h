// SPDX-License-Identifier: Apache-2.0
//
// Service: what one listener offers and allows. Immutable, shared by the listener's connections.
#pragma once

#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/options.h"

#include <cstdint>

namespace quorate::http {

// What the peer of one HTTP/2 connection may have under way to us.
struct ReceiveLimits {
    uint64_t message_bytes_max = 0;     // one gRPC message
    uint64_t connection_bytes_max = 0;  // half-sent messages together, at least one whole message
    uint32_t stream_window_bytes = 0;
    uint32_t connection_window_bytes = 0;

    // Where a number is 0, the option's holds. The error names the number that is out of bounds.
    static plugin::Status make(const Options& options, uint64_t message_bytes_max,
                               uint32_t stream_window_bytes, uint32_t connection_window_bytes,
                               ReceiveLimits& ret_limits);
};

struct Service {
    uint32_t listener = 0;  // the id that the core knows
    uint32_t serve = 0;     // QUORATE_SERVE_ bits
    bool counted = true;    // its traffic is that of clients, which the statistics count
    ReceiveLimits limits;
    int64_t keepalive_min_time_ms = 0;
};

}  // namespace quorate::http
