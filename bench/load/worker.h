// SPDX-License-Identifier: Apache-2.0
//
// Worker: one thread's connections, load and records. The three steps may each run on another
// thread, one after the other; a worker is never used by two at once.
#pragma once

#include "base/status.h"
#include "load.h"
#include "loop.h"
#include "options.h"
#include "recorder.h"

#include <memory>
#include <vector>

namespace quorate::load {

class Worker {
  public:
    // Connects. Connection i of the run belongs to worker i mod options.threads, and goes to
    // endpoint i mod their number.
    static Result<std::unique_ptr<Worker>> open(const Options& options, size_t index);

    // Puts this worker's share of the keys, then what the workload itself needs.
    Status prepare();
    // `run` is the schedule of all workers together; this one takes its share of rate and count.
    void run(const Schedule& run, const TurnHook& hook);

    const Recorder& recorder() const { return recorder_; }

  private:
    Worker(const Options& options, size_t index, std::unique_ptr<Loop> loop)
        : options_(options), index_(index), loop_(std::move(loop)) {}
    Status connect();
    Status make_load();
    Status preload();
    Schedule share_of(const Schedule& run) const;

    const Options& options_;
    const size_t index_;
    std::unique_ptr<Loop> loop_;
    std::vector<Connection*> connections_;
    Recorder recorder_;
    std::unique_ptr<RequestSource> source_;  // unary workloads
    std::unique_ptr<Load> load_;
};

}  // namespace quorate::load
