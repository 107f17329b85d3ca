// SPDX-License-Identifier: Apache-2.0
//
// The store against its naive twin: random requests, an engine that is behind, compaction in small
// steps, restarts in the middle, and after every step random questions about all revisions.
#include "base/errors.h"
#include "map_backend.h"
#include "model.h"
#include "mvcc/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace quorate::mvcc {
namespace {

std::vector<Bytes> bytes_of(const std::vector<RecordRef>& records) {
    std::vector<Bytes> bytes;
    for (const RecordRef& record : records) {
        bytes.emplace_back(record.bytes);
    }
    return bytes;
}

class Twins {
  public:
    // With many names, ranges take several holds of the lock.
    Twins(uint64_t seed, uint64_t names) : rng_(seed), names_(names) {
        options_.recent_bytes_max = 1 + rng_() % 20000;
        options_.cache_bytes_max = rng_() % 2 == 0 ? 0 : 20000;
        open();
    }

    void step() {
        const uint64_t choice = rng_() % 100;
        if (choice < 70) {
            change();
        } else if (choice < 85) {
            flush(rng_() % 4);
        } else if (choice < 90) {
            compact();
        } else if (choice < 97) {
            compact_step();
        } else if (choice < 98) {
            restart();
        } else {
            take_view();
        }
        ask();
        advance_cursor();
    }

    void fill() {
        for (uint64_t i = 0; i < 2 * names_; ++i) {
            change();
        }
    }

    void settle() {
        views_.clear();
        cursor_.reset();
        while (store_->compaction_pending()) {
            compact_step();
        }
        flush(queue_.size());
        check_engine();
        restart();
        ask();
    }

  private:
    struct Batch {
        storage::WriteBatch batch;
        int64_t main;
    };
    struct PinnedView {
        ReadView view;
        Model model;
    };
    struct OpenCursor {
        RangeCursor cursor;
        std::vector<Bytes> expected;
        size_t seen = 0;
    };

    uint64_t below(uint64_t bound) { return rng_() % bound; }
    std::string random_key() {
        const char* prefixes[] = {"a", "a/", "a/b", "z"};
        return prefixes[below(4)] + std::to_string(below(names_));
    }
    KeyRange random_range() {
        low_ = random_key();
        const uint64_t kind = below(6);
        high_ = kind == 0 ? "" : (kind == 1 ? std::string(1, '\0') : random_key());
        if (below(8) == 0) {
            low_ = std::string(1, '\0');
            high_ = low_;
        }
        return {low_, high_};
    }

    void open() {
        Result<std::unique_ptr<Store>> store = Store::open(engine_, options_);
        ASSERT_TRUE(store.has_value()) << store.error().message();
        store_ = std::move(*store);
        ASSERT_EQ(store_->current_revision(), model_.current);
        ASSERT_EQ(store_->compact_revision(), model_.compacted);
    }

    void restart() {
        views_.clear();
        cursor_.reset();
        flush(queue_.size());
        store_.reset();
        open();
        std::vector<std::pair<std::string, int64_t>> leased;
        store_->visit_leased(
            [&](ByteView key, int64_t lease) { leased.emplace_back(Bytes(key), lease); });
        std::vector<std::pair<std::string, int64_t>> expected;
        for (const ModelPair& pair : model_.live({"\0", ByteView("\0", 1)}, model_.current)) {
            if (pair.change.lease != 0) {
                expected.emplace_back(pair.key, pair.change.lease);
            }
        }
        ASSERT_EQ(leased, expected);
    }

    void flush(size_t count) {
        for (; count > 0 && !queue_.empty(); --count) {
            ASSERT_TRUE(engine_.write(queue_.front().batch, storage::Durability::kBuffered).ok());
            store_->engine_has(queue_.front().main);
            queue_.pop_front();
        }
    }

    void change() {
        Batch batch;
        WriteTxn txn = store_->begin(batch.batch);
        int32_t sub = 0;
        const int64_t main = model_.current + 1;
        ASSERT_EQ(txn.reads().revision(), model_.current);
        for (uint64_t op = 1 + below(4); op > 0; --op) {
            if (below(4) == 0) {
                erase_range(txn, main, sub);
            } else {
                put(txn, {main, sub++});
            }
            // What the transaction reads is what it has written.
            const int64_t before = model_.current;
            model_.current = sub > 0 ? main : before;
            ask_range([&](const RangeQuery& query) { return txn.reads().range(query); });
            model_.current = before;
        }
        ASSERT_EQ(txn.changed_anything(), sub > 0);
        const int64_t revision = txn.commit();
        model_.current = sub > 0 ? main : model_.current;
        ASSERT_EQ(revision, model_.current);
        batch.main = revision;
        queue_.push_back(std::move(batch));
    }

    void put(WriteTxn& txn, Revision revision) {
        const std::string key = random_key();
        const std::string value =
            below(5) == 0 ? "" : std::string(below(300), 'v') + std::to_string(below(50));
        const auto lease = static_cast<int64_t>(below(3) == 0 ? below(4) : 0);
        const ModelChange* before = model_.at(key, revision.main);
        const bool exists = before != nullptr && !before->deletion;
        const std::optional<KeyState> found = txn.find(key);
        const PutOutcome outcome = txn.put({key, value, lease});
        ASSERT_EQ(found, outcome.previous);
        ASSERT_EQ(outcome.previous.has_value(), exists);
        if (exists) {
            ASSERT_EQ(*outcome.previous, (KeyState{before->revision, before->create_revision,
                                                   before->version, before->lease}));
        }
        model_.put(key, value, lease, revision);
    }

    void erase_range(WriteTxn& txn, int64_t main, int32_t& sub) {
        const KeyRange range = random_range();
        const std::vector<ModelPair> erased = model_.live(range, main);
        const bool want_previous = below(2) == 0;
        const Result<EraseOutcome> outcome = txn.erase_range(range, {want_previous});
        ASSERT_TRUE(outcome.has_value()) << outcome.error().message();
        ASSERT_EQ(outcome->erased, static_cast<int64_t>(erased.size()));
        std::vector<Bytes> previous;
        std::vector<std::pair<std::string, int64_t>> leased;
        for (const ModelPair& pair : erased) {
            previous.push_back(pair.encoded());
            if (pair.change.lease != 0) {
                leased.emplace_back(pair.key, pair.change.lease);
            }
            model_.erase(pair.key, {main, sub++});
        }
        ASSERT_EQ(bytes_of(outcome->previous), want_previous ? previous : std::vector<Bytes>());
        ASSERT_EQ(outcome->leased.size(), leased.size());
        for (size_t i = 0; i < leased.size(); ++i) {
            ASSERT_EQ(outcome->leased[i].key, leased[i].first);
            ASSERT_EQ(outcome->leased[i].lease, leased[i].second);
        }
    }

    void compact() {
        Batch batch;
        const int64_t revision = model_.compacted - 2 +
                                 static_cast<int64_t>(below(
                                     static_cast<uint64_t>(model_.current - model_.compacted) + 5));
        const Status status = store_->compact(revision, batch.batch);
        if (revision <= model_.compacted) {
            ASSERT_TRUE(status.is(errors::kCompacted));
        } else if (revision > model_.current) {
            ASSERT_TRUE(status.is(errors::kFutureRev));
        } else {
            ASSERT_TRUE(status.ok());
            model_.compacted = revision;
            ASSERT_TRUE(store_->compaction_pending());
        }
        batch.main = model_.current;
        queue_.push_back(std::move(batch));
    }

    void compact_step() {
        Batch batch;
        const CompactProgress progress =
            store_->compact_step({1 + below(20), 1 + below(20), 1 + below(100)}, batch.batch);
        ASSERT_EQ(progress.done, !store_->compaction_pending());
        const bool held = std::any_of(views_.begin(), views_.end(), [&](const PinnedView& pinned) {
            return pinned.model.current < model_.compacted;
        });
        ASSERT_TRUE(!progress.waiting_for_readers || held || cursor_.has_value());
        batch.main = model_.current;
        queue_.push_back(std::move(batch));
    }

    void take_view() {
        if (views_.size() < 3) {
            views_.push_back({store_->view(), model_});
        } else {
            views_.erase(views_.begin() + static_cast<ptrdiff_t>(below(views_.size())));
        }
    }

    RangeQuery random_query() {
        RangeQuery query;
        query.range = random_range();
        const auto revisions = static_cast<uint64_t>(model_.current);
        if (below(2) == 0) {
            query.revision = static_cast<int64_t>(below(revisions + 3)) - 1;
        }
        if (below(2) == 0) {
            query.limit = static_cast<int64_t>(below(20)) - 1;
        }
        if (below(2) == 0) {
            query.sort_order = static_cast<SortOrder>(below(3));
            query.sort_target = static_cast<SortTarget>(below(5));
        }
        query.keys_only = below(3) == 0;
        query.count_only = below(8) == 0;
        for (int64_t* bound : {&query.min_mod_revision, &query.max_mod_revision,
                               &query.min_create_revision, &query.max_create_revision}) {
            if (below(8) == 0) {
                *bound = static_cast<int64_t>(below(revisions + 2));
            }
        }
        return query;
    }

    template <typename Answer>
    void ask_range(const Answer& answer) {
        const RangeQuery query = random_query();
        const ModelAnswer expected = model_.range(query);
        const Result<RangeResult> result = answer(query);
        check_answer(expected, result);
    }

    static void check_answer(const ModelAnswer& expected, const Result<RangeResult>& result) {
        switch (expected.kind) {
            case ModelAnswer::Kind::kCompacted:
                ASSERT_TRUE(result.error().is(errors::kCompacted)) << result.error().message();
                return;
            case ModelAnswer::Kind::kFuture:
                ASSERT_TRUE(result.error().is(errors::kFutureRev)) << result.error().message();
                return;
            case ModelAnswer::Kind::kFine:
                break;
        }
        ASSERT_TRUE(result.has_value()) << result.error().message();
        ASSERT_EQ(result->revision, expected.revision);
        ASSERT_EQ(result->count, expected.count);
        ASSERT_EQ(result->more, expected.more);
        ASSERT_EQ(bytes_of(result->kvs), expected.kvs);
    }

    void ask() {
        for (int i = 0; i < 4; ++i) {
            ask_range([&](const RangeQuery& query) { return store_->range(query); });
            ask_range([&](const RangeQuery& query) { return through_cursor(query); });
        }
        ask_changes();
        ask_pair_before();
        for (const PinnedView& pinned : views_) {
            ask_view(pinned);
        }
        const StoreStats stats = store_->stats();
        ASSERT_EQ(stats.keys, static_cast<int64_t>(
                                  model_.live({"", ByteView("\0", 1)}, model_.current).size()));
        store_->check_invariants();
    }

    Result<RangeResult> through_cursor(const RangeQuery& query) {
        Result<RangeCursor> cursor = store_->cursor(query);
        if (!cursor) {
            return cursor.error();
        }
        RangeResult result;
        result.revision = cursor->revision();
        for (;;) {
            const SliceBounds bounds{1 + below(7), 1 + below(600)};
            Result<std::vector<RecordRef>> slice = cursor->next_slice(bounds);
            if (!slice) {
                return slice.error();
            }
            if (slice->empty()) {
                break;
            }
            EXPECT_LE(slice->size(), bounds.keys_max);
            result.kvs.insert(result.kvs.end(), slice->begin(), slice->end());
        }
        result.more = cursor->more();
        const Result<int64_t> count = cursor->count();
        if (!count) {
            return count.error();
        }
        result.count = *count;
        return result;
    }

    // A cursor that is used over many steps still shows its own revision.
    void advance_cursor() {
        if (!cursor_.has_value()) {
            const RangeQuery query = random_query();
            Result<RangeCursor> cursor = store_->cursor(query);
            if (cursor.has_value()) {
                ASSERT_EQ(cursor->revision(), model_.current);
                cursor_.emplace(OpenCursor{std::move(*cursor), model_.range(query).kvs});
                cursor_more_ = model_.range(query).more;
                cursor_count_ = model_.range(query).count;
            }
            return;
        }
        const Result<std::vector<RecordRef>> slice =
            cursor_->cursor.next_slice({1 + below(names_), 1 + below(50 * names_)});
        ASSERT_TRUE(slice.has_value()) << slice.error().message();
        for (const Bytes& record : bytes_of(*slice)) {
            ASSERT_LT(cursor_->seen, cursor_->expected.size());
            ASSERT_EQ(record, cursor_->expected[cursor_->seen++]);
        }
        if (slice->empty()) {
            ASSERT_EQ(cursor_->seen, cursor_->expected.size());
            ASSERT_EQ(cursor_->cursor.more(), cursor_more_);
            ASSERT_EQ(cursor_->cursor.count().value(), cursor_count_);
            cursor_.reset();
        }
    }

    void ask_view(const PinnedView& pinned) {
        ASSERT_EQ(pinned.view.revision(), pinned.model.current);
        RangeQuery query = random_query();
        ModelAnswer expected = pinned.model.range(query);
        if (query.revision > 0 && query.revision < model_.compacted) {
            expected.kind = query.revision > pinned.model.current ? ModelAnswer::Kind::kFuture
                                                                  : ModelAnswer::Kind::kCompacted;
        }
        check_answer(expected, pinned.view.range(query));

        const std::string key = random_key();
        const ModelChange* change = pinned.model.at(key, pinned.model.current);
        const bool exists = change != nullptr && !change->deletion;
        const Result<std::optional<KeyState>> state = pinned.view.find(key);
        ASSERT_TRUE(state.has_value()) << state.error().message();
        ASSERT_EQ(state->has_value(), exists);
        const Result<std::optional<RecordRef>> record = pinned.view.get(key);
        ASSERT_TRUE(record.has_value()) << record.error().message();
        ASSERT_EQ(record->has_value(), exists);
        if (exists) {
            ASSERT_EQ(**state, (KeyState{change->revision, change->create_revision, change->version,
                                         change->lease}));
            ASSERT_EQ((*record)->bytes, (ModelPair{key, *change}.encoded()));
        }
    }

    void ask_changes() {
        const auto from =
            static_cast<int64_t>(below(static_cast<uint64_t>(model_.current) + 3)) - 1;
        const auto revisions_max = static_cast<int64_t>(1 + below(10));
        const size_t bytes_max = 1 + below(3000);
        Result<std::vector<Change>> result = store_->changes({from, revisions_max, bytes_max});
        if (from < model_.compacted && !result) {
            ASSERT_TRUE(result.error().is(errors::kCompacted));
            return;
        }
        ASSERT_TRUE(result.has_value()) << result.error().message();
        std::vector<ModelPair> all = model_.changes(from, model_.current);
        if (from == model_.compacted) {
            // A change that its own request overwrote is removed by compaction at that revision.
            std::erase_if(all, [&](const ModelPair& pair) {
                return !model_.kept(pair.key, pair.change, model_.compacted);
            });
            std::erase_if(*result, [&](const Change& change) {
                return !model_.kept(Bytes(change.key), change.revision, model_.compacted);
            });
        }
        ASSERT_EQ(result->empty(), all.empty());
        // The slice may end early, but never inside a revision and never with nothing.
        int64_t mains = 0;
        int64_t last = 0;
        for (size_t i = 0; i < result->size(); ++i) {
            const Change& change = (*result)[i];
            mains += change.revision.main != last ? 1 : 0;
            last = change.revision.main;
            ASSERT_EQ(change.revision, all[i].change.revision);
            ASSERT_EQ(change.deletion, all[i].change.deletion);
            ASSERT_EQ(change.key, all[i].key);
            ASSERT_EQ(change.record.bytes, all[i].encoded());
            if (change.previous.main != 0) {
                const auto& history = model_.history().at(all[i].key);
                const auto here = std::find_if(history.begin(), history.end(), [&](const auto& c) {
                    return c.revision == change.revision;
                });
                ASSERT_NE(here, history.begin());
                ASSERT_EQ(change.previous, (here - 1)->revision);
                ASSERT_FALSE((here - 1)->deletion);
            }
        }
        ASSERT_LE(mains, revisions_max);
        if (result->size() < all.size()) {
            ASSERT_NE(all[result->size()].change.revision.main, last);
        }
    }

    void ask_pair_before() {
        const std::string key = random_key();
        const auto main = static_cast<int64_t>(below(static_cast<uint64_t>(model_.current) + 2));
        const Result<std::optional<RecordRef>> record = store_->pair_before(key, main);
        ASSERT_TRUE(record.has_value()) << record.error().message();
        const ModelChange* change = model_.at(key, main - 1);
        const bool exists = change != nullptr && !change->deletion;
        // What is compacted is known only as long as it is in memory.
        ASSERT_TRUE(record->has_value() == exists || (exists && main - 1 < model_.compacted));
        if (record->has_value()) {
            ASSERT_EQ((*record)->bytes, (ModelPair{key, *change}.encoded()));
        }
    }

    // With nothing left to do, the engine holds exactly what compaction keeps.
    void check_engine() {
        std::vector<Bytes> stored;
        for (const auto& [key, value] : engine_.pairs()) {
            if (key[0] == 'K') {
                stored.push_back(value);
            }
        }
        std::vector<Bytes> kept;
        for (const ModelPair& pair : model_.changes(0, model_.current)) {
            if (model_.kept(pair.key, pair.change, model_.compacted)) {
                kept.push_back(pair.encoded());
            }
        }
        ASSERT_EQ(stored, kept);
    }

    std::mt19937_64 rng_;
    const uint64_t names_;
    StoreOptions options_;
    MapBackend engine_;
    std::unique_ptr<Store> store_;
    Model model_;
    std::deque<Batch> queue_;
    std::vector<PinnedView> views_;
    std::optional<OpenCursor> cursor_;
    bool cursor_more_ = false;
    int64_t cursor_count_ = 0;
    std::string low_;
    std::string high_;
};

class StoreTwin : public testing::TestWithParam<uint64_t> {
  protected:
    void run(Twins& twins, int steps) {
        for (int i = 0; i < steps; ++i) {
            twins.step();
            if (HasFatalFailure()) {
                FAIL() << "seed " << GetParam() << ", step " << i;
            }
        }
        twins.settle();
    }
};

TEST_P(StoreTwin, AnswersAsTheFullHistoryDoes) {
    Twins twins(GetParam(), 12);
    run(twins, 250);
}

INSTANTIATE_TEST_SUITE_P(Seeds, StoreTwin, testing::Range<uint64_t>(1, 25));

using LargeStoreTwin = StoreTwin;

TEST_P(LargeStoreTwin, AnswersAsTheFullHistoryDoes) {
    Twins twins(GetParam(), 500);
    twins.fill();
    run(twins, 60);
}

INSTANTIATE_TEST_SUITE_P(Seeds, LargeStoreTwin, testing::Range<uint64_t>(101, 104));

}  // namespace
}  // namespace quorate::mvcc
