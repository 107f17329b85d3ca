// SPDX-License-Identifier: Apache-2.0
//
// Waker: what a loop's thread sleeps on. wake() from any thread; a wake that comes before the sleep
// is kept, several are one. Waking a loop that is at work costs one atomic operation.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace quorate {

class Waker {
  public:
    void wake();
    // Sleeps until a wake or `timeout_ns` (steady clock) has passed. The owning thread only.
    void sleep(int64_t timeout_ns);

    // Another thread works in place of the owning one while that sleeps. Between the two a wake is
    // only kept: take_wake() takes it, and one that was not taken wakes the owner in the end.
    void borrow() { awake_.store(true); }
    bool take_wake() { return signalled_.exchange(false); }
    void give_back();

  private:
    void notify();

    // Who sets either looks at the other afterwards, in sequentially consistent order: so either
    // the waker sees that the loop sleeps, or who ends its work sees the wake.
    std::atomic<bool> signalled_{false};
    std::atomic<bool> awake_{true};
    std::mutex mutex_;
    std::condition_variable condition_;
};

}  // namespace quorate
