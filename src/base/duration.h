// SPDX-License-Identifier: Apache-2.0
//
// Durations as Go writes them, because options, log fields and error texts do: "1h30m", "100ms",
// "1.5s". Nanoseconds in an int64_t. Any thread.
#pragma once

#include "base/status.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate {

// Signed decimal numbers with a unit each (ns, us, ms, s, m, h); a bare "0" is fine. Fails with
// errors::kConfig and what is expected.
Result<int64_t> parse_duration(std::string_view text);

// The shortest form of Go's Duration.String(): "0s", "100ms", "1m0s", "1h30m0s", "1.5µs".
std::string format_duration(int64_t nanoseconds);

}  // namespace quorate
