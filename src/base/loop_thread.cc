// SPDX-License-Identifier: Apache-2.0
#include "base/loop_thread.h"

#include "base/assert.h"
#include "base/log.h"

#include <pthread.h>

#include <exception>

namespace quorate {

LoopThread::~LoopThread() {
    stop();
}

void LoopThread::start(Turn turn) {
    QUORATE_ASSERT(!thread_.joinable());
    thread_ = std::thread([this, turn = std::move(turn)] {
        // The kernel keeps 15 characters.
        pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
        // A thread's top is one of the three places that may catch: nothing below throws in normal
        // work, so whatever arrives here is a bug or an exhausted process.
        try {
            run(turn);
        } catch (const std::exception& e) {
            log::fatal("thread ended by an exception", {{"thread", name_}, {"error", e.what()}});
        }
    });
}

void LoopThread::run(const Turn& turn) {
    while (!stopping_.load(std::memory_order_acquire)) {
        const int64_t sleep_ns = turn();
        if (sleep_ns > 0) {
            waker_.sleep(sleep_ns);
        }
    }
    turn();
}

void LoopThread::stop() {
    if (!thread_.joinable()) {
        return;
    }
    stopping_.store(true, std::memory_order_release);
    waker_.wake();
    thread_.join();
}

}  // namespace quorate
