// SPDX-License-Identifier: Apache-2.0
//
// Waker: what a loop's thread sleeps on. wake() from any thread; a wake that comes before the sleep
// is kept, several are one. Waking a thread that is awake costs one atomic operation.
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

  private:
    std::atomic<bool> signalled_{false};
    std::mutex mutex_;
    std::condition_variable condition_;
};

}  // namespace quorate
