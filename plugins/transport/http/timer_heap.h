// SPDX-License-Identifier: Apache-2.0
//
// Timers of one loop: a binary heap that knows each timer's place, so that taking one out early,
// the usual end of a deadline, is cheap. Timers with equal lengths, the usual case, go in without a
// single move.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace quorate::http {

// Something that waits for a moment. Must be off the heap when it is destroyed.
class Timer {
  public:
    virtual ~Timer() = default;
    virtual void on_timer() = 0;
    bool armed() const { return place_ != kNowhere; }

  protected:
    Timer() = default;
    Timer(const Timer&) = delete;
    Timer& operator=(const Timer&) = delete;

  private:
    friend class TimerHeap;
    static constexpr size_t kNowhere = std::numeric_limits<size_t>::max();
    size_t place_ = kNowhere;
    int64_t due_ms_ = 0;
};

class TimerHeap {
  public:
    // Moves the timer if it is armed already.
    void arm(Timer& timer, int64_t due_ms);
    // Nothing happens if it is not armed.
    void cancel(Timer& timer);
    // Fires what is due by now, earliest first; a timer is off the heap before it fires.
    void fire(int64_t now_ms);
    // INT64_MAX when nothing waits.
    int64_t next_due_ms() const;

  private:
    void put(size_t place, Timer& timer);
    void sift_up(size_t place);
    void sift_down(size_t place);

    std::vector<Timer*> heap_;
};

}  // namespace quorate::http
