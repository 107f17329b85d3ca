// SPDX-License-Identifier: Apache-2.0
//
// Target: where a channel connects to and how. Immutable; shared by the channel, its connections
// and their sessions, of which any may be the last.
#pragma once

#include "plugins/transport/http/keepalive.h"
#include "plugins/transport/http/resolver.h"
#include "plugins/transport/http/service.h"
#include "plugins/transport/http/tls.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace quorate::http {

struct Target {
    std::string host;
    uint16_t port = 0;
    std::string address;                   // host:port, for texts and the :authority header
    std::optional<Address> local_address;  // that connections come from
    int64_t connect_timeout_ms = 0;
    Keepalive::Times keepalive{};
    uint64_t send_buffer_bytes = 0;
    ReceiveLimits limits;
    std::shared_ptr<const TlsSource> tls;  // null: plain text
    std::string server_name;               // what the server's certificate must be for
};

}  // namespace quorate::http
