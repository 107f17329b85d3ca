// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http2_rules.h"

#include <nghttp2/nghttp2.h>

namespace quorate::http {
namespace {

const uint8_t* raw(std::string_view text) {
    return reinterpret_cast<const uint8_t*>(text.data());
}

// Fields that speak of the connection have no place in HTTP/2.
bool is_connection_field(std::string_view name) {
    return name == "connection" || name == "keep-alive" || name == "proxy-connection" ||
           name == "transfer-encoding" || name == "upgrade";
}

}  // namespace

bool Http2RequestRules::accept_pseudo(std::string_view name, std::string_view value) {
    uint8_t bit = 0;
    if (name == ":method") {
        bit = kMethod;
    } else if (name == ":scheme") {
        bit = kScheme;
    } else if (name == ":path") {
        bit = kPath;
    } else if (name == ":authority") {
        bit = kAuthority;
    }
    // Unknown, a second one, behind a regular field, or a required one without a value.
    if (bit == 0 || (seen_ & bit) != 0 || regular_seen_ || (value.empty() && bit != kAuthority)) {
        return false;
    }
    seen_ |= bit;
    return true;
}

bool Http2RequestRules::accept(std::string_view name, std::string_view value) {
    if (nghttp2_check_header_value(raw(value), value.size()) == 0) {
        return false;
    }
    if (!name.empty() && name.front() == ':') {
        return accept_pseudo(name, value);
    }
    regular_seen_ = true;
    // Upper case is among what the check refuses.
    if (nghttp2_check_header_name(raw(name), name.size()) == 0 || is_connection_field(name)) {
        return false;
    }
    return name != "te" || value == "trailers";
}

}  // namespace quorate::http
