// SPDX-License-Identifier: Apache-2.0
#include "rpc/password_pool.h"

#include <string>
#include <utility>

namespace quorate::rpc {
namespace {

constexpr int64_t kAsleep_ns = 3'600'000'000'000;

}  // namespace

struct PasswordPool::Worker {
    explicit Worker(const std::string& name) : thread(name), inbox(kTasksMax, thread.waker()) {}
    LoopThread thread;
    Mailbox<node::Task<>> inbox;
    std::vector<node::Task<>> tasks;
};

PasswordPool::PasswordPool() {
    for (size_t i = 0; i < workers_.size(); ++i) {
        workers_[i] = std::make_unique<Worker>("password-" + std::to_string(i));
    }
}

PasswordPool::~PasswordPool() {
    stop();
}

void PasswordPool::start(std::function<void()> flush) {
    flush_ = std::move(flush);
    for (const auto& worker : workers_) {
        worker->thread.start([this, w = worker.get()] {
            w->inbox.take(w->tasks);
            for (node::Task<>& task : w->tasks) {
                if (!stopping_.load()) {
                    task();
                }
                task = {};
                tasks_.fetch_sub(1);
                flush_();  // each has waited long enough
            }
            return kAsleep_ns;
        });
    }
}

void PasswordPool::stop() {
    stopping_.store(true);
    for (const auto& worker : workers_) {
        worker->thread.stop();
    }
}

bool PasswordPool::run(node::Task<> task) {
    if (tasks_.fetch_add(1) >= kTasksMax) {
        tasks_.fetch_sub(1);
        return false;
    }
    workers_[next_.fetch_add(1) % workers_.size()]->inbox.push_always(std::move(task));
    return true;
}

}  // namespace quorate::rpc
