// SPDX-License-Identifier: Apache-2.0
#include "node/read_pool.h"

#include <string>
#include <utility>

namespace quorate::node {
namespace {

constexpr size_t kInboxMax = 64 * 1024;  // push_always is used: admission bounds the number
constexpr int64_t kForever_ns = 3'600'000'000'000;

}  // namespace

ReadPool::Worker::Worker(const std::string& name)
    : thread(name), inbox(kInboxMax, thread.waker()) {}

ReadPool::ReadPool(size_t threads, std::function<void()> flush) : flush_(std::move(flush)) {
    for (size_t i = 0; i < threads; ++i) {
        workers_.push_back(std::make_unique<Worker>("read-" + std::to_string(i)));
    }
}

ReadPool::~ReadPool() {
    stop();
}

void ReadPool::start() {
    for (const auto& worker : workers_) {
        worker->thread.start([this, w = worker.get()]() -> int64_t {
            w->inbox.take(w->tasks);
            for (Task<>& task : w->tasks) {
                task();
            }
            if (!w->tasks.empty()) {
                w->tasks.clear();
                flush_();
            }
            return kForever_ns;
        });
    }
}

void ReadPool::stop() {
    for (const auto& worker : workers_) {
        worker->thread.stop();
    }
}

void ReadPool::drop_waiting() {
    for (const auto& worker : workers_) {
        worker->inbox.take(worker->tasks);
        worker->tasks.clear();
    }
}

void ReadPool::push(Task<> task) {
    const uint64_t turn = next_.fetch_add(1, std::memory_order_relaxed);
    workers_[turn % workers_.size()]->inbox.push_always(std::move(task));
}

}  // namespace quorate::node
