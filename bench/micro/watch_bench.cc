// SPDX-License-Identifier: Apache-2.0
//
// watch_bench: what the watch hub costs per change, per delivery and per watcher, without a wire
// format behind it. CPU time of this thread, best of several rounds. Prints one JSON object.
#include "base/bytes.h"
#include "mvcc/change_source.h"
#include "mvcc/watch_hub.h"
#include "mvcc/watch_sink.h"

#include <malloc.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

namespace quorate::mvcc {
namespace {

constexpr int kRounds = 5;
constexpr size_t kValueBytes = 256;

double thread_cpu_ns() {
    struct timespec t {};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_nsec);
}

void append_varint(Bytes& out, uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
        out.push_back(static_cast<char>((value & 0x7f) | 0x80));
    }
    out.push_back(static_cast<char>(value));
}

// Everything in memory, as a store's ring of recent changes is.
class Ring final : public ChangeSource {
  public:
    void put(const std::string& key) {
        ++current_;
        auto record = std::make_shared<Bytes>();
        record->push_back('\x0a');
        append_varint(*record, key.size());
        record->append(key);
        for (const char tag : {'\x10', '\x18'}) {
            record->push_back(tag);
            append_varint(*record, static_cast<uint64_t>(current_));
        }
        record->append("\x20\x01\x2a", 3);
        append_varint(*record, kValueBytes);
        record->append(kValueBytes, 'v');
        changes_.push_back({.revision = {current_, 0},
                            .previous = {},
                            .deletion = false,
                            .key = ByteView(*record).substr(2, key.size()),
                            .record = {*record, record}});
    }

    int64_t current_revision() const override { return current_; }
    int64_t compact_revision() const override { return kNeverCompacted; }

    Result<std::vector<Change>> changes(const ChangeWindow& window) override {
        const auto first = static_cast<size_t>(std::max<int64_t>(window.from_main - 2, 0));
        const size_t last =
            std::min(changes_.size(), first + static_cast<size_t>(window.revisions_max));
        std::vector<Change> out;
        out.reserve(last - first);
        size_t bytes = 0;
        for (size_t i = first; i < last && bytes < window.bytes_max; ++i) {
            bytes += changes_[i].record.bytes.size();
            out.push_back(changes_[i]);
        }
        return out;
    }

    Result<std::optional<RecordRef>> pair_before(ByteView, int64_t) override {
        return std::optional<RecordRef>();
    }

  private:
    int64_t current_ = kFirstRevision;
    std::vector<Change> changes_;
};

// Takes everything, and looks at the bytes' length only.
class NullSink final : public WatchSink {
  public:
    SinkResult send(const WatchMessage& message) override {
        bytes_ += message.events_bytes;
        return SinkResult::kOk;
    }
    void finish(const Status&) override {}

  private:
    size_t bytes_ = 0;
};

struct Bench {
    Ring ring;
    std::unique_ptr<WatchHub> hub;

    void start() {
        WatchHubOptions options;
        options.random = [](uint64_t bound) { return bound / 3; };
        hub = std::make_unique<WatchHub>(ring, std::move(options));
    }

    void watch(int count, const std::function<WatchCreate(int)>& request) {
        for (int i = 0; i < count; ++i) {
            hub->create(hub->open_stream(std::make_unique<NullSink>(), {}), request(i));
        }
    }

    void settle() {
        while (hub->run_slice().value()) {
        }
    }
};

std::string key_of(int i) {
    return "/registry/pods/namespace/" + std::to_string(10'000'000 + i);
}

// Nanoseconds of `work`, the best round, divided by `operations`.
double best(double operations, const std::function<void()>& prepare,
            const std::function<void()>& work) {
    double least = std::numeric_limits<double>::max();
    for (int round = 0; round < kRounds; ++round) {
        prepare();
        const double before = thread_cpu_ns();
        work();
        least = std::min(least, thread_cpu_ns() - before);
    }
    return least / operations;
}

void report(const char* name, double value, bool last = false) {
    std::printf("  \"%s\": %.1f%s\n", name, value, last ? "" : ",");
}

double deliveries_of_one_key() {
    Bench bench;
    bench.start();
    const std::string key = key_of(0);
    bench.watch(1000, [&](int) { return WatchCreate{.key = key}; });
    constexpr int kPuts = 1000;
    return best(
        kPuts * 1000.0,
        [&] {
            for (int i = 0; i < kPuts; ++i) {
                bench.ring.put(key);
            }
        },
        [&] { bench.settle(); });
}

// Changes that nobody watches while many others are watched.
double changes_unwatched(int watchers, bool ranges) {
    Bench bench;
    bench.start();
    std::vector<std::string> keys;
    std::vector<std::string> ends;
    for (int i = 0; i < watchers; ++i) {
        keys.push_back(key_of(2 * i));
        ends.push_back(keys.back() + "/");
    }
    bench.watch(watchers, [&](int i) {
        const auto at = static_cast<size_t>(i);
        return WatchCreate{.key = keys[at], .range_end = ranges ? ByteView(ends[at]) : ByteView()};
    });
    constexpr int kPuts = 10'000;
    return best(
        kPuts,
        [&] {
            for (int i = 0; i < kPuts; ++i) {
                bench.ring.put(key_of(2 * ((i * 7919) % watchers) + 1));
            }
        },
        [&] { bench.settle(); });
}

double catch_up_per_event(int watchers) {
    constexpr int kHistory = 20'000;
    Bench bench;
    for (int i = 0; i < kHistory; ++i) {
        bench.ring.put(key_of(i % 100));
    }
    bench.start();
    const std::string from = key_of(0);
    const std::string to = key_of(1000);
    return best(
        static_cast<double>(kHistory) * watchers,
        [&] {
            bench.start();
            bench.watch(watchers, [&](int) {
                return WatchCreate{.key = from, .range_end = to, .start_revision = 1};
            });
        },
        [&] { bench.settle(); });
}

struct Memory {
    double bytes_per_watcher;
    double create_ns;
};

Memory many_watchers(bool one_stream) {
    constexpr int kWatchers = 100'000;
    Bench bench;
    bench.start();
    std::vector<StreamId> streams;
    for (int i = 0; i < (one_stream ? 1 : 1000); ++i) {
        streams.push_back(bench.hub->open_stream(std::make_unique<NullSink>(), {}));
    }
    const struct mallinfo2 before = ::mallinfo2();
    const double began = thread_cpu_ns();
    for (int i = 0; i < kWatchers; ++i) {
        const std::string key = key_of(i);
        bench.hub->create(streams[static_cast<size_t>(i) % streams.size()], {.key = key});
    }
    const double took = thread_cpu_ns() - began;
    const struct mallinfo2 after = ::mallinfo2();
    return {static_cast<double>(after.uordblks + after.hblkhd - before.uordblks - before.hblkhd) /
                kWatchers,
            took / kWatchers};
}

void run() {
    std::printf("{\n");
    report("delivery_ns_1000_watchers_of_one_key", deliveries_of_one_key());
    report("unwatched_change_ns_100000_keys", changes_unwatched(100'000, false));
    report("unwatched_change_ns_100000_ranges", changes_unwatched(100'000, true));
    report("catch_up_event_ns_1_watcher", catch_up_per_event(1));
    report("catch_up_event_ns_100_watchers", catch_up_per_event(100));
    const Memory memory = many_watchers(false);
    report("bytes_per_watcher_100000", memory.bytes_per_watcher);
    report("create_ns", memory.create_ns);
    report("bytes_per_watcher_100000_one_stream", many_watchers(true).bytes_per_watcher, true);
    std::printf("}\n");
}

}  // namespace
}  // namespace quorate::mvcc

int main() {
    quorate::mvcc::run();
    return 0;
}
