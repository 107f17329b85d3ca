// SPDX-License-Identifier: Apache-2.0
//
// Storage engines side by side, on the work that the core gives them: records appended in revision
// order, read at random, scanned, and the oldest half deleted.
//
//   storage_bench --benchmark_format=json [--records=N] [--batch=N] [--value-bytes=N]
//       [--random-percent=N] mem build/plugins/storage_leveldb.so ...
//
// Options, "key=value" each, follow the engine they are for. CPU time is that of the whole process,
// so an engine's own threads count.
#include "engines.h"
#include "storage/schema.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace quorate::storage::testing {

namespace {

// Of all benchmarks; set by the command line before any of them runs.
struct Shape {
    int64_t records = 1'000'000;
    int64_t batch = 100;
    int64_t value_bytes = 300;
    int64_t random_percent = 50;
} shape;

// Half random, half not, as encoded records are, or what --random-percent says.
Bytes value_of(int64_t revision) {
    Bytes value(static_cast<size_t>(shape.value_bytes), 'v');
    std::mt19937_64 random(static_cast<uint64_t>(revision));
    const size_t random_bytes = value.size() * static_cast<size_t>(shape.random_percent) / 100;
    for (size_t i = 0; i + 8 <= random_bytes; i += 8) {
        store_le64(value.data() + i, random());
    }
    return value;
}

// Enough that an engine which compresses finds no two alike in one block.
std::vector<Bytes> different_values() {
    std::vector<Bytes> values;
    for (int64_t i = 0; i < 256; ++i) {
        values.push_back(value_of(i));
    }
    return values;
}

// One batch of the apply loop: records and the applied index beside them.
WriteBatch batch_at(int64_t revision, const std::vector<Bytes>& values) {
    WriteBatch batch;
    for (int64_t i = revision; i < revision + shape.batch; ++i) {
        batch.put(record_key(i, 0), values[static_cast<size_t>(i) % values.size()]);
    }
    batch.put(kAppliedKey, encode_u64_pair({static_cast<uint64_t>(revision), 1}));
    return batch;
}

void check(benchmark::State& state, const Status& status) {
    if (!status.ok()) {
        state.SkipWithError(status.message().c_str());
    }
}

// A store of its own per benchmark, filled where the benchmark wants it.
struct Store {
    Store(benchmark::State& state, const EngineUnderTest& engine, int64_t records) {
        Result<std::unique_ptr<Backend>> opened = open_engine(engine, dir.path() + "/store");
        if (!opened) {
            state.SkipWithError(opened.error().message().c_str());
            return;
        }
        backend = std::move(opened.value());
        const std::vector<Bytes> values = different_values();
        for (int64_t revision = 0; revision < records; revision += shape.batch) {
            check(state, backend->write(batch_at(revision, values), Durability::kBuffered));
        }
    }

    void report(benchmark::State& state) const {
        const Result<Stats> stats = backend->stats();
        state.counters["disk_mb"] = stats ? static_cast<double>(stats->disk_bytes) / 1e6 : -1;
        state.counters["live_mb"] = stats ? static_cast<double>(stats->live_bytes) / 1e6 : -1;
    }

    TemporaryDir dir;
    std::unique_ptr<Backend> backend;
};

void put_batches(benchmark::State& state, const EngineUnderTest& engine) {
    const Store store(state, engine, 0);
    int64_t revision = 0;
    const std::vector<Bytes> values = different_values();
    for (auto _ : state) {
        check(state, store.backend->write(batch_at(revision, values), Durability::kBuffered));
        revision += shape.batch;
    }
    state.SetItemsProcessed(revision);
    store.report(state);
}

void put_synced(benchmark::State& state, const EngineUnderTest& engine) {
    const Store store(state, engine, 0);
    int64_t revision = 0;
    const std::vector<Bytes> values = different_values();
    for (auto _ : state) {
        check(state, store.backend->write(batch_at(revision, values), Durability::kSynced));
        revision += shape.batch;
    }
    state.SetItemsProcessed(revision);
}

void random_get(benchmark::State& state, const EngineUnderTest& engine) {
    const Store store(state, engine, shape.records);
    std::mt19937_64 random(1);
    Result<std::unique_ptr<View>> view = store.backend->view();
    for (auto _ : state) {
        const auto revision = static_cast<int64_t>(random() % static_cast<uint64_t>(shape.records));
        const Result<std::optional<Bytes>> value = (*view)->get(record_key(revision, 0));
        if (!value || !value->has_value()) {
            state.SkipWithError("a record is missing");
            break;
        }
        benchmark::DoNotOptimize((*value)->data());
    }
    state.SetItemsProcessed(state.iterations());
}

void open_and_get(benchmark::State& state, const EngineUnderTest& engine) {
    const Store store(state, engine, shape.records);
    std::mt19937_64 random(1);
    for (auto _ : state) {
        Result<std::unique_ptr<View>> view = store.backend->view();
        // Recent ones, as a watcher that lags a little reads them.
        const int64_t revision =
            shape.records - 1 -
            static_cast<int64_t>(random() %
                                 std::min<uint64_t>(10'000, static_cast<uint64_t>(shape.records)));
        benchmark::DoNotOptimize((*view)->get(record_key(revision, 0)));
    }
    state.SetItemsProcessed(state.iterations());
}

void scan_all(benchmark::State& state, const EngineUnderTest& engine) {
    const Store store(state, engine, shape.records);
    int64_t records = 0;
    for (auto _ : state) {
        Result<std::unique_ptr<View>> view = store.backend->view();
        const auto [lo, hi] = table_range(Table::kRecords);
        Result<std::unique_ptr<Cursor>> cursor = (*view)->scan({lo, hi}, Direction::kForward);
        while (true) {
            Result<std::optional<Pair>> pair = (*cursor)->next();
            if (!pair) {
                state.SkipWithError(pair.error().message().c_str());
            }
            if (!pair || !pair->has_value()) {
                break;
            }
            ++records;
        }
    }
    state.SetItemsProcessed(records);
}

// Deleting alone is timed as delete_s, giving the space back as compact_s.
void delete_oldest_half(benchmark::State& state, const EngineUnderTest& engine) {
    for (auto _ : state) {
        state.PauseTiming();
        const Store store(state, engine, shape.records);
        const Bytes lo = record_key(0, 0);
        const Bytes hi = record_key(shape.records / 2, 0);
        WriteBatch batch;
        batch.erase_range({lo, hi});
        state.ResumeTiming();
        const auto begun = std::chrono::steady_clock::now();
        check(state, store.backend->write(batch, Durability::kBuffered));
        const auto deleted = std::chrono::steady_clock::now();
        check(state, store.backend->compact({lo, hi}));
        const auto compacted = std::chrono::steady_clock::now();
        state.PauseTiming();
        using Seconds = std::chrono::duration<double>;
        state.counters["delete_s"] = Seconds(deleted - begun).count();
        state.counters["compact_s"] = Seconds(compacted - deleted).count();
        store.report(state);
        state.ResumeTiming();
    }
}

void reopen(benchmark::State& state, const EngineUnderTest& engine) {
    Store store(state, engine, shape.records);
    for (auto _ : state) {
        store.backend.reset();
        Result<std::unique_ptr<Backend>> opened = open_engine(engine, store.dir.path() + "/store");
        check(state, opened.error());
        store.backend = std::move(opened.value());
    }
}

void add_benchmarks(const EngineUnderTest& engine) {
    const auto add = [&](const std::string& name, auto function) {
        return benchmark::RegisterBenchmark((engine.name + "/" + name).c_str(), function, engine);
    };
    add("put_batches", put_batches)
        ->Iterations(shape.records / shape.batch)
        ->MeasureProcessCPUTime()
        ->Unit(benchmark::kMicrosecond);
    add("put_synced_batches", put_synced)->Unit(benchmark::kMicrosecond);
    add("random_get", random_get)->MeasureProcessCPUTime()->Unit(benchmark::kMicrosecond);
    add("view_and_recent_get", open_and_get)->Unit(benchmark::kMicrosecond);
    add("scan_all", scan_all)->Unit(benchmark::kMillisecond);
    add("delete_oldest_half", delete_oldest_half)->Iterations(1)->Unit(benchmark::kMillisecond);
    if (engine.persistent()) {
        add("reopen", reopen)->Iterations(3)->Unit(benchmark::kMillisecond);
    }
}

// --records=N and the like; false: something else.
bool set_shape(std::string_view argument) {
    const auto take = [&](std::string_view name, int64_t& value) {
        const std::string_view digits =
            argument.starts_with(name) ? argument.substr(name.size()) : std::string_view();
        const auto [end, error] =
            std::from_chars(digits.data(), digits.data() + digits.size(), value);
        return !digits.empty() && error == std::errc() && end == digits.data() + digits.size() &&
               value > 0;
    };
    return take("--records=", shape.records) || take("--batch=", shape.batch) ||
           take("--value-bytes=", shape.value_bytes) ||
           (take("--random-percent=", shape.random_percent) && shape.random_percent <= 100);
}

}  // namespace

}  // namespace quorate::storage::testing

int main(int argc, char** argv) {
    namespace under_test = quorate::storage::testing;
    benchmark::Initialize(&argc, argv);
    int first = 1;
    while (first < argc && under_test::set_shape(argv[first])) {
        ++first;
    }
    for (int i = first; i < argc; ++i) {
        if (std::string_view(argv[i]).starts_with("--")) {
            std::fprintf(stderr,
                         "%s: --records, --batch, --value-bytes and --random-percent take a number "
                         "above 0\n",
                         argv[i]);
            return 2;
        }
        under_test::EngineUnderTest engine = under_test::engine_by_file(argv[i]);
        while (i + 1 < argc && under_test::add_option(engine, argv[i + 1])) {
            ++i;
        }
        under_test::add_benchmarks(engine);
    }
    if (argc <= first) {
        std::fputs("name engines: paths .../storage_<name>.so, or mem\n", stderr);
        return 2;
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
