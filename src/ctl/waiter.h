// SPDX-License-Identifier: Apache-2.0
//
// What the one thread of a command sleeps on: answers that the transport's threads have put down,
// signals, standard input and child processes, whichever comes first.
#pragma once

#include <poll.h>

#include <cstdint>
#include <span>

namespace quorate::ctl {

inline constexpr int64_t kNever_ns = INT64_MAX;
inline constexpr int64_t kMillisecond_ns = 1'000'000;
inline constexpr int64_t kSecond_ns = 1'000'000'000;

int64_t now_ns();  // steady

class Waiter {
  public:
    Waiter();
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    // Any thread. One that comes before the sleep ends it at once.
    void wake();
    // Until a wake, one of `also` (whose revents are then set) or the deadline.
    void wait(int64_t deadline_ns, std::span<pollfd> also = {});

  private:
    const int fd_;
};

// SIGINT and SIGTERM as something to wait for, from now on. Made before the first thread starts.
class Interrupts {
  public:
    Interrupts();
    ~Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;

    int fd() const { return fd_; }
    // Whether one has come; 0, or the signal's number.
    int take();

  private:
    const int fd_;
};

}  // namespace quorate::ctl
