// SPDX-License-Identifier: Apache-2.0
//
// What a token says, in JSON: the header with the method, and the claims that etcd's tokens have.
// Reads only what a signature vouches for. Any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::auth_jwt {

struct Claims {
    std::string user;
    uint64_t auth_revision = 0;  // at least 1 in what was read
    // Milliseconds since 1970; a token without "exp" or "nbf" has no such bound, as with etcd.
    int64_t expires_ms = INT64_MAX;     // exp: from then on it is over
    int64_t not_before_ms = INT64_MIN;  // nbf
};

// {"alg":"RS256","typ":"JWT"}
std::string write_header(std::string_view method_name);
// {"exp":...,"revision":...,"username":...}; exp in whole seconds.
std::string write_claims(const Claims& claims);

// Whether this is the header of a token signed by this method. One with "crit" is not, since it
// asks for what we do not know.
bool is_header_for(std::string_view json, std::string_view method_name);
// Nothing when username or revision are missing or anything is of another type than etcd's.
std::optional<Claims> read_claims(std::string_view json);

}  // namespace quorate::auth_jwt
