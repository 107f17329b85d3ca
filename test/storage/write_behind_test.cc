// SPDX-License-Identifier: Apache-2.0
#include "storage/write_behind.h"

#include "base/errors.h"
#include "storage/mem_backend.h"
#include "store_model.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace quorate::storage::testing {

namespace {

// A mem store that tells what was asked of it, can be made to wait, and can be made to fail.
class WatchedBackend final : public Backend {
  public:
    Result<std::unique_ptr<View>> view() override { return mem_.view(); }
    Result<Stats> stats() const override { return mem_.stats(); }
    Status compact(const KeyRange& range) override { return mem_.compact(range); }

    Status write(const WriteBatch& batch, Durability durability) override {
        std::unique_lock lock(mutex_);
        ++arrived_;
        changed_.notify_all();
        changed_.wait(lock, [this] { return open_; });
        if (fail_at_ != 0 && ++writes_ >= fail_at_) {
            log_.push_back("failed write");
            return errors::kDiskFull;
        }
        log_.push_back("write " + std::to_string(batch.op_count()));
        return mem_.write(batch, durability);
    }
    Status sync() override {
        const std::lock_guard lock(mutex_);
        log_.push_back("sync");
        return fail_sync_ ? Status(errors::kIo) : mem_.sync();
    }

    void close_gate() {
        const std::lock_guard lock(mutex_);
        open_ = false;
    }
    void open_gate() {
        const std::lock_guard lock(mutex_);
        open_ = true;
        changed_.notify_all();
    }
    void wait_for_arrivals(int count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return arrived_ >= count; });
    }
    void fail_from_write(int number) { fail_at_ = number; }
    void fail_syncs() { fail_sync_ = true; }
    std::vector<std::string> log() const {
        const std::lock_guard lock(mutex_);
        return log_;
    }

  private:
    MemBackend mem_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> log_;
    bool open_ = true;
    bool fail_sync_ = false;
    int arrived_ = 0;
    int writes_ = 0;
    int fail_at_ = 0;
};

WriteBatch batch_of(uint64_t seq, size_t value_bytes = 10) {
    WriteBatch batch;
    batch.put("k" + std::to_string(seq), Bytes(value_bytes, 'v'));
    batch.put("seq", std::to_string(seq));
    return batch;
}

Status sync_and_wait(WriteBehind& layer) {
    std::promise<Status> done;
    layer.sync([&](const Status& status) { done.set_value(status); });
    return done.get_future().get();
}

using Log = std::vector<std::string>;

TEST(WriteBehind, MergesWhatGathersDuringAWrite) {
    WatchedBackend backend;
    WriteBehind layer(backend, {}, nullptr);
    backend.close_gate();
    layer.submit(batch_of(1), 1);
    backend.wait_for_arrivals(1);
    for (uint64_t seq = 2; seq <= 9; ++seq) {
        layer.submit(batch_of(seq), seq);
    }
    EXPECT_EQ(layer.written(), 0U);
    EXPECT_GT(layer.pending_bytes(), 0U);
    backend.open_gate();
    EXPECT_TRUE(sync_and_wait(layer).ok());
    EXPECT_EQ(layer.written(), 9U);
    EXPECT_EQ(layer.pending_bytes(), 0U);
    EXPECT_EQ(backend.log(), (Log{"write 2", "write 16", "sync"}));
    EXPECT_EQ(*get(backend, "seq"), "9");
    EXPECT_EQ(scan(backend)->size(), 10U);
}

TEST(WriteBehind, LetsLittleGatherUntilItIsAskedToHurry) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.gathered_bytes = 64 * 1024;
    WriteBehind layer(backend, options, nullptr);
    EXPECT_TRUE(sync_and_wait(layer).ok());  // it has begun, and sleeps or soon will
    for (uint64_t seq = 1; seq <= 3; ++seq) {
        layer.submit(batch_of(seq), seq);
    }
    layer.hurry();
    backend.wait_for_arrivals(1);
    EXPECT_TRUE(sync_and_wait(layer).ok());
    EXPECT_EQ(layer.written(), 3U);
    // Much does not wait to be asked.
    layer.submit(batch_of(4, 64 * 1024), 4);
    backend.wait_for_arrivals(2);
    EXPECT_TRUE(sync_and_wait(layer).ok());
    EXPECT_EQ(layer.written(), 4U);
}

// Nobody else would wake the writer: who hurries it may be the thread that waits here.
TEST(WriteBehind, MakesRoomForALargeBatchBehindALittleOne) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.gathered_bytes = 64 * 1024;
    options.pending_bytes_max = 16 * 1024;
    WriteBehind layer(backend, options, nullptr);
    uint64_t seq = 0;
    // Rounds, for the writer may not be asleep yet at the end of a sync.
    for (int round = 0; round < 50; ++round) {
        layer.submit(batch_of(seq + 1), seq + 1);
        layer.submit(batch_of(seq + 2, 16 * 1024), seq + 2);
        EXPECT_TRUE(sync_and_wait(layer).ok());
        seq += 2;
        EXPECT_EQ(layer.written(), seq);
    }
}

TEST(WriteBehind, CutsLargeMergesBetweenBatches) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.mode = WriteBehind::Mode::kPumped;
    options.write_bytes_max = 4096;
    WriteBehind layer(backend, options, nullptr);
    for (uint64_t seq = 1; seq <= 4; ++seq) {
        layer.submit(batch_of(seq, 1500), seq);
    }
    layer.submit(batch_of(5, 10'000), 5);
    layer.submit(batch_of(6, 1500), 6);
    layer.pump();
    EXPECT_EQ(backend.log(), (Log{"write 4", "write 4", "write 2", "write 2"}));
    EXPECT_EQ(layer.written(), 6U);
}

TEST(WriteBehind, SyncsInOrderWithTheWritesAroundIt) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.mode = WriteBehind::Mode::kPumped;
    WriteBehind layer(backend, options, nullptr);
    std::vector<uint64_t> written_at_sync;
    const auto note = [&](const Status& status) {
        EXPECT_TRUE(status.ok());
        written_at_sync.push_back(layer.written());
    };
    layer.submit(batch_of(1), 1);
    layer.submit(batch_of(2), 2);
    layer.sync(note);
    layer.submit(batch_of(3), 3);
    layer.sync(note);
    EXPECT_TRUE(written_at_sync.empty());
    layer.pump();
    EXPECT_EQ(backend.log(), (Log{"write 4", "sync", "write 2", "sync"}));
    EXPECT_EQ(written_at_sync, (std::vector<uint64_t>{2, 3}));
}

TEST(WriteBehind, NeverHoldsMoreThanItsBound) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.pending_bytes_max = 10'000;
    options.write_bytes_max = 3000;
    WriteBehind layer(backend, options, nullptr);
    size_t most = 0;
    for (uint64_t seq = 1; seq <= 500; ++seq) {
        layer.submit(batch_of(seq, 900), seq);
        most = std::max(most, layer.pending_bytes());
    }
    EXPECT_LE(most, options.pending_bytes_max);
    EXPECT_TRUE(sync_and_wait(layer).ok());
    EXPECT_EQ(layer.written(), 500U);
    EXPECT_EQ(scan(backend)->size(), 501U);
}

TEST(WriteBehind, TakesABatchLargerThanItsBound) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.pending_bytes_max = 100;
    WriteBehind layer(backend, options, nullptr);
    for (uint64_t seq = 1; seq <= 5; ++seq) {
        layer.submit(batch_of(seq, 5000), seq);
    }
    layer.stop();
    EXPECT_EQ(layer.written(), 5U);
}

TEST(WriteBehind, StopWritesWhatIsWaiting) {
    WatchedBackend backend;
    backend.close_gate();
    WriteBehind layer(backend, {}, nullptr, 41);
    EXPECT_EQ(layer.written(), 41U);
    layer.submit(batch_of(42), 42);
    layer.submit(batch_of(43), 43);
    Status synced = errors::kUnknown;
    layer.sync([&](const Status& status) { synced = status; });
    backend.open_gate();
    layer.stop();
    layer.stop();
    EXPECT_EQ(layer.written(), 43U);
    EXPECT_TRUE(synced.ok());
    EXPECT_EQ(*get(backend, "seq"), "43");
}

TEST(WriteBehind, StopsAtTheFirstFailedWrite) {
    for (const auto mode : {WriteBehind::Mode::kThread, WriteBehind::Mode::kPumped}) {
        WatchedBackend backend;
        backend.fail_from_write(2);
        WriteBehind::Options options;
        options.mode = mode;
        options.write_bytes_max = 0;  // every batch alone
        options.pending_bytes_max = 400;
        std::vector<Status> failures;
        WriteBehind layer(backend, options,
                          [&](const Status& status) { failures.push_back(status); });
        for (uint64_t seq = 1; seq <= 20; ++seq) {
            layer.submit(batch_of(seq), seq);
        }
        std::vector<Status> syncs;
        layer.sync([&](const Status& status) { syncs.push_back(status); });
        layer.stop();
        ASSERT_EQ(failures.size(), 1U);
        EXPECT_TRUE(failures[0].is(errors::kDiskFull));
        ASSERT_EQ(syncs.size(), 1U);
        EXPECT_TRUE(syncs[0].is(errors::kDiskFull));
        EXPECT_EQ(backend.log(), (Log{"write 2", "failed write"}));
        EXPECT_EQ(layer.written(), 1U);
        EXPECT_EQ(layer.pending_bytes(), 0U);
    }
}

TEST(WriteBehind, StopsAtAFailedSync) {
    WatchedBackend backend;
    backend.fail_syncs();
    WriteBehind::Options options;
    options.mode = WriteBehind::Mode::kPumped;
    int failures = 0;
    WriteBehind layer(backend, options, [&](const Status&) { ++failures; });
    layer.submit(batch_of(1), 1);
    std::vector<Status> syncs;
    const auto note = [&](const Status& status) { syncs.push_back(status); };
    layer.sync(note);
    layer.submit(batch_of(2), 2);
    layer.sync(note);
    layer.pump();
    EXPECT_EQ(failures, 1);
    ASSERT_EQ(syncs.size(), 2U);
    EXPECT_TRUE(syncs[0].is(errors::kIo));
    EXPECT_TRUE(syncs[1].is(errors::kIo));
    EXPECT_EQ(backend.log(), (Log{"write 2", "sync"}));
    EXPECT_EQ(layer.written(), 1U);
}

TEST(WriteBehind, PumpedWithoutABoundWritesThrough) {
    WatchedBackend backend;
    WriteBehind::Options options;
    options.mode = WriteBehind::Mode::kPumped;
    options.pending_bytes_max = 0;
    WriteBehind layer(backend, options, nullptr);
    for (uint64_t seq = 1; seq <= 3; ++seq) {
        layer.submit(batch_of(seq), seq);
        EXPECT_EQ(layer.written(), seq);
        EXPECT_EQ(*get(backend, "seq"), std::to_string(seq));
    }
}

// What a power cut leaves is a prefix of the submitted batches, and no less than the last sync.
TEST(WriteBehind, PowerCutLeavesAPrefix) {
    for (uint64_t seed = 1; seed <= 50; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        MemBackend::Options crashable;
        crashable.crashable = true;
        MemBackend backend(crashable);
        WriteBehind::Options options;
        options.mode = WriteBehind::Mode::kPumped;
        options.write_bytes_max = 500;
        uint64_t synced = 0;
        uint64_t seq = 0;
        {
            WriteBehind layer(backend, options, nullptr);
            for (uint64_t steps = 1 + random() % 40; steps-- > 0;) {
                ++seq;
                layer.submit(batch_of(seq), seq);
                if (random() % 6 == 0) {
                    layer.sync([&synced, seq](const Status&) { synced = seq; });
                }
                if (random() % 4 == 0) {
                    layer.pump();
                }
            }
            layer.pump();
        }
        backend.crash(random() % (backend.unsynced_writes() + 1));
        const Pairs pairs = *scan(backend);
        const std::optional<Bytes> reached = *get(backend, "seq");
        const uint64_t last = reached.has_value() ? std::stoull(*reached) : 0;
        EXPECT_GE(last, synced);
        EXPECT_LE(last, seq);
        Model model;
        for (uint64_t i = 1; i <= last; ++i) {
            apply_to_model(batch_of(i), model);
        }
        EXPECT_EQ(pairs, pairs_of(model));
    }
}

}  // namespace

}  // namespace quorate::storage::testing
