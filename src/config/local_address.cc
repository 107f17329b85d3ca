// SPDX-License-Identifier: Apache-2.0
#include "config/local_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

namespace quorate::config {
namespace {

bool can_be_seen(const std::string& host) {
    in_addr v4{};
    in6_addr v6{};
    if (inet_pton(AF_INET, host.c_str(), &v4) == 0) {
        if (inet_pton(AF_INET6, host.c_str(), &v6) == 0) {
            return false;
        }
        if (!IN6_IS_ADDR_V4MAPPED(&v6)) {
            return !IN6_IS_ADDR_LOOPBACK(&v6) && !IN6_IS_ADDR_UNSPECIFIED(&v6);
        }
        v4.s_addr = v6.s6_addr32[3];
    }
    const uint32_t number = ntohl(v4.s_addr);
    return number != INADDR_ANY && number >> 24 != IN_LOOPBACKNET;
}

}  // namespace

std::string local_address(const Config& config) {
    if (!config.features.enabled(Feature::kSetMemberLocalAddr)) {
        return {};
    }
    for (const Url& url : config.urls.advertise_peer) {
        if (can_be_seen(url.host)) {
            return url.host;
        }
    }
    return {};
}

}  // namespace quorate::config
