// SPDX-License-Identifier: Apache-2.0
//
// Texts of gRPC's status trailers. Pure.
#pragma once

#include "plugin/abi/common.h"

#include <string>
#include <string_view>

namespace quorate::http {

// The codes that the transport itself answers with and that the ABI has no name for.
inline constexpr quorate_code kPermissionDenied = 7;
inline constexpr quorate_code kUnauthenticated = 16;

// grpc-message: everything but printable ASCII, and '%', becomes %XX.
std::string percent_encode(std::string_view text);
// The reverse; what is not a whole %XX stays as it is.
std::string percent_decode(std::string_view text);

// Text in double quotes as Go's %q writes it (bytes beyond ASCII as \xNN).
std::string go_quote(std::string_view text);

}  // namespace quorate::http
