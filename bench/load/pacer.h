// SPDX-License-Identifier: Apache-2.0
//
// Pacer: when the next request is to start. A closed loop starts one whenever a slot is free; an
// open loop starts request n at start + n / rate, and a request that had to wait for a free slot
// keeps its intended time, so a stalled server's latency is not left out of the figures.
// A value; one thread at a time.
#pragma once

#include "load_time.h"

#include <cstdint>
#include <optional>

namespace quorate::load {

// What one thread does, and when. Times are now_ns().
struct Schedule {
    int64_t start_ns = 0;     // first request; warm-up begins here
    int64_t measure_ns = 0;   // first request that counts
    int64_t end_ns = kNever;  // no request starts at or after this time
    uint64_t count = 0;       // 0: until the end; otherwise this many requests
    double interval_ns = 0;   // 0: closed loop; otherwise the open loop's distance
};

class Pacer {
  public:
    explicit Pacer(const Schedule& schedule) : schedule_(schedule) {}

    // The intended start of a request that may start now; none when nothing is due.
    std::optional<int64_t> take(int64_t now);
    // Nothing will ever be due again. `now` matters in timed runs.
    bool exhausted(int64_t now) const;
    // When to ask again if take() gave nothing: kNever in a closed loop.
    int64_t next_due_ns() const;
    // The source ran dry.
    void stop() { stopped_ = true; }
    // Open loop: requests that were due before the end and never found a free slot.
    uint64_t unsent(int64_t now) const;

  private:
    int64_t intended(uint64_t number) const;

    Schedule schedule_;
    uint64_t taken_ = 0;
    bool stopped_ = false;
};

}  // namespace quorate::load
