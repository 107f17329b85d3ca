// SPDX-License-Identifier: Apache-2.0
//
// The URLs that members listen on and advertise: a scheme and an address, never a path, a query or
// a user. The rules and the error texts are etcd's, since MemberAdd and the command line share
// them. Values, any thread.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace quorate {

struct Url {
    enum class Scheme : uint8_t { kHttp, kHttps, kUnix, kUnixs };

    Scheme scheme = Scheme::kHttp;
    std::string host;   // without brackets; empty for unix sockets
    uint16_t port = 0;  // 0: the system picks one
    std::string path;   // the socket's path, for unix sockets only

    // Trims blanks. Fails with errors::kConfig and etcd's text.
    static Result<Url> parse(std::string_view text);
    // Comma-separated, at least one; sorted by text and without doubles, as etcd keeps them.
    static Result<std::vector<Url>> parse_list(std::string_view text);

    bool is_unix() const { return scheme == Scheme::kUnix || scheme == Scheme::kUnixs; }
    bool is_tls() const { return scheme == Scheme::kHttps || scheme == Scheme::kUnixs; }
    // Whether the host is an IPv4 or IPv6 address and not a name.
    bool has_ip() const;
    // "host:port" with brackets around IPv6, or the socket's path.
    std::string address() const;
    std::string to_string() const;

    friend bool operator==(const Url&, const Url&) = default;
};

std::vector<std::string> to_strings(const std::vector<Url>& urls);

}  // namespace quorate
