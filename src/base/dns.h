// SPDX-License-Identifier: Apache-2.0
//
// Look-ups that getaddrinfo has no function for, and getaddrinfo. Both block for as long as the
// resolver's own patience. Any thread.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate {

struct SrvRecord {
    std::string host;  // without the dot at its end
    uint16_t port = 0;
    uint16_t priority = 0;
    uint16_t weight = 0;

    friend bool operator==(const SrvRecord&, const SrvRecord&) = default;
};

// The SRV records of `name` ("_etcd-server._tcp.example.com"), by priority, host and port. `server`
// is "address:port" of an IPv4 name server; empty asks those of /etc/resolv.conf. No records are an
// error. errors::kUnavailable says what was asked of whom.
Result<std::vector<SrvRecord>> look_up_srv(const std::string& name, const std::string& server);

// The records in an answer as it came from the wire, for look_up_srv and its tests.
Result<std::vector<SrvRecord>> parse_srv_answer(const uint8_t* bytes, size_t size);

// All numeric addresses of a host, in the order of the resolver; of an address itself.
Result<std::vector<std::string>> look_up_addresses(const std::string& host);

}  // namespace quorate
