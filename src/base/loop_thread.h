// SPDX-License-Identifier: Apache-2.0
//
// LoopThread: a named thread that runs a turn whenever it is woken or its timer is due. Loops are
// plain classes without threads; which loops share a thread is decided where the node is wired.
#pragma once

#include "base/waker.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace quorate {

class LoopThread {
  public:
    // A turn takes what its mailboxes hold and returns how many nanoseconds it may sleep when
    // nothing arrives; 0 = run again at once.
    using Turn = std::function<int64_t()>;

    explicit LoopThread(std::string name) : name_(std::move(name)) {}
    ~LoopThread();
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    Waker& waker() { return waker_; }
    void start(Turn turn);
    // Runs one more turn for what is still queued, then joins. Idempotent.
    void stop();

  private:
    void run(const Turn& turn);

    const std::string name_;
    Waker waker_;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace quorate
