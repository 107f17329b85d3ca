// SPDX-License-Identifier: Apache-2.0
//
// Loops: the threads of all simulated processes, as turns that the scheduler runs. A turn takes no
// time, but a woken loop gets the processor only after a while that differs each time, and longer
// while its process or the loop is held.
#pragma once

#include "sim/runtime.h"
#include "sim/scheduler.h"
#include "sim/sim_clock.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>

namespace quorate::sim {

// One run of a server program.
struct Process {
    std::string name;
    const SimClock* clock = nullptr;
    int64_t held_until_ns = 0;            // SIGSTOP, or a machine that swaps
    std::map<std::string, int64_t> slow;  // extra delay of a loop, by its name, up to this
    std::function<void(const std::string& why)> on_end;  // a turn has ended the process
    std::function<void()> after_turn;
    // At the end of everything that is done as the process, as a transport's thread does.
    std::function<void()> end_of_turn = [] {};
};

class Loops final : public Runtime {
  public:
    using LineHandler = std::function<void(const Process*, log::Level, const std::string&)>;

    Loops(Scheduler& scheduler, uint64_t seed, LineHandler on_line);
    ~Loops() override;

    // Runs `body` as the process' own: loops that start in it are the process'. False when it ended
    // the process.
    bool run_as(Process& process, const std::function<void()>& body);
    // The process is gone between two turns: none of its loops runs again.
    void drop(const Process& process);

    uint64_t turns() const { return turns_; }
    // How long a loop waits for the processor, at most about 2^log2_max microseconds.
    void set_latency(uint64_t log2_max) { latency_log2_max_ = log2_max; }

    void loop_started(const LoopThread& loop, const std::string& name, const Waker& waker,
                      LoopThread::Turn turn) override;
    void loop_stopped(const LoopThread& loop) override;
    bool loop_borrowed(const LoopThread& loop) override;
    void woken(const Waker& waker) override;
    void wait_for(const Waker& waker) override;
    uint64_t random_seed() override { return random_.next(); }
    void log_line(log::Level level, std::string_view message,
                  std::span<const log::Field> fields) override;

  private:
    struct Loop {
        uint64_t number = 0;  // in the order of their starts, which no address decides
        std::string name;
        LoopThread::Turn turn;
        Process* process = nullptr;
        uint64_t ticket = 0;  // of the turn that is due; 0: none
        int64_t due_ns = 0;
        bool running = false;
    };

    void schedule(const LoopThread* id, int64_t delay_ns);
    void run_turn(const LoopThread* id, uint64_t ticket);
    int64_t latency_ns(const Loop& loop);

    Scheduler& scheduler_;
    Rng random_;
    LineHandler on_line_;
    std::map<const LoopThread*, Loop> loops_;
    std::map<const Waker*, const LoopThread*> wakers_;
    Process* current_ = nullptr;
    uint64_t last_number_ = 0;
    uint64_t last_ticket_ = 0;
    uint64_t turns_ = 0;
    uint64_t latency_log2_max_ = 6;
};

}  // namespace quorate::sim
