// SPDX-License-Identifier: Apache-2.0
//
// Base64 as tokens write it (RFC 7515): with - and _, without padding. Any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace quorate::auth_jwt {

std::string to_base64url(std::string_view bytes);
// Nothing for what to_base64url could not have written: other characters, padding, an impossible
// length, bits left over that are not zero.
std::optional<std::string> from_base64url(std::string_view text);

}  // namespace quorate::auth_jwt
