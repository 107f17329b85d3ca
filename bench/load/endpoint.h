// SPDX-License-Identifier: Apache-2.0
//
// The address of a server. Only this machine's own: a load generator pointed at somebody else's
// service by a slip of the keyboard does harm. Values, any thread.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::load {

class GatewayCodec;
class TlsContext;

struct Endpoint {
    std::string host;  // as given, without brackets: 127.x.y.z, ::1 or localhost
    uint16_t port = 0;
    std::string authority;   // for :authority
    std::string token = {};  // of whoever the calls are made as; empty: nobody
    bool secure = false;
    std::shared_ptr<const TlsContext> tls = nullptr;  // of a secure one, filled in by the options
    // Calls are made through the JSON gateway. Null: by gRPC. Filled in by the options.
    std::shared_ptr<const GatewayCodec> gateway = nullptr;

    // "host:port", "http://host:port" or "https://host:port". Fails on anything that is not
    // loopback.
    static Result<Endpoint> parse(std::string_view text);
};

}  // namespace quorate::load
