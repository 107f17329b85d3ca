// SPDX-License-Identifier: Apache-2.0
#include "worker.h"

#include "base/errors.h"
#include "lease_load.h"
#include "sources.h"
#include "watch_load.h"

namespace quorate::load {
namespace {

constexpr size_t kPreloadInFlight = 8;  // transactions per connection

uint64_t share(uint64_t total, size_t index, size_t parts) {
    return total / parts + (index < total % parts ? 1 : 0);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::open(const Options& options, size_t index) {
    Result<std::unique_ptr<Loop>> loop =
        Loop::open(options.poll ? Waiting::kPolling : Waiting::kAsleep);
    if (!loop) {
        return loop.error();
    }
    std::unique_ptr<Worker> worker(new Worker(options, index, std::move(*loop)));
    for (Status (Worker::*step)() : {&Worker::connect, &Worker::make_load}) {
        const Status status = (worker.get()->*step)();
        if (!status.ok()) {
            return status;
        }
    }
    return worker;
}

Status Worker::connect() {
    for (size_t i = index_; i < options_.connections; i += options_.threads) {
        const Endpoint& endpoint = options_.endpoints[i % options_.endpoints.size()];
        Result<Connection*> connection = loop_->connect(endpoint);
        if (!connection) {
            return connection.error();
        }
        connections_.push_back(*connection);
    }
    return {};
}

Status Worker::make_load() {
    const Options& o = options_;
    if (o.workload == Workload::kWatch) {
        Result<Connection*> writer = loop_->connect(o.endpoints.front());
        if (!writer) {
            return writer.error();
        }
        load_ = std::make_unique<WatchLoad>(*loop_, connections_, **writer,
                                            WatchLoad::Shape{.keys = o.keys,
                                                             .watched_keys = o.watch_keys,
                                                             .watchers = o.watchers,
                                                             .streams = o.watch_streams,
                                                             .prefix = o.watch_prefix,
                                                             .window = o.watch_window,
                                                             .value_size = o.value_size,
                                                             .seed = o.seed},
                                            recorder_);
        return {};
    }
    if (o.workload == Workload::kLease) {
        load_ = std::make_unique<LeaseLoad>(
            *loop_, connections_,
            LeaseLoad::Shape{.leases = share(o.leases, index_, o.threads),
                             .ttl_s = o.lease_ttl_s,
                             .streams = o.streams},
            recorder_);
        return {};
    }
    source_ = make_source(o, {index_, o.threads});
    load_ = std::make_unique<UnaryLoad>(connections_, o.streams, *source_, recorder_);
    return {};
}

Status Worker::prepare() {
    if (options_.preload > 0) {
        const Status status = preload();
        if (!status.ok()) {
            return status;
        }
    }
    return load_->prepare();
}

Status Worker::preload() {
    const std::unique_ptr<RequestSource> source =
        make_preload_source(options_, {index_, options_.threads});
    Recorder recorder;
    UnaryLoad load({connections_.front()}, kPreloadInFlight, *source, recorder);
    run_load(*loop_, load, recorder, Schedule{.start_ns = now_ns()}, nullptr);
    if (!recorder.failures().empty()) {
        return {errors::kUnavailable, "preloading: " + recorder.failures().begin()->first};
    }
    return {};
}

void Worker::run(const Schedule& run, const TurnHook& hook) {
    recorder_.set_window(run.measure_ns, run.end_ns);
    const Schedule mine = share_of(run);
    if (run.count > 0 && mine.count == 0) {
        return;  // fewer requests than threads
    }
    run_load(*loop_, *load_, recorder_, mine, hook);
}

Schedule Worker::share_of(const Schedule& run) const {
    Schedule mine = run;
    mine.count = share(run.count, index_, options_.threads);
    if (run.interval_ns > 0) {
        // Threads take turns: thread i starts requests i, i + threads, i + 2 threads, ...
        mine.interval_ns = run.interval_ns * static_cast<double>(options_.threads);
        mine.start_ns += static_cast<int64_t>(run.interval_ns * static_cast<double>(index_));
    }
    return mine;
}

}  // namespace quorate::load
