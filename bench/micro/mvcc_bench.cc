// SPDX-License-Identifier: Apache-2.0
//
// What the store itself costs: the engine is the built-in one, and where a case says "recent" it is
// not asked at all. Keys are 24 bytes in random order, values 256 bytes unless a case says
// otherwise.
#include "mvcc/store.h"
#include "storage/mem_backend.h"

#include <benchmark/benchmark.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

using quorate::Bytes;
using quorate::ByteView;
using quorate::Result;
using quorate::mvcc::RangeQuery;
using quorate::mvcc::RangeResult;
using quorate::mvcc::Store;
using quorate::mvcc::StoreOptions;
using quorate::mvcc::WriteTxn;
using quorate::storage::Durability;
using quorate::storage::MemBackend;
using quorate::storage::WriteBatch;

// "/bench/" and 17 hexadecimal digits, in an order that looks random. Made on the fly: a list of a
// million keys in memory would cost the cases more misses than the store does.
class Key {
  public:
    explicit Key(uint64_t number) {
        uint64_t mixed = number * 0x9e3779b97f4a7c15U;
        for (size_t i = sizeof text_; i > kPrefix.size(); --i) {
            text_[i - 1] = "0123456789abcdef"[mixed & 15];
            mixed >>= 4;
        }
        std::copy(kPrefix.begin(), kPrefix.end(), text_);
        std::rotate(text_ + kPrefix.size(), text_ + kPrefix.size() + 1, text_ + sizeof text_);
    }
    ByteView view() const { return {text_, sizeof text_}; }

  private:
    static constexpr ByteView kPrefix = "/bench/";
    char text_[24];
};

size_t resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    size_t total = 0;
    size_t resident = 0;
    statm >> total >> resident;
    return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

// A store with `keys` keys whose records are all in the engine; how many are recent as well is what
// fits `recent_bytes`.
struct Loaded {
    Loaded(int64_t key_count, const StoreOptions& options)
        : keys(static_cast<uint64_t>(key_count)) {
        store = Store::open(engine, options).value();
        const Bytes value(256, 'v');
        for (int64_t i = 0; i < key_count; ++i) {
            WriteTxn txn = store->begin(batch);
            txn.put({Key(static_cast<uint64_t>(i)).view(), value, 0});
            txn.commit();
            if (batch.op_count() >= 1000 || i + 1 == key_count) {
                flush();
            }
        }
    }

    void flush() {
        require(engine.write(batch, Durability::kBuffered).ok());
        store->engine_has(store->current_revision());
        batch.clear();
    }

    MemBackend engine;
    std::unique_ptr<Store> store;
    WriteBatch batch;
    uint64_t keys;
};

constexpr size_t kAllRecent = size_t{4} << 30;

// Kept between the runs of all cases that only read or overwrite.
Loaded& shared_store(int64_t keys) {
    static std::unique_ptr<Loaded> kept;
    static int64_t kept_keys = 0;
    if (kept_keys != keys) {
        kept.reset();
        kept = std::make_unique<Loaded>(keys, StoreOptions{.recent_bytes_max = kAllRecent});
        kept_keys = keys;
    }
    return *kept;
}

// One request that overwrites one of n keys: index, recent changes and batch; not the engine.
void put_existing(benchmark::State& state) {
    Loaded loaded(state.range(0), {});
    const Bytes value(256, 'w');
    std::mt19937_64 rng(1);
    for (auto _ : state) {
        const Key key(rng() % loaded.keys);
        WriteTxn txn = loaded.store->begin(loaded.batch);
        txn.put({key.view(), value, 0});
        benchmark::DoNotOptimize(txn.commit());
        if (loaded.batch.op_count() == 1000) {
            state.PauseTiming();
            loaded.store->engine_has(loaded.store->current_revision());
            loaded.batch.clear();
            state.ResumeTiming();
        }
    }
}
BENCHMARK(put_existing)->Arg(10'000)->Arg(1'000'000);

void put_new(benchmark::State& state) {
    Loaded loaded(state.range(0), {});
    const Bytes value(256, 'w');
    auto next = static_cast<uint64_t>(state.range(0));
    for (auto _ : state) {
        WriteTxn txn = loaded.store->begin(loaded.batch);
        txn.put({Key(next++).view(), value, 0});
        benchmark::DoNotOptimize(txn.commit());
        if (loaded.batch.op_count() == 1000) {
            state.PauseTiming();
            loaded.store->engine_has(loaded.store->current_revision());
            loaded.batch.clear();
            state.ResumeTiming();
        }
    }
}
BENCHMARK(put_new)->Arg(1'000'000);

void get_recent(benchmark::State& state) {
    Loaded& loaded = shared_store(state.range(0));
    std::mt19937_64 rng(1);
    for (auto _ : state) {
        const Key key(rng() % loaded.keys);
        RangeQuery query;
        query.range.key = key.view();
        Result<RangeResult> result = loaded.store->range(query);
        benchmark::DoNotOptimize(result->kvs.front().bytes.data());
    }
}
BENCHMARK(get_recent)->Arg(10'000)->Arg(1'000'000);

// The same when nothing but the cache is in front of the engine.
void get_from_engine(benchmark::State& state) {
    Loaded loaded(state.range(0),
                  {.recent_bytes_max = 0, .cache_bytes_max = static_cast<size_t>(state.range(1))});
    std::mt19937_64 rng(1);
    for (auto _ : state) {
        const Key key(rng() % loaded.keys);
        RangeQuery query;
        query.range.key = key.view();
        Result<RangeResult> result = loaded.store->range(query);
        benchmark::DoNotOptimize(result->kvs.front().bytes.data());
    }
}
BENCHMARK(get_from_engine)->Args({10'000, 0})->Args({10'000, 16 << 20});

void count_all(benchmark::State& state) {
    Loaded& loaded = shared_store(1'000'000);
    for (auto _ : state) {
        RangeQuery query;
        query.range = {"/bench/3", "/bench/6"};
        query.count_only = true;
        benchmark::DoNotOptimize(loaded.store->range(query)->count);
    }
}
BENCHMARK(count_all);

void range_limited(benchmark::State& state) {
    Loaded& loaded = shared_store(1'000'000);
    std::mt19937_64 rng(1);
    for (auto _ : state) {
        const Key key(rng() % loaded.keys);
        RangeQuery query;
        query.range = {key.view(), ByteView("\0", 1)};
        query.limit = state.range(0);
        benchmark::DoNotOptimize(loaded.store->range(query)->count);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(range_limited)->Arg(10)->Arg(500);

void range_keys_only(benchmark::State& state) {
    Loaded& loaded = shared_store(1'000'000);
    for (auto _ : state) {
        RangeQuery query;
        query.range = {"/bench/30", "/bench/31"};
        query.keys_only = true;
        Result<RangeResult> result = loaded.store->range(query);
        state.SetItemsProcessed(state.items_processed() + result->count);
    }
}
BENCHMARK(range_keys_only);

// A page of a list at a revision a thousand changes ago, as a paginating client asks for it.
void range_page_at_old_revision(benchmark::State& state) {
    Loaded& loaded = shared_store(1'000'000);
    const int64_t revision = loaded.store->current_revision() - 1000;
    for (auto _ : state) {
        RangeQuery query;
        query.range = {"/bench/1", "/bench1"};
        query.limit = 500;
        query.revision = revision;
        benchmark::DoNotOptimize(loaded.store->range(query)->count);
    }
}
BENCHMARK(range_page_at_old_revision)->Unit(benchmark::kMicrosecond);

// Start-up: the index from the engine, and what it takes of memory.
void open_store(benchmark::State& state) {
    Loaded loaded(state.range(0), {.recent_bytes_max = 0});
    loaded.store.reset();
    loaded.batch = {};
    size_t memory = 0;
    for (auto _ : state) {
        state.PauseTiming();
        loaded.store.reset();
        malloc_trim(0);
        const size_t before = resident_bytes();
        state.ResumeTiming();
        loaded.store = Store::open(loaded.engine, {}).value();
        state.PauseTiming();
        memory = resident_bytes() - before;
        state.ResumeTiming();
    }
    state.counters["MB"] = static_cast<double>(memory) / 1e6;
    state.counters["B/key"] = static_cast<double>(memory) / static_cast<double>(state.range(0));
}
BENCHMARK(open_store)->Arg(1'000'000)->Unit(benchmark::kMillisecond);

// Compaction of a store where a tenth of the keys has changed.
void compact_store(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming();
        Loaded loaded(state.range(0), {});
        for (uint64_t i = 0; i < loaded.keys; i += 10) {
            WriteTxn txn = loaded.store->begin(loaded.batch);
            txn.put({Key(i).view(), "x", 0});
            txn.commit();
        }
        loaded.flush();
        require(loaded.store->compact(loaded.store->current_revision(), loaded.batch).ok());
        state.ResumeTiming();
        while (!loaded.store->compact_step({}, loaded.batch).done) {
        }
    }
}
BENCHMARK(compact_store)->Arg(1'000'000)->Unit(benchmark::kMillisecond)->Iterations(3);

void hash_store(benchmark::State& state) {
    Loaded& loaded = shared_store(1'000'000);
    for (auto _ : state) {
        benchmark::DoNotOptimize(loaded.store->hash_kv(0)->hash);
    }
}
BENCHMARK(hash_store)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
