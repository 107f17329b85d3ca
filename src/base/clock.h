// SPDX-License-Identifier: Apache-2.0
//
// Time is given to whoever needs it, so that a simulator can lie. Any thread.
#pragma once

#include <cstdint>

namespace quorate {

class Clock {
  public:
    virtual ~Clock() = default;
    // Never goes back; its zero means nothing. Deadlines and durations.
    virtual int64_t monotonic_ns() const = 0;
    // Unix time; may jump. Only for what people read and for ids that must differ over restarts.
    virtual int64_t unix_ns() const = 0;
};

class SystemClock final : public Clock {
  public:
    int64_t monotonic_ns() const override;
    int64_t unix_ns() const override;
};

}  // namespace quorate
