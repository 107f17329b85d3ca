// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <chrono>

namespace quorate {

int64_t SystemClock::monotonic_ns() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::steady_clock::now().time_since_epoch())
        .count();
}

int64_t SystemClock::unix_ns() const {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

}  // namespace quorate
