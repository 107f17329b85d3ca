// SPDX-License-Identifier: Apache-2.0
//
// Readers on threads of their own while the writer writes, the engine follows late and compaction
// runs. What a reader sees must fit one revision: the writer keeps every key of a group at the same
// value, and the sum over all counters equal to the revision.
#include "base/errors.h"
#include "map_backend.h"
#include "mvcc/record.h"
#include "mvcc/store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace quorate::mvcc {
namespace {

constexpr int kGroup = 300;  // more than one hold of the lock gathers
constexpr int kRounds = 120;

std::string group_key(int i) {
    return "group/" + std::to_string(1000 + i);
}

class Threads : public testing::Test {
  protected:
    Threads() {
        store_ =
            Store::open(engine_, {.recent_bytes_max = 200'000, .cache_bytes_max = 50'000}).value();
        round(0);
    }

    // One request that gives every key of the group the same value.
    void round(int number) {
        storage::WriteBatch batch;
        WriteTxn txn = store_->begin(batch);
        const std::string value = std::to_string(number);
        if (number % 7 == 3) {
            (void)txn.erase_range({"group/", "group0"}, {});
        } else {
            for (int i = 0; i < kGroup; ++i) {
                txn.put({group_key(i), value, 0});
            }
        }
        txn.commit();
        queue_.push_back({std::move(batch), store_->current_revision()});
    }

    void flush_one() {
        if (!queue_.empty()) {
            ASSERT_TRUE(engine_.write(queue_.front().first, storage::Durability::kBuffered).ok());
            store_->engine_has(queue_.front().second);
            queue_.pop_front();
        }
    }

    void write_everything() {
        std::mt19937_64 rng(3);
        for (int number = 1; number <= kRounds; ++number) {
            round(number);
            if (number % 2 == 0) {
                flush_one();
                flush_one();
            }
            storage::WriteBatch batch;
            if (number % 10 == 0) {
                const int64_t behind = static_cast<int64_t>(rng() % 5);
                (void)store_->compact(store_->current_revision() - behind, batch);
            }
            (void)store_->compact_step({.keys_max = 100, .revisions_max = 400}, batch);
            queue_.push_back({std::move(batch), store_->current_revision()});
        }
        done_.store(true);
    }

    static void check_group(const RangeResult& result) {
        ASSERT_EQ(result.count, static_cast<int64_t>(result.kvs.size()));
        ASSERT_TRUE(result.count == 0 || result.count == kGroup);
        Bytes value;
        for (const RecordRef& kv : result.kvs) {
            const RecordView record = decode_record(kv.bytes).value();
            value = value.empty() ? Bytes(record.value) : value;
            ASSERT_EQ(record.value, value);
        }
    }

    void read_ranges() {
        while (!done_.load()) {
            const Result<RangeResult> result = store_->range({.range = {"group/", "group0"}});
            ASSERT_TRUE(result.has_value()) << result.error().message();
            check_group(*result);
        }
    }

    void read_views() {
        std::mt19937_64 rng(4);
        while (!done_.load()) {
            const ReadView view = store_->view();
            const Result<RangeResult> result = view.range({.range = {"group/", "group0"}});
            ASSERT_TRUE(result.has_value()) << result.error().message();
            check_group(*result);
            const Result<std::optional<RecordRef>> one =
                view.get(group_key(static_cast<int>(rng() % kGroup)));
            ASSERT_TRUE(one.has_value()) << one.error().message();
            ASSERT_EQ(one->has_value(), result->count != 0);
        }
    }

    void read_old_revisions() {
        std::mt19937_64 rng(5);
        while (!done_.load()) {
            const int64_t revision = store_->current_revision() - static_cast<int64_t>(rng() % 4);
            const Result<RangeResult> result =
                store_->range({.range = {"group/", "group0"}, .revision = revision});
            if (!result) {
                ASSERT_TRUE(result.error().is(errors::kCompacted)) << result.error().message();
                continue;
            }
            check_group(*result);
        }
    }

    // Follows the changes like a watcher: no revision missing, none twice.
    void follow_changes() {
        int64_t next = 2;
        while (!done_.load() || next <= store_->current_revision()) {
            const Result<std::vector<Change>> changes =
                store_->changes({.from_main = next, .revisions_max = 3, .bytes_max = 1 << 20});
            if (!changes) {
                ASSERT_TRUE(changes.error().is(errors::kCompacted)) << changes.error().message();
                next = store_->compact_revision();
                continue;
            }
            int32_t sub = 0;
            for (const Change& change : *changes) {
                ASSERT_TRUE(change.revision == (Revision{next, sub}) ||
                            change.revision == (Revision{next + 1, 0}));
                next = change.revision.main;
                sub = change.revision.sub + 1;
            }
            next += changes->empty() ? 0 : 1;
        }
    }

    void hash() {
        while (!done_.load()) {
            const Result<KeyValueHash> hash = store_->hash_kv(0);
            ASSERT_TRUE(hash.has_value()) << hash.error().message();
            ASSERT_GE(hash->hash_revision, 2);
        }
    }

    MapBackend engine_;
    std::unique_ptr<Store> store_;
    std::deque<std::pair<storage::WriteBatch, int64_t>> queue_;
    std::atomic<bool> done_{false};
};

TEST_F(Threads, ReadersSeeWholeRequestsOfOneRevision) {
    std::vector<std::thread> readers;
    readers.emplace_back([this] { read_ranges(); });
    readers.emplace_back([this] { read_views(); });
    readers.emplace_back([this] { read_old_revisions(); });
    readers.emplace_back([this] { follow_changes(); });
    readers.emplace_back([this] { hash(); });
    write_everything();
    for (std::thread& reader : readers) {
        reader.join();
    }
    store_->check_invariants();
}

}  // namespace
}  // namespace quorate::mvcc
