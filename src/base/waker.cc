// SPDX-License-Identifier: Apache-2.0
#include "base/waker.h"

#include <chrono>

namespace quorate {

void Waker::wake() {
    if (signalled_.exchange(true)) {
        return;  // the sleeper has a wake it has not used yet
    }
    if (!awake_.load()) {
        notify();
    }
}

void Waker::notify() {
    {
        // Taken so that the notification can't fall between the sleeper's test and its wait.
        const std::lock_guard lock(mutex_);
    }
    condition_.notify_one();
}

void Waker::sleep(int64_t timeout_ns) {
    awake_.store(false);
    {
        std::unique_lock lock(mutex_);
        condition_.wait_for(lock, std::chrono::nanoseconds(timeout_ns),
                            [this] { return signalled_.load(); });
    }
    awake_.store(true);
    signalled_.store(false);
}

void Waker::give_back() {
    awake_.store(false);
    if (signalled_.load()) {
        notify();
    }
}

}  // namespace quorate
