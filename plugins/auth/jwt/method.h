// SPDX-License-Identifier: Apache-2.0
//
// The signature methods of RFC 7518 and RFC 8037 that etcd takes. Constant, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::auth_jwt {

enum class Family : uint8_t { kRsa, kRsaPss, kEcdsa, kHmac, kEdDsa };

struct Method {
    std::string_view name;  // "RS256", as in a token's header
    Family family;
    const char* digest;       // OpenSSL's name; null: the family has its own
    const char* curve;        // OpenSSL's name of the only curve, for kEcdsa
    size_t coordinate_bytes;  // of one of the signature's two numbers, for kEcdsa
};

// Null when there is no method of this name; names are as they are written, upper case.
const Method* find_method(std::string_view name);
// "RS256, RS384, ..."
std::string method_names();

}  // namespace quorate::auth_jwt
