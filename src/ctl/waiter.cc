// SPDX-License-Identifier: Apache-2.0
#include "ctl/waiter.h"

#include "base/assert.h"
#include "base/clock.h"

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace quorate::ctl {
namespace {

sigset_t interrupt_signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    return set;
}

int open_signals() {
    const sigset_t set = interrupt_signals();
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

int64_t now_ns() {
    return SystemClock().monotonic_ns();
}

Waiter::Waiter() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
    QUORATE_ASSERT(fd_ >= 0);
}

Waiter::~Waiter() {
    close(fd_);
}

void Waiter::wake() {
    static_cast<void>(eventfd_write(fd_, 1));
}

void Waiter::wait(int64_t deadline_ns, std::span<pollfd> also) {
    std::vector<pollfd> all = {{fd_, POLLIN, 0}};
    all.insert(all.end(), also.begin(), also.end());
    int timeout_ms = -1;
    if (deadline_ns != kNever_ns) {
        const int64_t left = std::max<int64_t>(0, deadline_ns - now_ns());
        timeout_ms = static_cast<int>(
            std::min<int64_t>((left + kMillisecond_ns - 1) / kMillisecond_ns, 3'600'000));
    }
    if (poll(all.data(), all.size(), timeout_ms) > 0 && all[0].revents != 0) {
        eventfd_t ignored = 0;
        static_cast<void>(eventfd_read(fd_, &ignored));
    }
    std::copy(all.begin() + 1, all.end(), also.begin());
}

Interrupts::Interrupts() : fd_(open_signals()) {
    QUORATE_ASSERT(fd_ >= 0);
}

Interrupts::~Interrupts() {
    close(fd_);
}

int Interrupts::take() {
    signalfd_siginfo info;
    return read(fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info)
               ? static_cast<int>(info.ssi_signo)
               : 0;
}

}  // namespace quorate::ctl
