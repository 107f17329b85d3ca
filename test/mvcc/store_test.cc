// SPDX-License-Identifier: Apache-2.0
//
// What the random twin can't say clearly: single rules of the interface, and what a store does when
// its engine holds nonsense.
#include "mvcc/store.h"

#include "base/errors.h"
#include "map_backend.h"
#include "mvcc/record.h"
#include "storage/schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace quorate::mvcc {
namespace {

constexpr ByteView kAll("\0", 1);

class StoreTest : public testing::Test {
  protected:
    StoreTest() { open(); }

    void open() {
        store_.reset();
        store_ = Store::open(engine_, {}).value();
    }

    void flush() {
        ASSERT_TRUE(engine_.write(batch_, storage::Durability::kBuffered).ok());
        store_->engine_has(store_->current_revision());
        batch_.clear();
    }

    int64_t put(ByteView key, ByteView value, int64_t lease = 0) {
        WriteTxn txn = store_->begin(batch_);
        txn.put({key, value, lease});
        return txn.commit();
    }

    int64_t erase(ByteView key, ByteView end = {}) {
        WriteTxn txn = store_->begin(batch_);
        EXPECT_TRUE(txn.erase_range({key, end}, {}).has_value());
        return txn.commit();
    }

    void compact_all(int64_t revision) {
        ASSERT_TRUE(store_->compact(revision, batch_).ok());
        while (!store_->compact_step({}, batch_).done) {
        }
    }

    // One step, written; adds the records that it deleted. False with the last one.
    bool compact_slice(const CompactLimits& limits, std::vector<Bytes>& erased) {
        const bool done = store_->compact_step(limits, batch_).done;
        for (const storage::WriteBatch::Op& op : batch_.ops()) {
            if (op.kind == storage::WriteBatch::Kind::kDelete) {
                erased.emplace_back(op.key);
            }
        }
        flush();
        return !done;
    }

    RangeResult range(const RangeQuery& query) const { return store_->range(query).value(); }

    RecordView only(const RangeResult& result) const {
        EXPECT_EQ(result.kvs.size(), 1U);
        return decode_record(result.kvs.at(0).bytes).value();
    }

    MapBackend engine_;
    storage::WriteBatch batch_;
    std::unique_ptr<Store> store_;
};

TEST_F(StoreTest, BeginsAtRevisionOneNeverCompacted) {
    EXPECT_EQ(store_->current_revision(), 1);
    EXPECT_EQ(store_->compact_revision(), -1);
    EXPECT_EQ(put("a", "1"), 2);
}

TEST_F(StoreTest, VersionRestartsWhenAKeyComesBack) {
    put("a", "1");
    put("a", "2");
    erase("a");
    put("a", "3");
    const RangeResult result = range({.range = {"a", {}}});
    const RecordView record = only(result);
    EXPECT_EQ(record.version, 1);
    EXPECT_EQ(record.create_revision, 5);
    EXPECT_EQ(record.mod_revision, 5);
    const RangeResult before = range({.range = {"a", {}}, .revision = 3});
    EXPECT_EQ(only(before).version, 2);
    EXPECT_EQ(before.revision, 5);
    EXPECT_EQ(range({.range = {"a", {}}, .revision = 4}).count, 0);
}

TEST_F(StoreTest, ChangingNothingTakesNoRevision) {
    put("a", "1");
    EXPECT_EQ(erase("b"), 2);
    EXPECT_EQ(erase("c", "b"), 2);
    EXPECT_EQ(put("b", "1"), 3);
}

TEST_F(StoreTest, RangeConventions) {
    for (const char* key : {"a", "b", "c", "c/1"}) {
        put(key, "v");
    }
    const auto count = [&](ByteView key, ByteView end) {
        return range({.range = {key, end}}).count;
    };
    EXPECT_EQ(count("b", {}), 1);
    EXPECT_EQ(count("b", kAll), 3);
    EXPECT_EQ(count(kAll, kAll), 4);
    EXPECT_EQ(count("a", "c"), 2);
    EXPECT_EQ(count("c", "c"), 0);
    EXPECT_EQ(count("d", "b"), 0);
    EXPECT_EQ(count("c", "d"), 2);
    EXPECT_TRUE(store_->range({.range = {"d", "b"}, .revision = 9}).error().is(errors::kFutureRev));
}

// `NONE` with a target other than the key: the limit picks by key, then the pick is sorted.
TEST_F(StoreTest, LimitComesBeforeTheSortWithoutAnOrder) {
    put("a", "9");
    put("b", "8");
    put("c", "7");
    put("d", "1");
    const RangeQuery query{.range = {kAll, kAll}, .limit = 2, .sort_target = SortTarget::kValue};
    const RangeResult result = range(query);
    ASSERT_EQ(result.kvs.size(), 2U);
    EXPECT_EQ(decode_record(result.kvs[0].bytes)->key, "c");
    EXPECT_EQ(decode_record(result.kvs[1].bytes)->key, "b");
    EXPECT_TRUE(result.more);
    EXPECT_EQ(result.count, 4);
}

TEST_F(StoreTest, KeysOnlyKeepsTheLeaseOnlyWhereValuesAreSorted) {
    put("a", "v", 7);
    RangeQuery query{.range = {"a", {}}, .keys_only = true};
    EXPECT_EQ(only(range(query)).lease, 0);
    query.sort_target = SortTarget::kValue;
    const RangeResult sorted = range(query);
    EXPECT_EQ(only(sorted).lease, 7);
    EXPECT_EQ(only(sorted).value, "");
}

TEST_F(StoreTest, DeletionAtTheCompactRevisionStays) {
    put("a", "1");
    erase("a");  // 3
    put("b", "1");
    compact_all(3);
    const std::vector<Change> changes =
        store_->changes({.from_main = 3, .revisions_max = 10, .bytes_max = 1 << 20}).value();
    ASSERT_EQ(changes.size(), 2U);
    EXPECT_TRUE(changes[0].deletion);
    EXPECT_EQ(store_->stats().tombstones, 1);
    compact_all(4);
    EXPECT_EQ(store_->stats().tombstones, 0);
    EXPECT_EQ(store_->stats().stored_bytes, store_->stats().live_bytes);
}

TEST_F(StoreTest, CompactRevisionItselfIsReadable) {
    for (int i = 0; i < 5; ++i) {
        put("a", std::to_string(i));
    }
    compact_all(4);
    EXPECT_EQ(only(range({.range = {"a", {}}, .revision = 4})).value, "2");
    EXPECT_TRUE(store_->range({.range = {"a", {}}, .revision = 3}).error().is(errors::kCompacted));
    EXPECT_TRUE(store_->range({.range = {"a", {}}, .revision = 7}).error().is(errors::kFutureRev));
    EXPECT_TRUE(store_->compact(4, batch_).is(errors::kCompacted));
    EXPECT_TRUE(store_->compact(7, batch_).is(errors::kFutureRev));
}

TEST_F(StoreTest, ScheduledCompactionGoesOnAfterARestart) {
    for (int i = 0; i < 100; ++i) {
        put("key" + std::to_string(i % 10), "v");
    }
    ASSERT_TRUE(store_->compact(90, batch_).ok());
    const CompactProgress progress =
        store_->compact_step({.keys_max = 3, .revisions_max = 5, .gathered_max = 5}, batch_);
    ASSERT_FALSE(progress.done);
    ASSERT_EQ(progress.revisions_removed, 5U);
    flush();
    open();
    EXPECT_EQ(store_->compact_revision(), 90);
    EXPECT_EQ(store_->current_revision(), 101);
    ASSERT_TRUE(store_->compaction_pending());
    while (!store_->compact_step({}, batch_).done) {
    }
    EXPECT_EQ(store_->stats().old_revisions, 11);
    flush();
    open();
    EXPECT_FALSE(store_->compaction_pending());
    EXPECT_EQ(store_->compact_revision(), 90);
    EXPECT_EQ(store_->stats().old_revisions, 11);
}

TEST_F(StoreTest, CompactionDeletesInTheEngineInTheOrderOfRevisions) {
    std::vector<Bytes> expected;
    for (int i = 0; i < 100; ++i) {
        const int64_t revision = put("key" + std::to_string(i % 10), "v");
        if (i < 90) {
            expected.push_back(storage::record_key(revision, 0));
        }
    }
    flush();
    ASSERT_TRUE(store_->compact(101, batch_).ok());
    std::vector<Bytes> erased;
    while (compact_slice({.keys_max = 3, .revisions_max = 5}, erased)) {
    }
    EXPECT_EQ(erased, expected);
}

TEST_F(StoreTest, CompactionGathersNoMoreThanItMay) {
    for (int i = 0; i < 100; ++i) {
        put("key" + std::to_string(i % 10), "v");
    }
    flush();
    ASSERT_TRUE(store_->compact(101, batch_).ok());
    const CompactLimits limits{.keys_max = 3, .revisions_max = 5, .gathered_max = 30};
    std::vector<Bytes> erased;
    const auto index_is_ahead_by = [&] {
        return 90 - store_->stats().old_revisions - static_cast<int64_t>(erased.size());
    };
    int64_t gathered_most = 0;
    while (compact_slice(limits, erased)) {
        gathered_most = std::max(gathered_most, index_is_ahead_by());
    }
    EXPECT_EQ(gathered_most, 25);  // the thirtieth lets the first five go
    EXPECT_EQ(erased.size(), 90U);
}

TEST_F(StoreTest, ANewCompactionDeletesWhatTheOneBeforeHadFound) {
    for (int i = 0; i < 100; ++i) {
        put("key" + std::to_string(i % 10), "v");
    }
    flush();
    const CompactLimits limits{.keys_max = 3, .revisions_max = 5};
    std::vector<Bytes> erased;
    for (const int64_t revision : {80, 90, 101}) {
        ASSERT_TRUE(store_->compact(revision, batch_).ok());
        ASSERT_TRUE(compact_slice(limits, erased));
        ASSERT_TRUE(compact_slice(limits, erased));
    }
    EXPECT_EQ(erased.size(), 10U);
    while (compact_slice(limits, erased)) {
    }
    EXPECT_EQ(erased.size(), 90U);
    open();
    EXPECT_FALSE(store_->compaction_pending());
    EXPECT_EQ(store_->stats().old_revisions, 0);
}

TEST_F(StoreTest, CompactionWaitsForAViewUntilToldNotTo) {
    put("a", "1");
    ReadView view = store_->view();
    put("a", "2");
    ASSERT_TRUE(store_->compact(3, batch_).ok());
    EXPECT_TRUE(store_->compact_step({}, batch_).waiting_for_readers);
    EXPECT_EQ(decode_record((*view.get("a").value()).bytes)->value, "1");
    EXPECT_TRUE(store_->compact_step({.break_pins = true}, batch_).done);
    EXPECT_TRUE(view.get("a").error().is(errors::kCompacted));
    EXPECT_TRUE(view.range({.range = {kAll, kAll}}).error().is(errors::kCompacted));
    EXPECT_TRUE(view.find("a").error().is(errors::kCompacted));
}

TEST_F(StoreTest, CompactionGoesOnWhenTheViewIsGone) {
    put("a", "1");
    {
        const ReadView view = store_->view();
        put("a", "2");
        ASSERT_TRUE(store_->compact(3, batch_).ok());
        EXPECT_TRUE(store_->compact_step({}, batch_).waiting_for_readers);
    }
    const CompactProgress progress = store_->compact_step({}, batch_);
    EXPECT_TRUE(progress.done);
    EXPECT_EQ(progress.revisions_removed, 1U);
}

TEST_F(StoreTest, ViewRefusesWhatCameAfterIt) {
    put("a", "1");
    const ReadView view = store_->view();
    put("b", "1");
    EXPECT_EQ(view.revision(), 2);
    EXPECT_TRUE(view.check_revision(0).ok());
    EXPECT_TRUE(view.check_revision(3).is(errors::kFutureRev));
    EXPECT_EQ(view.range({.range = {kAll, kAll}})->count, 1);
    EXPECT_EQ(view.range({.range = {kAll, kAll}})->revision, 2);
}

TEST_F(StoreTest, TransactionTellsTheLeaseThatAKeyLeaves) {
    put("a", "1", 5);
    WriteTxn txn = store_->begin(batch_);
    EXPECT_EQ(txn.put({"a", "2", 0}).previous->lease, 5);
    EXPECT_EQ(txn.put({"b", "2", 6}).previous, std::nullopt);
    const EraseOutcome outcome = txn.erase_range({kAll, kAll}, {.want_previous = true}).value();
    ASSERT_EQ(outcome.leased.size(), 1U);
    EXPECT_EQ(outcome.leased[0].key, "b");
    EXPECT_EQ(outcome.leased[0].lease, 6);
    EXPECT_EQ(decode_record(outcome.previous.at(0).bytes)->value, "2");
    EXPECT_EQ(txn.commit(), 3);
    EXPECT_EQ(range({.range = {kAll, kAll}}).count, 0);
}

TEST_F(StoreTest, VisitStopsWhenTold) {
    for (int i = 0; i < 600; ++i) {
        put("key" + std::to_string(1000 + i), "v");
    }
    const ReadView view = store_->view();
    put("key1001", "other");
    erase("key1002");
    std::vector<std::pair<Bytes, KeyState>> seen;
    const Status status = view.visit({"key", kAll}, [&](ByteView key, const KeyState& state) {
        seen.emplace_back(key, state);
        return seen.size() < 500;
    });
    ASSERT_TRUE(status.ok());
    ASSERT_EQ(seen.size(), 500U);
    for (size_t i = 0; i < seen.size(); ++i) {
        EXPECT_EQ(seen[i].first, "key" + std::to_string(1000 + i));
        EXPECT_EQ(seen[i].second.mod.main, static_cast<int64_t>(i) + 2);
        EXPECT_EQ(seen[i].second.version, 1);
    }
}

TEST_F(StoreTest, ChangesSkipRevisionsThatNeverWere) {
    storage::WriteBatch batch;
    batch.put(
        storage::record_key(5, 0),
        encode_record(
            {.key = "a", .create_revision = 5, .mod_revision = 5, .version = 1, .value = "v"}));
    batch.put(storage::kCompactScheduledKey, storage::encode_u64(1000));
    batch.put(storage::kCompactFinishedKey, storage::encode_u64(1000));
    ASSERT_TRUE(engine_.write(batch, storage::Durability::kBuffered).ok());
    open();
    EXPECT_EQ(store_->current_revision(), 1000);
    EXPECT_EQ(put("b", "v"), 1001);
    const std::vector<Change> changes =
        store_->changes({.from_main = 1000, .revisions_max = 5, .bytes_max = 1 << 20}).value();
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].key, "b");
}

TEST_F(StoreTest, RefusesDamagedEngines) {
    const Bytes good = encode_record(
        {.key = "a", .create_revision = 5, .mod_revision = 5, .version = 1, .value = "v"});
    const auto open_with = [&](const Bytes& key, const Bytes& value) {
        MapBackend engine;
        storage::WriteBatch batch;
        batch.put(key, value);
        EXPECT_TRUE(engine.write(batch, storage::Durability::kBuffered).ok());
        const Result<std::unique_ptr<Store>> store = Store::open(engine, {});
        return store.error();
    };
    EXPECT_TRUE(open_with(storage::record_key(5, 0), good).ok());
    EXPECT_TRUE(open_with(storage::record_key(6, 0), good).is(errors::kDamaged));
    EXPECT_TRUE(open_with(storage::record_key(5, 0), good.substr(0, 4)).is(errors::kDamaged));
    EXPECT_TRUE(open_with(storage::record_key(5, 0) + "x", good).is(errors::kDamaged));
    EXPECT_TRUE(open_with(Bytes(storage::kCompactScheduledKey), "x").is(errors::kDamaged));
}

TEST_F(StoreTest, SaysWhichRecordIsMissing) {
    put("a", "1");
    flush();
    open();
    batch_.erase(storage::record_key(2, 0));
    flush();
    const Status status = store_->range({.range = {"a", {}}}).error();
    EXPECT_TRUE(status.is(errors::kDamaged));
    EXPECT_NE(status.message().find("2_0"), std::string::npos);
}

TEST_F(StoreTest, ReadsHoldTheirBytesBeyondTheStore) {
    put("a", "1");
    flush();
    const RangeResult recent = range({.range = {"a", {}}});
    open();
    const RangeResult stored = range({.range = {"a", {}}});
    store_.reset();
    EXPECT_EQ(recent.kvs[0].bytes, stored.kvs[0].bytes);
}

}  // namespace
}  // namespace quorate::mvcc
