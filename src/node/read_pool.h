// SPDX-License-Identifier: Apache-2.0
//
// Threads for reads that are too big for a transport's thread or that had to wait for their
// confirmation. They own nothing. Bounded by the node's admission of reads.
#pragma once

#include "base/loop_thread.h"
#include "base/mailbox.h"
#include "node/task.h"

#include <functional>
#include <memory>
#include <vector>

namespace quorate::node {

class ReadPool {
  public:
    // `flush` sends what a task has answered; called after each turn that ran one.
    ReadPool(size_t threads, std::function<void()> flush);
    ~ReadPool();

    void start();
    void stop();
    // After stop(): what was never run is answered by being dropped.
    void drop_waiting();

    // Any thread. Tasks are spread over the threads and may run in any order.
    void push(Task<> task);
    // For the raft loop, whose confirmed reads all go to one thread first and are few.
    Mailbox<Task<>>& inbox() { return workers_.front()->inbox; }

  private:
    struct Worker {
        explicit Worker(const std::string& name);
        LoopThread thread;
        Mailbox<Task<>> inbox;
        std::vector<Task<>> tasks;
    };

    std::function<void()> flush_;
    std::vector<std::unique_ptr<Worker>> workers_;
    std::atomic<uint64_t> next_{0};
};

}  // namespace quorate::node
