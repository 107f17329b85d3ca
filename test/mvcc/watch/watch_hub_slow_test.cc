// SPDX-License-Identifier: Apache-2.0
//
// Slow clients, fairness, compaction that overtakes, and a source that fails.
#include "base/errors.h"
#include "hub_fixture.h"
#include "mvcc/watch_hub.h"

namespace quorate::mvcc {
namespace {

class SlowClientTest : public HubFixture {
  protected:
    static Texts all_texts(const std::vector<Received>& received) {
        Texts texts;
        for (const Received& message : received) {
            const Texts more = texts_of(message);
            texts.insert(texts.end(), more.begin(), more.end());
        }
        return texts;
    }
};

TEST_F(SlowClientTest, FallsBehindAndIsCaughtUp) {
    Stream slow = open();
    Stream quick = open();
    hub().create(slow.id, {.key = "a"});
    hub().create(quick.id, {.key = "a"});
    slow.sink.take();
    slow.sink.room = 1;
    for (int i = 0; i < 5; ++i) {
        source_.put("a", std::to_string(i));
        settle();
    }
    EXPECT_EQ(slow.sink.received.size(), 1U);
    EXPECT_EQ(hub().stats().slow_watchers, 1U);
    EXPECT_EQ(quick.sink.take().size(), 6U) << "others are not held up";

    writable(slow);
    settle();
    EXPECT_EQ(all_texts(slow.sink.take()),
              (Texts{"PUT a=0@2", "PUT a=1@3", "PUT a=2@4", "PUT a=3@5", "PUT a=4@6"}));
    EXPECT_EQ(hub().stats().slow_watchers, 0U);
    source_.put("a", "live");
    settle();
    const auto live = slow.sink.take();
    ASSERT_EQ(live.size(), 1U);
    EXPECT_EQ(live[0].revision, 7);
}

TEST_F(SlowClientTest, WatchersOfABusyStreamThatMissNothingStayLive) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "b"});
    stream.sink.room = 1;
    source_.put("a", "1");
    source_.put("a", "2");
    settle();
    EXPECT_EQ(hub().stats().slow_watchers, 1U);
}

TEST_F(SlowClientTest, KeepsAnswersInOrderWhileBusy) {
    Stream stream = open();
    stream.sink.room = 1;
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "b"});
    hub().cancel(stream.id, 0);
    hub().request_progress(stream.id);
    hub().create(stream.id, {.key = "a"});
    source_.put("a", "1");
    settle();
    EXPECT_EQ(stream.sink.received.size(), 1U);
    writable(stream, 2);
    EXPECT_EQ(stream.sink.received.size(), 3U) << "created 1, canceled 0";
    settle();
    EXPECT_EQ(stream.sink.received.size(), 3U);
    writable(stream);
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 5U);
    EXPECT_TRUE(received[1].created && received[1].watch_id == 1);
    EXPECT_TRUE(received[2].canceled && received[2].watch_id == 0);
    EXPECT_TRUE(received[3].created && received[3].watch_id == 2);
    EXPECT_EQ(texts_of(received[4]), Texts{"PUT a=1@2"});
    EXPECT_FALSE(stream.sink.sent_while_busy);
}

TEST_F(SlowClientTest, AsksForNoMoreRequestsThanItCanKeepAnswersFor) {
    options_.control_messages_max = 8;
    Stream stream = open();
    stream.sink.room = 1;
    std::vector<Intake> intake;
    for (int i = 0; i < 6; ++i) {
        intake.push_back(hub().create(stream.id, {.key = "a"}));
    }
    EXPECT_EQ(intake[3], Intake::kMore);
    EXPECT_EQ(intake[4], Intake::kHold);
    EXPECT_EQ(intake[5], Intake::kHold);
    stream.sink.busy = false;
    stream.sink.room = 5;
    EXPECT_EQ(hub().writable(stream.id), Intake::kMore);
    EXPECT_TRUE(stream.sink.finished.ok());
}

TEST_F(SlowClientTest, EndsAStreamWhoseRequestsComeInAllTheSame) {
    options_.control_messages_max = 8;
    Stream stream = open();
    stream.sink.room = 1;
    for (int i = 0; i < 20; ++i) {
        hub().create(stream.id, {.key = "a"});
    }
    EXPECT_EQ(stream.sink.finished.message(), "etcdserver: too many requests");
    source_.put("a", "1");
    settle();
    EXPECT_EQ(stream.sink.take().size(), 1U);
    hub().close_stream(stream.id);
    EXPECT_EQ(hub().stats().watchers, 0U);
}

TEST_F(SlowClientTest, IsCancelledWhenCompactionOvertakesIt) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    stream.sink.room = 2;
    for (int i = 0; i < 6; ++i) {
        source_.put("a", std::to_string(i));
        settle();
    }
    source_.compact(6);
    settle();
    stream.sink.take();
    writable(stream);
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_TRUE(received[0].canceled);
    EXPECT_EQ(received[0].compact_revision, 6);
}

TEST_F(SlowClientTest, SurvivesACompactionUpToTheRevisionItNeeds) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    stream.sink.room = 1;  // revision 2
    for (int i = 0; i < 6; ++i) {
        source_.put("a", std::to_string(i));
        settle();
    }
    source_.compact(3);
    stream.sink.take();
    writable(stream);
    settle();
    EXPECT_EQ(all_texts(stream.sink.take()).size(), 5U);
}

TEST_F(SlowClientTest, LiveWatchersSurviveACompactionAtTheHead) {
    source_.revisions_in_memory = 100;
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .prev_kv = true});
    source_.put("a", "1");
    source_.put("a", "2");
    source_.compact(3);
    settle();
    EXPECT_EQ(all_texts(stream.sink.take()), (Texts{"PUT a=1@2", "PUT a=2@3 was 1"}));
}

TEST_F(SlowClientTest, LiveWatchersAreToldWhenCompactionOvertakesTheHub) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "a", .start_revision = 50});
    stream.sink.take();
    source_.put("a", "1");
    source_.put("a", "2");
    source_.put("a", "3");
    source_.compact(4);
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_TRUE(received[0].canceled);
    EXPECT_EQ(received[0].watch_id, 0);
    EXPECT_EQ(received[0].compact_revision, 4);
    EXPECT_EQ(hub().stats().watchers, 1U) << "the one that needs nothing of it stays";
}

TEST_F(SlowClientTest, GoesOnWhenRevisionsAreSkipped) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    source_.put("a", "1");
    source_.skip_revisions(5000);
    source_.put("a", "2");
    settle();
    EXPECT_EQ(all_texts(stream.sink.take()), (Texts{"PUT a=1@2", "PUT a=2@5003"}));
    Stream late = open();
    hub().create(late.id, {.key = "a", .start_revision = 1});
    settle();
    EXPECT_EQ(all_texts(late.sink.take()), (Texts{"PUT a=1@2", "PUT a=2@5003"}));
}

TEST_F(SlowClientTest, WalksManyRevisionsInBoundedSlices) {
    options_.feed.round_revisions_max = 100;
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    for (int i = 0; i < 1000; ++i) {
        source_.put("a", std::to_string(i));
    }
    EXPECT_EQ(settle(), 10);
    EXPECT_EQ(stream.sink.take().size(), 1001U);
}

TEST_F(SlowClientTest, EndsASliceAfterSoManyMessages) {
    options_.feed.slice_messages_max = 20;
    Stream stream = open();
    for (int i = 0; i < 10; ++i) {
        hub().create(stream.id, {.key = "a"});
    }
    for (int i = 0; i < 10; ++i) {
        source_.put("a", std::to_string(i));
    }
    EXPECT_EQ(settle(), 5);
    EXPECT_EQ(stream.sink.take().size(), 110U);
}

TEST_F(SlowClientTest, ReadsNothingWhenNobodyWatches) {
    open();
    for (int i = 0; i < 10; ++i) {
        source_.put("a", std::to_string(i));
    }
    settle();
    EXPECT_EQ(source_.reads, 0);
    EXPECT_EQ(hub().revision(), 11);
}

TEST_F(SlowClientTest, NeighboursShareTheirReads) {
    for (int i = 0; i < 500; ++i) {
        source_.put("a", std::to_string(i));
    }
    std::vector<Stream> streams;
    for (int i = 0; i < 100; ++i) {
        streams.push_back(open());
        hub().create(streams.back().id, {.key = "a", .start_revision = 1 + i});
    }
    settle();
    for (int i = 0; i < 100; ++i) {
        const auto received = streams[static_cast<size_t>(i)].sink.take();
        EXPECT_EQ(all_texts(received).size(), static_cast<size_t>(i < 2 ? 500 : 501 - i));
    }
    EXPECT_LE(source_.reads, 2);
}

// A watcher that has nearly caught up does not wait for one that begins at the beginning.
TEST_F(SlowClientTest, ALongWayToGoHoldsUpNobody) {
    options_.feed.round_revisions_max = 10;
    for (int i = 0; i < 10000; ++i) {
        source_.put("a", std::to_string(i));
    }
    Stream far = open();
    for (int i = 0; i < 20; ++i) {
        hub().create(far.id, {.key = "a", .start_revision = 1 + 20 * i});
    }
    Stream near = open();
    hub().create(near.id, {.key = "a", .start_revision = 9990});
    near.sink.take();
    for (int slice = 0; slice < 4; ++slice) {
        ASSERT_TRUE(hub().run_slice().has_value());
    }
    EXPECT_EQ(all_texts(near.sink.take()).size(), 12U);
    EXPECT_GT(hub().stats().slow_watchers, 0U);
}

// Single keys and ranges, new and old starts, quick and slow clients, all at once.
TEST_F(SlowClientTest, TenThousandWatchersGetWhatTheyAreOwed) {
    constexpr int kKeys = 100;
    constexpr int kWatchersPerStream = 100;
    const auto key = [](int i) { return "k" + std::to_string(100 + i); };
    const auto write_all = [&] {
        for (int i = 0; i < kKeys; ++i) {
            source_.put(key(i), "v");
        }
    };
    write_all();
    // settle() would look at every watcher after every slice.
    const auto run = [&] {
        while (hub().run_slice().value()) {
        }
        hub().check_invariants();
    };
    std::vector<Stream> streams;
    for (int s = 0; s < 100; ++s) {
        streams.push_back(open());
        for (int i = 0; i < kWatchersPerStream; ++i) {
            WatchCreate request;
            const std::string from = key(i);
            const std::string to = key(i + 2);
            request.key = from;
            request.range_end = s % 2 == 0 ? ByteView() : ByteView(to);
            request.start_revision = s % 4 < 2 ? 0 : 1;
            hub().create(streams.back().id, request);
        }
        if (s % 5 == 0) {
            streams.back().sink.room = 3;
        }
    }
    run();
    write_all();
    run();
    for (Stream& stream : streams) {
        writable(stream);
    }
    run();
    for (size_t s = 0; s < streams.size(); ++s) {
        size_t events = 0;
        for (const Received& received : streams[s].sink.take()) {
            events += received.events.size();
        }
        const size_t keys_seen = s % 2 == 0 ? kKeys : 2 * kKeys - 1;
        EXPECT_EQ(events, keys_seen * (s % 4 < 2 ? 1 : 2)) << "stream " << s;
    }
    EXPECT_EQ(hub().stats().watchers, 10'000U);
    EXPECT_EQ(hub().stats().slow_watchers, 0U);
}

TEST_F(SlowClientTest, AFailedReadLosesNothing) {
    options_.feed.round_revisions_max = 1;
    source_.put("a", "0");
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .prev_kv = true});
    hub().create(stream.id, {.key = "a", .start_revision = 2});
    source_.put("a", "1");
    source_.put("a", "2");
    int failures = 0;
    for (int slice = 0; slice < 20; ++slice) {
        source_.failures = slice % 2 == 0 ? 1 : 0;
        const Result<bool> more = hub().run_slice();
        failures += more.has_value() ? 0 : 1;
        hub().check_invariants();
    }
    source_.failures = 0;
    settle();
    EXPECT_GT(failures, 1);
    Texts first;
    Texts second;
    for (const Received& received : stream.sink.take()) {
        const Texts texts = texts_of(received);
        Texts& all = received.watch_id == 0 ? first : second;
        all.insert(all.end(), texts.begin(), texts.end());
    }
    EXPECT_EQ(first, (Texts{"PUT a=1@3 was 0", "PUT a=2@4 was 1"}));
    EXPECT_EQ(second, (Texts{"PUT a=0@2", "PUT a=1@3", "PUT a=2@4"}));
}

TEST_F(SlowClientTest, AFailedLookupLeavesTheOthersServed) {
    source_.put("a", "0");
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .prev_kv = true});
    hub().create(stream.id, {.key = "a"});
    stream.sink.take();
    source_.put("a", "1");
    source_.lookup_failures = 1;
    EXPECT_FALSE(hub().run_slice().has_value());
    hub().check_invariants();
    EXPECT_EQ(all_texts(stream.sink.take()), Texts{"PUT a=1@3"});
    settle();
    EXPECT_EQ(all_texts(stream.sink.take()), Texts{"PUT a=1@3 was 0"});
}

}  // namespace
}  // namespace quorate::mvcc
