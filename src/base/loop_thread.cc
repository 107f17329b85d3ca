// SPDX-License-Identifier: Apache-2.0
#include "base/loop_thread.h"

#include "base/assert.h"
#include "base/log.h"

#include <pthread.h>
#include <sys/resource.h>

#include <chrono>
#include <exception>
#include <utility>

namespace quorate {
namespace {

// A turn, and another for what it has left in its own mailboxes.
constexpr int kBorrowedTurnsMax = 2;
// How much later than a borrowed turn says the thread may get up: each reckons from its own now.
constexpr int64_t kLateness_ns = 1'000'000;
constexpr int kBackgroundNice = 15;

int64_t steady_ns() {
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

}  // namespace

LoopThread::~LoopThread() {
    stop();
}

void LoopThread::start(Turn turn) {
    QUORATE_ASSERT(!thread_.joinable());
    {
        const std::lock_guard lock(at_work_);
        turn_ = std::move(turn);
    }
    thread_ = std::thread([this] {
        // The kernel keeps 15 characters.
        pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
        if (importance_ == Importance::kBackground) {
            // Of this thread alone, on Linux. That it may not is no reason not to work.
            static_cast<void>(::setpriority(PRIO_PROCESS, 0, kBackgroundNice));
        }
        // A thread's top is one of the three places that may catch: nothing below throws in normal
        // work, so whatever arrives here is a bug or an exhausted process.
        try {
            run();
        } catch (const std::exception& e) {
            log::fatal("thread ended by an exception", {{"thread", name_}, {"error", e.what()}});
        }
    });
}

void LoopThread::run() {
    while (!stopping_.load()) {
        int64_t sleep_ns = 0;
        {
            const std::lock_guard lock(at_work_);
            sleep_ns = turn_();
            sleeps_until_ns_ = steady_ns() + sleep_ns;
        }
        if (sleep_ns > 0) {
            waker_.sleep(sleep_ns);
        }
    }
    const std::lock_guard lock(at_work_);
    turn_();
}

bool LoopThread::run_here() {
    const std::unique_lock lock(at_work_, std::try_to_lock);
    if (!lock.owns_lock() || !turn_ || stopping_.load()) {
        return false;
    }
    waker_.borrow();
    int64_t sleep_ns = turn_();
    // What comes during the last of them wakes the thread itself.
    for (int more = 1; more < kBorrowedTurnsMax && (waker_.take_wake() || sleep_ns == 0); ++more) {
        sleep_ns = turn_();
    }
    if (sleep_ns == 0 || steady_ns() + sleep_ns + kLateness_ns < sleeps_until_ns_) {
        waker_.wake();  // kept until it is given back
    }
    waker_.give_back();
    return true;
}

void LoopThread::stop() {
    if (!thread_.joinable()) {
        return;
    }
    stopping_.store(true);
    waker_.wake();
    thread_.join();
}

}  // namespace quorate
