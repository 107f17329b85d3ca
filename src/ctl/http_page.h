// SPDX-License-Identifier: Apache-2.0
//
// One page over HTTP without TLS, for the metrics of a member. The calling thread waits.
#pragma once

#include "base/status.h"
#include "base/url.h"

#include <string>
#include <string_view>

namespace quorate::ctl {

// The body of the answer with status 200. errors::kUnavailable with the reason.
Result<std::string> fetch_page(const Url& server, std::string_view path, int timeout_ms);

}  // namespace quorate::ctl
