// SPDX-License-Identifier: Apache-2.0
#include "base/waker.h"

#include <chrono>

namespace quorate {

void Waker::wake() {
    if (signalled_.exchange(true, std::memory_order_acq_rel)) {
        return;  // the sleeper has a wake it has not used yet
    }
    {
        // Taken so that the notification can't fall between the sleeper's test and its wait.
        const std::lock_guard lock(mutex_);
    }
    condition_.notify_one();
}

void Waker::sleep(int64_t timeout_ns) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                        [this] { return signalled_.load(std::memory_order_acquire); });
    signalled_.store(false, std::memory_order_release);
}

}  // namespace quorate
