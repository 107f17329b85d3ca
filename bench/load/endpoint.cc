// SPDX-License-Identifier: Apache-2.0
#include "endpoint.h"

#include "base/errors.h"

#include <arpa/inet.h>

#include <charconv>

namespace quorate::load {
namespace {

bool is_loopback(const std::string& host) {
    if (host == "localhost" || host == "::1") {
        return true;
    }
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1 && (ntohl(address.s_addr) >> 24) == 127;
}

}  // namespace

Result<Endpoint> Endpoint::parse(std::string_view text) {
    std::string_view rest = text;
    constexpr std::string_view kScheme = "http://";
    constexpr std::string_view kSecureScheme = "https://";
    Endpoint endpoint;
    if (rest.starts_with(kScheme)) {
        rest.remove_prefix(kScheme.size());
    } else if (rest.starts_with(kSecureScheme)) {
        rest.remove_prefix(kSecureScheme.size());
        endpoint.secure = true;
    }
    const size_t colon = rest.rfind(':');
    if (colon != std::string_view::npos) {
        const std::string_view port = rest.substr(colon + 1);
        const auto [end, error] =
            std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
        if (error != std::errc() || end != port.data() + port.size()) {
            endpoint.port = 0;
        }
    }
    if (endpoint.port == 0) {
        return Status(errors::kUnknown,
                      "endpoint \"" + std::string(text) + "\" is not of the form HOST:PORT");
    }
    endpoint.authority = rest;
    std::string_view host = rest.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    endpoint.host = host;
    if (!is_loopback(endpoint.host)) {
        return Status(errors::kUnknown, "refusing \"" + std::string(text) +
                                            "\": load goes to this machine only (127.0.0.0/8, "
                                            "::1 or localhost)");
    }
    return endpoint;
}

}  // namespace quorate::load
