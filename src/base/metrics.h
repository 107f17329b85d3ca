// SPDX-License-Identifier: Apache-2.0
//
// Counters, gauges and histograms, and the registry that prints them in Prometheus' text format.
// Any thread: an update is one relaxed atomic operation. The registry owns every metric, hands out
// references that live as long as it does, and is given to whoever counts; nothing is global.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::metrics {

class Counter {
  public:
    void add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
    uint64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<uint64_t> value_{0};
};

class Gauge {
  public:
    void set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
    void add(int64_t n) { value_.fetch_add(n, std::memory_order_relaxed); }
    int64_t value() const { return value_.load(std::memory_order_relaxed); }

  private:
    std::atomic<int64_t> value_{0};
};

// `count` buckets with upper bounds start, start*factor, start*factor^2 ... and +Inf behind them.
struct Buckets {
    double start;
    double factor;
    int count;
};

class Histogram {
  public:
    explicit Histogram(const Buckets& buckets);
    explicit Histogram(std::vector<double> bounds);  // sorted
    void observe(double value);                      // seconds, where the name says seconds
    void observe_ns(int64_t nanoseconds) { observe(static_cast<double>(nanoseconds) * 1e-9); }

    struct Snapshot {
        std::vector<double> bounds;
        std::vector<uint64_t> cumulative;  // one more than bounds: +Inf
        double sum;
    };
    Snapshot snapshot() const;

  private:
    std::vector<double> bounds_;
    std::vector<std::atomic<uint64_t>> counts_;  // not cumulative; the last is +Inf
    std::atomic<double> sum_{0};
};

// Label names and values, in the order they are to be printed (Prometheus prints them sorted).
using Labels = std::vector<std::pair<std::string, std::string>>;

class Registry {
  public:
    // The same name and labels give the same metric again. A name keeps its type and help.
    Counter& counter(std::string_view name, std::string_view help, Labels labels = {});
    Gauge& gauge(std::string_view name, std::string_view help, Labels labels = {});
    Histogram& histogram(std::string_view name, std::string_view help, const Buckets& buckets,
                         Labels labels = {});
    Histogram& histogram_of_bounds(std::string_view name, std::string_view help,
                                   const std::vector<double>& bounds, Labels labels = {});
    // Read when the registry is printed; `read` must be callable from any thread for as long as
    // the registry lives, and must not use the registry. `type` is "gauge" or "counter".
    void function(std::string_view name, std::string_view help, std::string_view type,
                  std::function<double()> read, Labels labels = {});

    // Text format 0.0.4: families sorted by name, labels sorted, integers without decimals.
    std::string expose() const;

  private:
    struct Series;
    struct Family;

    Family& family(std::string_view name, std::string_view help, std::string_view type);

    mutable std::mutex mutex_;
    std::map<std::string, std::shared_ptr<Family>, std::less<>> families_;
};

}  // namespace quorate::metrics
