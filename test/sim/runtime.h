// SPDX-License-Identifier: Apache-2.0
//
// Where simulated members meet the simulator. runtime.cc has its own LoopThread, Waker, log,
// assert_failed and random_seed, which the linker takes instead of those in src/base: a loop's
// turns are the simulator's to run, so a whole Node with all its wiring runs on one thread and
// repeats itself, and no code of the server knows. Without a runtime, wake-ups and log lines go
// nowhere.
#pragma once

#include "base/log.h"
#include "base/loop_thread.h"
#include "base/waker.h"

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>

namespace quorate::sim {

// What a simulation is there to find.
class Violation : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// Thrown through a loop's turn when a member has to end itself (log::fatal).
class MemberEnded : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Runtime {
  public:
    Runtime();
    Runtime(const Runtime&) = delete;
    Runtime& operator=(const Runtime&) = delete;
    virtual ~Runtime();

    virtual void loop_started(const LoopThread& loop, const std::string& name, const Waker& waker,
                              LoopThread::Turn turn) = 0;
    // Runs the last turn.
    virtual void loop_stopped(const LoopThread& loop) = 0;
    // A turn on the caller's account; false when the loop is at work itself.
    virtual bool loop_borrowed(const LoopThread& loop) = 0;
    virtual void woken(const Waker& waker) = 0;
    // A turn waits for `waker` in its midst: others run until it is woken.
    virtual void wait_for(const Waker& waker) = 0;
    virtual uint64_t random_seed() = 0;
    virtual void log_line(log::Level level, std::string_view message,
                          std::span<const log::Field> fields) = 0;
};

}  // namespace quorate::sim
