// SPDX-License-Identifier: Apache-2.0
//
// Threads that hash and check passwords, which takes long by design and has no place on a loop.
// They own nothing. What they have to do is bounded: clients that all log in at once are turned
// away before their wait outlasts their patience.
#pragma once

#include "base/loop_thread.h"
#include "base/mailbox.h"
#include "node/task.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace quorate::rpc {

class PasswordPool {
  public:
    static constexpr size_t kThreads = 2;
    // Waiting or under way: some seconds' worth at the usual cost.
    static constexpr size_t kTasksMax = 128;

    PasswordPool();
    ~PasswordPool();
    PasswordPool(const PasswordPool&) = delete;
    PasswordPool& operator=(const PasswordPool&) = delete;

    // `flush` sends what a task has answered.
    void start(std::function<void()> flush);
    // Drops what has not begun and joins the threads. Idempotent.
    void stop();

    // False when too many are waiting; the task is then dropped. Any thread.
    [[nodiscard]] bool run(node::Task<> task);

  private:
    struct Worker;

    std::function<void()> flush_;
    std::array<std::unique_ptr<Worker>, kThreads> workers_;
    std::atomic<size_t> tasks_{0};
    std::atomic<size_t> next_{0};
    std::atomic<bool> stopping_{false};
};

}  // namespace quorate::rpc
