// SPDX-License-Identifier: Apache-2.0
//
// The generator's clock: CLOCK_MONOTONIC in nanoseconds. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace quorate::load {

inline constexpr int64_t kSecondNs = 1'000'000'000;
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

inline int64_t now_ns() {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

}  // namespace quorate::load
