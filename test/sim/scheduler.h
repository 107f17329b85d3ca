// SPDX-License-Identifier: Apache-2.0
//
// Scheduler: simulated time and what happens in it, one thing after another, in an order that a
// seed decides. Things that are due at the same moment come in random order.
#pragma once

#include "sim/rng.h"

#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

namespace quorate::sim {

class Scheduler {
  public:
    using Action = std::function<void()>;

    explicit Scheduler(uint64_t seed) : random_(seed, "scheduler") {}

    int64_t now_ns() const { return now_ns_; }
    uint64_t steps() const { return steps_; }

    void at(int64_t time_ns, Action action) {
        queue_.push({time_ns < now_ns_ ? now_ns_ : time_ns, random_.next(), std::move(action)});
    }
    void after(int64_t delay_ns, Action action) { at(now_ns_ + delay_ns, std::move(action)); }

    // Runs everything that is due until then.
    void run_until(int64_t time_ns) {
        while (!queue_.empty() && queue_.top().at_ns <= time_ns) {
            // The queue's top is const only so that its order stays; it is gone before that
            // matters.
            Action action = std::move(const_cast<Event&>(queue_.top()).action);
            now_ns_ = queue_.top().at_ns;
            queue_.pop();
            ++steps_;
            action();
        }
        now_ns_ = time_ns;
    }

  private:
    struct Event {
        int64_t at_ns;
        uint64_t order;
        Action action;

        bool operator<(const Event& other) const {
            return std::pair(at_ns, order) > std::pair(other.at_ns, other.order);
        }
    };

    std::priority_queue<Event> queue_;
    int64_t now_ns_ = 0;
    uint64_t steps_ = 0;
    Rng random_;
};

}  // namespace quorate::sim
