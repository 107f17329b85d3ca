// SPDX-License-Identifier: Apache-2.0
//
// LoopThread: a named thread that runs a turn whenever it is woken or its timer is due. Loops are
// plain classes without threads; which loops share a thread is decided where the node is wired.
// While it sleeps another thread may run a turn in its place (run_here); never two at once.
#pragma once

#include "base/waker.h"

#include <atomic>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace quorate {

class LoopThread {
  public:
    // A turn takes what its mailboxes hold and returns how many nanoseconds it may sleep when
    // nothing arrives; 0 = run again at once.
    using Turn = std::function<int64_t()>;

    // What nobody waits for gets out of the way of everything else.
    enum class Importance : uint8_t { kNormal, kBackground };

    explicit LoopThread(std::string name, Importance importance = Importance::kNormal)
        : name_(std::move(name)), importance_(importance) {}
    ~LoopThread();
    LoopThread(const LoopThread&) = delete;
    LoopThread& operator=(const LoopThread&) = delete;

    Waker& waker() { return waker_; }
    void start(Turn turn);
    // Does the work of a thread that sleeps on the calling thread, which spares the wake-ups there
    // and back. False when it does not sleep, was not started or stops: nothing was done then, and
    // the caller wakes it. What it is to do is in its mailboxes already.
    [[nodiscard]] bool run_here();
    // Runs one more turn for what is still queued, then joins. Idempotent.
    void stop();

  private:
    void run();

    const std::string name_;
    const Importance importance_;
    Turn turn_;
    Waker waker_;
    std::mutex at_work_;          // whoever runs a turn
    int64_t sleeps_until_ns_{0};  // of the thread itself; guarded by at_work_
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

}  // namespace quorate
