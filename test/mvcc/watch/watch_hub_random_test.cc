// SPDX-License-Identifier: Apache-2.0
//
// Random histories, requests, busy sinks and compactions against a naive twin: a list of the whole
// history that every watcher's messages are checked against one by one. After every message it must
// hold that events come in order, none twice, none missing, with the right previous pair; that a
// cancellation names a compaction that really took something; and that no progress was reported
// past an event that is still owed.
#include "hub_fixture.h"
#include "mvcc/store.h"
#include "mvcc/watch_hub.h"
#include "mvcc/write_txn.h"
#include "storage/mem_backend.h"

#include <deque>
#include <map>
#include <random>

namespace quorate::mvcc {
namespace {

struct TwinWatcher {
    WatchCreate request;
    std::string key;
    std::string range_end;
    int64_t first_revision = 0;  // owed from here on
    size_t at = 0;               // next entry of the history to look at
    int64_t reported = 0;        // greatest progress
    bool created = false;
    bool cancel_asked = false;

    bool wants(const Told& told) const {
        const std::string& k = told.kv.key();
        const bool inside = range_end.empty()                   ? k == key
                            : range_end == std::string(1, '\0') ? k >= key
                                                                : k >= key && k < range_end;
        return inside && told.revision >= first_revision &&
               !(told.deletion ? request.no_delete : request.no_put);
    }

    // The next entry it is owed, or null.
    const Told* owed(const std::vector<Told>& history) {
        while (at < history.size() && !wants(history[at])) {
            ++at;
        }
        return at < history.size() ? &history[at] : nullptr;
    }
};

struct TwinStream {
    StreamId id = 0;
    SinkControl* sink = nullptr;
    std::map<int64_t, TwinWatcher> watchers;
    std::map<int64_t, TwinWatcher> asked;  // created, not answered
    bool in_fragment = false;
    int64_t fragment_watcher = 0;
};

class RandomHubTest : public HubFixture, public testing::WithParamInterface<uint64_t> {
  protected:
    RandomHubTest() : random_(GetParam()) {
        options_.feed.fragment_bytes = 200 + below(600);
        options_.feed.response_bytes_max = 50 + below(2000);
        options_.feed.round_revisions_max = 1 + static_cast<int64_t>(below(20));
        options_.feed.round_bytes_max = 100 + below(3000);
        options_.feed.round_watchers_max = 1 + below(10);
        options_.feed.slice_messages_max = 1 + below(30);
        options_.progress_interval_ms = 100;
        source_.revisions_in_memory = below(3) == 0 ? 0 : static_cast<int64_t>(below(30));
        options_.random = [this](uint64_t bound) { return random_() % bound; };
    }

    // What the history went through, for tests in which another source serves it.
    virtual void wrote(const std::vector<FakeSource::Edit>&) {}
    virtual void compacted(int64_t) {}
    virtual void skip_revisions(int64_t count) { source_.skip_revisions(count); }
    virtual void work_in_background() {}

    uint64_t below(uint64_t bound) { return random_() % bound; }
    std::string some_key() {
        return std::string(1, static_cast<char>('a' + below(5))) +
               (below(3) == 0 ? std::to_string(below(3)) : "");
    }

    void write() {
        std::map<std::string, std::optional<std::string>> edits;
        for (uint64_t n = 1 + (below(4) == 0 ? below(6) : 0); n > 0; --n) {
            const std::string key = some_key();
            if (source_.exists(key) && below(3) == 0) {
                edits[key] = std::nullopt;
            } else {
                edits[key] = std::string(below(120), static_cast<char>('a' + below(26)));
            }
        }
        std::vector<FakeSource::Edit> list;
        for (const auto& [key, value] : edits) {
            list.push_back({key, value});
        }
        source_.commit(list);
        wrote(list);
    }

    void create(TwinStream& stream) {
        TwinWatcher twin;
        twin.key = some_key();
        switch (below(4)) {
            case 0:
                twin.range_end = "z";
                break;
            case 1:
                twin.range_end = std::string(1, '\0');
                break;
            default:
                break;
        }
        const int64_t current = source_.current_revision();
        if (below(2) == 0) {
            const auto span = static_cast<uint64_t>(current) + 5;
            twin.request.start_revision = 1 + static_cast<int64_t>(below(span));
        }
        twin.request.watch_id = next_watch_id_++;
        twin.request.prev_kv = below(2) == 0;
        twin.request.fragment = below(2) == 0;
        twin.request.no_put = below(8) == 0;
        twin.request.no_delete = below(8) == 0;
        twin.request.progress_notify = below(3) == 0;
        twin.first_revision =
            twin.request.start_revision == 0 ? current + 1 : twin.request.start_revision;
        TwinWatcher& kept = stream.asked[twin.request.watch_id] = twin;
        kept.request.key = kept.key;
        kept.request.range_end = kept.range_end;
        hub().create(stream.id, kept.request);
    }

    void check_events(TwinStream& stream, const Received& message) {
        ASSERT_TRUE(stream.watchers.contains(message.watch_id));
        TwinWatcher& twin = stream.watchers.at(message.watch_id);
        ASSERT_TRUE(!stream.in_fragment || stream.fragment_watcher == message.watch_id);
        ASSERT_TRUE(twin.request.fragment || !message.fragment);
        for (const mvccpb::Event& event : message.events) {
            const Told* told = twin.owed(history_);
            ASSERT_NE(told, nullptr) << "an event that nobody is owed: " << text_of(event);
            ++twin.at;
            ASSERT_EQ(event.kv().SerializeAsString(), told->kv.SerializeAsString());
            ASSERT_EQ(event.type() == mvccpb::Event::DELETE, told->deletion);
            ASSERT_GT(told->revision, twin.reported) << "progress was reported past it";
            if (!twin.request.prev_kv || !told->previous) {
                ASSERT_FALSE(event.has_prev_kv());
            } else if (event.has_prev_kv() || told->revision > source_.compact_revision()) {
                ASSERT_EQ(event.prev_kv().SerializeAsString(), told->previous->SerializeAsString());
            }
        }
        ASSERT_GE(message.revision, message.events.back().kv().mod_revision());
        // Unless more fragments follow, whole revisions have been sent.
        const Told* next = twin.owed(history_);
        if (!message.fragment && next != nullptr) {
            ASSERT_GT(next->revision, message.events.back().kv().mod_revision());
        }
    }

    void check_progress(TwinStream& stream, const Received& message) {
        ASSERT_LE(message.revision, source_.current_revision());
        ASSERT_FALSE(stream.watchers.empty());
        for (auto& [id, twin] : stream.watchers) {
            if (message.watch_id != kNoWatchId && message.watch_id != id) {
                continue;
            }
            const Told* next = twin.owed(history_);
            ASSERT_TRUE(next == nullptr || next->revision > message.revision)
                << "progress past an event that is owed";
            ASSERT_GE(message.revision, twin.reported);
            twin.reported = message.revision;
        }
    }

    void check_messages(TwinStream& stream) {
        for (const Received& message : stream.sink->take()) {
            const int64_t id = message.watch_id;
            if (message.created) {
                ASSERT_FALSE(message.canceled);
                ASSERT_TRUE(stream.asked.contains(id));
                stream.watchers[id] = stream.asked.at(id);
                stream.asked.erase(id);
            } else if (message.canceled && message.compact_revision > 0) {
                ASSERT_TRUE(stream.watchers.contains(id));
                ASSERT_EQ(message.compact_revision, source_.compact_revision());
                TwinWatcher& twin = stream.watchers.at(id);
                ASSERT_LT(twin.first_revision, message.compact_revision);
                ASSERT_LT(twin.reported, message.compact_revision);
                stream.watchers.erase(id);
            } else if (message.canceled) {
                ASSERT_TRUE(stream.watchers.contains(id));
                ASSERT_TRUE(stream.watchers.at(id).cancel_asked ||
                            cancelled_.contains({stream.id, id}));
                stream.watchers.erase(id);
            } else if (message.events.empty()) {
                check_progress(stream, message);
            } else {
                check_events(stream, message);
                stream.in_fragment = message.fragment;
                stream.fragment_watcher = id;
            }
            if (HasFatalFailure()) {
                return;
            }
        }
        ASSERT_FALSE(stream.sink->sent_while_busy);
    }

    void make_writable(TwinStream& stream) {
        if (stream.sink->busy) {
            stream.sink->busy = false;
            stream.sink->room = below(2) == 0 ? -1 : static_cast<int>(1 + below(4));
            hub().writable(stream.id);
        }
    }

    void step() {
        TwinStream& stream = streams_[below(streams_.size())];
        switch (below(17)) {
            case 0:
            case 1:
            case 2:
            case 3:
                return write();
            case 4:
                return create(stream);
            case 5:
                if (!stream.watchers.empty() && below(2) == 0) {
                    const int64_t id = stream.watchers.rbegin()->first;
                    cancelled_.insert({stream.id, id});
                    hub().cancel(stream.id, id);
                }
                return;
            case 6:
                hub().request_progress(stream.id);
                return;
            case 7:
                if (stream.sink->room < 0) {
                    stream.sink->room = static_cast<int>(1 + below(5));
                }
                return;
            case 8:
            case 9:
                return make_writable(stream);
            case 10:
                now_ms_ += static_cast<int64_t>(below(100));
                hub().tick(now_ms_);
                return;
            case 11:
                if (below(6) == 0) {
                    const int64_t room = source_.current_revision() - source_.compact_revision();
                    const int64_t to = source_.compact_revision() +
                                       static_cast<int64_t>(below(static_cast<uint64_t>(room) + 1));
                    if (to > source_.compact_revision()) {
                        source_.compact(to);
                        compacted(to);
                    }
                }
                return;
            case 12:
                if (below(20) == 0) {
                    hub().close_stream(stream.id);
                    reopen(stream);
                } else if (below(20) == 0) {
                    skip_revisions(static_cast<int64_t>(below(30)));
                }
                return;
            case 13:
                return work_in_background();
            default:
                ASSERT_TRUE(hub().run_slice().has_value());
                return;
        }
    }

    void reopen(TwinStream& stream) {
        const Stream opened = open();
        stream = {};
        stream.id = opened.id;
        stream.sink = &opened.sink;
    }

    void run() {
        for (uint64_t n = below(60); n > 0; --n) {
            write();
        }
        for (TwinStream& stream : streams_) {
            reopen(stream);
        }
        for (int i = 0; i < 3000; ++i) {
            step();
            hub().check_invariants();
            for (TwinStream& stream : streams_) {
                check_messages(stream);
            }
            if (HasFatalFailure()) {
                FAIL() << "step " << i;
            }
        }
        // With every sink writable for good, everybody gets all that is owed.
        for (TwinStream& stream : streams_) {
            stream.sink->room = -1;
            if (stream.sink->busy) {
                stream.sink->busy = false;
                hub().writable(stream.id);
            }
        }
        settle();
        for (TwinStream& stream : streams_) {
            check_messages(stream);
            EXPECT_TRUE(stream.asked.empty());
            EXPECT_FALSE(stream.in_fragment);
            for (auto& [id, twin] : stream.watchers) {
                EXPECT_EQ(twin.owed(history_), nullptr) << "watcher " << id << " misses events";
            }
        }
        EXPECT_EQ(hub().stats().slow_watchers, 0U);
        EXPECT_GT(hub().stats().events_total, 0U);
    }

    std::mt19937_64 random_;
    const std::vector<Told>& history_ = source_.told();
    std::vector<TwinStream> streams_{4};
    std::set<std::pair<StreamId, int64_t>> cancelled_;
    int64_t next_watch_id_ = 1;
    int64_t now_ms_ = 0;
};

TEST_P(RandomHubTest, KeepsItsPromises) {
    run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomHubTest, testing::Range<uint64_t>(1, 41));

// The same over a real store, whose engine writes come late, whose memory of recent changes is
// short and whose compaction removes in the background.
class RandomStoreTest : public RandomHubTest {
  protected:
    RandomStoreTest() {
        StoreOptions options;
        options.recent_bytes_max = below(4) * 1000;
        options.cache_bytes_max = below(2) * 1000;
        store_ = std::move(Store::open(backend_, options)).value();
    }

    ChangeSource& served() override { return *store_; }

    void wrote(const std::vector<FakeSource::Edit>& edits) override {
        storage::WriteBatch& batch = batches_.emplace_back();
        WriteTxn txn = store_->begin(batch);
        for (const FakeSource::Edit& edit : edits) {
            if (edit.value) {
                txn.put({.key = edit.key, .value = *edit.value});
            } else {
                const auto erased = txn.erase_range({.key = edit.key}, {});
                ASSERT_EQ(erased.value().erased, 1);
            }
        }
        ASSERT_EQ(txn.commit(), source_.current_revision());
        mains_.push_back(source_.current_revision());
    }

    void compacted(int64_t revision) override {
        mains_.push_back(source_.current_revision());
        ASSERT_TRUE(store_->compact(revision, batches_.emplace_back()).ok());
    }

    void skip_revisions(int64_t) override {}

    void work_in_background() override {
        if (store_->compaction_pending() && below(2) == 0) {
            mains_.push_back(source_.current_revision());
            (void)store_->compact_step({.keys_max = 3, .revisions_max = 3},
                                       batches_.emplace_back());
        }
        for (uint64_t n = below(8); n > 0 && !batches_.empty(); --n) {
            ASSERT_TRUE(backend_.write(batches_.front(), storage::Durability::kBuffered).ok());
            store_->engine_has(mains_.front());
            batches_.pop_front();
            mains_.pop_front();
        }
    }

  private:
    storage::MemBackend backend_;
    std::unique_ptr<Store> store_;
    std::deque<storage::WriteBatch> batches_;  // not in the engine yet
    std::deque<int64_t> mains_;                // the revision each of them brings it to
};

TEST_P(RandomStoreTest, KeepsItsPromises) {
    run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomStoreTest, testing::Range<uint64_t>(1, 21));

}  // namespace
}  // namespace quorate::mvcc
