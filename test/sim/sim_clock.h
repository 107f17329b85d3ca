// SPDX-License-Identifier: Apache-2.0
//
// A machine's clock: monotonic time runs a little too fast or too slow, the time of day jumps.
#pragma once

#include "base/clock.h"
#include "sim/scheduler.h"

#include <cstdint>

namespace quorate::sim {

class SimClock final : public Clock {
  public:
    // `drift_permille`: of all time, monotonic time included.
    SimClock(const Scheduler& scheduler, int64_t drift_permille)
        : scheduler_(scheduler), drift_permille_(drift_permille) {}

    int64_t monotonic_ns() const override {
        // Machines are not started at the same moment.
        constexpr int64_t kBootedBefore_ns = 1'000'000'000'000;
        const int64_t now_ns = scheduler_.now_ns();
        return kBootedBefore_ns + now_ns + now_ns / 1000 * drift_permille_;
    }
    int64_t unix_ns() const override {
        constexpr int64_t kEpoch_ns = 1'700'000'000'000'000'000;
        return kEpoch_ns + monotonic_ns() + unix_offset_ns_;
    }
    void jump(int64_t by_ns) { unix_offset_ns_ += by_ns; }

    // How long `local_ns` of this clock take.
    int64_t true_ns(int64_t local_ns) const {
        return local_ns / (1000 + drift_permille_) * 1000 + local_ns % (1000 + drift_permille_);
    }

  private:
    const Scheduler& scheduler_;
    const int64_t drift_permille_;
    int64_t unix_offset_ns_ = 0;
};

}  // namespace quorate::sim
