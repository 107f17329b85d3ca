// SPDX-License-Identifier: Apache-2.0
//
// The grpc-timeout header: up to eight digits and a unit. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::http {

// Milliseconds, rounded up so that a deadline never comes early; 0 for less than a microsecond,
// which has passed before anybody can begin; nullopt when malformed.
std::optional<int64_t> parse_grpc_timeout(std::string_view text);

// The header's value for `ms` from now; what has passed already is sent as the least there is.
std::string format_grpc_timeout(int64_t ms);

// What grpc-go says about a value that parse_grpc_timeout refuses.
std::string grpc_timeout_error(std::string_view text);

}  // namespace quorate::http
