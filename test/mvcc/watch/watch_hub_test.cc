// SPDX-License-Identifier: Apache-2.0
//
// What a client of etcd's Watch sees, case by case.
#include "mvcc/watch_hub.h"

#include "hub_fixture.h"

namespace quorate::mvcc {
namespace {

class WatchHubTest : public HubFixture {};

const std::string kZero(1, '\0');

TEST_F(WatchHubTest, AnswersCreationBeforeAnyEvent) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    source_.put("a", "2");
    settle();

    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_TRUE(received[0].created);
    EXPECT_FALSE(received[0].canceled);
    EXPECT_EQ(received[0].watch_id, 0);
    EXPECT_EQ(received[0].revision, 2);
    EXPECT_TRUE(received[0].events.empty());
    EXPECT_FALSE(received[1].created);
    EXPECT_EQ(received[1].revision, 3);
    EXPECT_EQ(texts_of(received[1]), Texts{"PUT a=2@3"});
}

TEST_F(WatchHubTest, ChoosesIdsAndSkipsThoseInUse) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .watch_id = 1});
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "a", .watch_id = -7});
    Stream other = open();
    hub().create(other.id, {.key = "a"});

    std::vector<int64_t> ids;
    for (const Received& received : stream.sink.take()) {
        EXPECT_TRUE(received.created);
        ids.push_back(received.watch_id);
    }
    EXPECT_EQ(ids, (std::vector<int64_t>{1, 0, 2, -7}));
    EXPECT_EQ(other.sink.take().at(0).watch_id, 0);
}

struct Refused {
    WatchCreate request;
    std::string reason;
};

TEST_F(WatchHubTest, RefusesWhatEtcdRefuses) {
    Stream stream = open();
    hub().create(stream.id, {.key = "x", .watch_id = 5});
    stream.sink.take();
    const std::vector<Refused> cases = {
        {{.key = "y", .watch_id = 5}, "mvcc: duplicate watch ID provided on the WatchStream"},
        {{.key = "b", .range_end = "b"}, "mvcc: watcher range is empty"},
        {{.key = "b", .range_end = "a"}, "mvcc: watcher range is empty"},
        {{.key = "a", .start_revision = -1},
         "etcdserver: mvcc: required revision has been compacted"},
    };
    for (const Refused& refused : cases) {
        hub().create(stream.id, refused.request);
        const auto received = stream.sink.take();
        ASSERT_EQ(received.size(), 1U);
        EXPECT_TRUE(received[0].created);
        EXPECT_TRUE(received[0].canceled);
        EXPECT_EQ(received[0].watch_id, -1);
        EXPECT_EQ(received[0].revision, 1);
        EXPECT_EQ(received[0].cancel_reason, refused.reason);
        EXPECT_EQ(received[0].compact_revision, 0);
    }
    EXPECT_EQ(hub().stats().watchers, 1U);
}

TEST_F(WatchHubTest, PassesOnARefusalOfTheCaller) {
    Stream stream = open();
    hub().refuse(stream.id, "rpc error: code = PermissionDenied desc = no");
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_TRUE(received[0].created && received[0].canceled);
    EXPECT_EQ(received[0].watch_id, -1);
    EXPECT_EQ(received[0].cancel_reason, "rpc error: code = PermissionDenied desc = no");
}

TEST_F(WatchHubTest, RefusesWatchersBeyondItsMemory) {
    options_.watcher_bytes_max = 700;
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "b"});
    hub().create(stream.id, {.key = "c"});
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 3U);
    EXPECT_FALSE(received[1].canceled);
    EXPECT_TRUE(received[2].canceled);
    EXPECT_EQ(received[2].cancel_reason, "etcdserver: too many requests");
    hub().cancel(stream.id, 0);
    hub().create(stream.id, {.key = "c"});
    EXPECT_FALSE(stream.sink.take().back().canceled);
}

TEST_F(WatchHubTest, MatchesKeysRangesAndOpenEnds) {
    Stream stream = open();
    const std::vector<WatchCreate> requests = {
        {.key = "b"},                        // 0
        {.key = "b", .range_end = "d"},      // 1
        {.key = "b", .range_end = kZero},    // 2: from b on
        {.key = kZero, .range_end = kZero},  // 3: everything
        {.key = "", .range_end = kZero},     // 4: everything
        {.key = ""},                         // 5: the key "\0"
        {.key = "b", .range_end = "bb"},     // 6
    };
    for (const WatchCreate& request : requests) {
        hub().create(stream.id, request);
    }
    stream.sink.take();
    const auto watchers_of = [&](const std::string& key) {
        source_.put(key, "v");
        settle();
        std::vector<int64_t> ids;
        for (const Received& received : stream.sink.take()) {
            ids.push_back(received.watch_id);
        }
        std::sort(ids.begin(), ids.end());
        return ids;
    };
    using Ids = std::vector<int64_t>;
    EXPECT_EQ(watchers_of("a"), (Ids{3, 4}));
    EXPECT_EQ(watchers_of("b"), (Ids{0, 1, 2, 3, 4, 6}));
    EXPECT_EQ(watchers_of("ba"), (Ids{1, 2, 3, 4, 6}));
    EXPECT_EQ(watchers_of("bb"), (Ids{1, 2, 3, 4}));
    EXPECT_EQ(watchers_of("d"), (Ids{2, 3, 4}));
    EXPECT_EQ(watchers_of(std::string("\xff\xff")), (Ids{2, 3, 4}));
    EXPECT_EQ(watchers_of(kZero), (Ids{3, 4, 5}));
}

TEST_F(WatchHubTest, SendsLiveEventsOneResponsePerRevision) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .range_end = "z"});
    stream.sink.take();
    source_.commit({{"b", "1"}, {"c", "2"}, {"d", "3"}});
    source_.commit({{"b", std::nullopt}, {"e", "4"}});
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_EQ(texts_of(received[0]), (Texts{"PUT b=1@2", "PUT c=2@2", "PUT d=3@2"}));
    EXPECT_EQ(received[0].revision, 2);
    EXPECT_EQ(texts_of(received[1]), (Texts{"DELETE b@3", "PUT e=4@3"}));
    EXPECT_EQ(received[1].revision, 3);
}

TEST_F(WatchHubTest, CatchesUpManyRevisionsInOneResponse) {
    for (int i = 0; i < 10; ++i) {
        source_.put("a", std::to_string(i));
    }
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 4});
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_TRUE(received[0].created);
    EXPECT_EQ(received[1].events.size(), 8U);
    EXPECT_EQ(text_of(received[1].events.front()), "PUT a=2@4");
    EXPECT_EQ(received[1].revision, 11) << "catching up shows the current revision";

    source_.put("a", "live");
    settle();
    EXPECT_EQ(texts_of(stream.sink.take().at(0)), Texts{"PUT a=live@12"});
}

TEST_F(WatchHubTest, NeverPutsMoreThanAThousandRevisionsInAResponse) {
    for (int i = 0; i < 2500; ++i) {
        source_.commit({{"a", std::to_string(i)}, {"b", "x"}});
    }
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .range_end = "c", .start_revision = 1});
    settle();
    const auto received = stream.sink.take();
    std::vector<size_t> sizes;
    for (size_t i = 1; i < received.size(); ++i) {
        sizes.push_back(received[i].events.size());
        EXPECT_EQ(received[i].events.size() % 2, 0U) << "a revision was split";
    }
    // Revision 1 changed nothing and counts for the window.
    EXPECT_EQ(sizes, (std::vector<size_t>{1998, 2000, 1002}));
}

TEST_F(WatchHubTest, EndsCatchUpResponsesBySize) {
    options_.feed.response_bytes_max = 5000;
    for (int i = 0; i < 20; ++i) {
        source_.commit({{"a", std::string(1000, 'x')}, {"b", std::string(1000, 'y')}});
    }
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .range_end = "c", .start_revision = 1});
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 8U);
    for (size_t i = 1; i + 1 < received.size(); ++i) {
        EXPECT_EQ(received[i].events.size(), 6U);
        EXPECT_FALSE(received[i].fragment);
    }
}

TEST_F(WatchHubTest, StartsAheadOfTheStore) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 5});
    stream.sink.take();
    source_.put("a", "3");
    source_.put("a", "4");
    settle();
    EXPECT_TRUE(stream.sink.take().empty());
    source_.put("a", "5");
    settle();
    EXPECT_EQ(texts_of(stream.sink.take().at(0)), Texts{"PUT a=5@5"});
}

TEST_F(WatchHubTest, StartingNowMissesWhatTheHubHasStillToWalk) {
    Stream stream = open();
    hub().create(stream.id, {.key = "b"});  // so that the hub has something to walk for
    source_.put("a", "old");
    hub().create(stream.id, {.key = "a"});
    source_.put("a", "new");
    stream.sink.take();
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(texts_of(received[0]), Texts{"PUT a=new@3"});
}

TEST_F(WatchHubTest, StartsAtTheCompactRevision) {
    for (int i = 0; i < 5; ++i) {
        source_.put("a", std::to_string(i));
    }
    source_.compact(4);
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 4});
    settle();
    EXPECT_EQ(texts_of(stream.sink.take().at(1)), (Texts{"PUT a=2@4", "PUT a=3@5", "PUT a=4@6"}));
}

TEST_F(WatchHubTest, CancelsAStartBelowTheCompactRevision) {
    for (int i = 0; i < 5; ++i) {
        source_.put("a", std::to_string(i));
    }
    source_.compact(4);
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 3});
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_TRUE(received[0].created);
    EXPECT_FALSE(received[0].canceled);
    EXPECT_EQ(received[0].watch_id, 0);
    EXPECT_TRUE(received[1].canceled);
    EXPECT_FALSE(received[1].created);
    EXPECT_EQ(received[1].watch_id, 0);
    EXPECT_EQ(received[1].compact_revision, 4);
    EXPECT_EQ(received[1].revision, 0);
    EXPECT_EQ(received[1].cancel_reason, "");
    EXPECT_TRUE(received[1].events.empty());
    EXPECT_EQ(hub().stats().watchers, 0U);
}

TEST_F(WatchHubTest, CancelAnswersWithTheIdAndOnlyForWatchersThatExist) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    stream.sink.take();
    hub().cancel(stream.id, 7);
    EXPECT_TRUE(stream.sink.take().empty());
    hub().cancel(stream.id, 0);
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_TRUE(received[0].canceled);
    EXPECT_EQ(received[0].watch_id, 0);
    EXPECT_EQ(received[0].revision, 2);
    EXPECT_EQ(received[0].compact_revision, 0);
    source_.put("a", "2");
    settle();
    EXPECT_TRUE(stream.sink.take().empty());
}

TEST_F(WatchHubTest, FiltersAndNeverSendsAnEmptyResponse) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .no_put = true});
    hub().create(stream.id, {.key = "a", .no_delete = true});
    stream.sink.take();
    source_.put("a", "1");
    source_.erase("a");
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_EQ(received[0].watch_id, 1);
    EXPECT_EQ(texts_of(received[0]), Texts{"PUT a=1@2"});
    EXPECT_EQ(received[1].watch_id, 0);
    EXPECT_EQ(texts_of(received[1]), Texts{"DELETE a@3"});
}

TEST_F(WatchHubTest, GivesThePreviousPairWhereThereWasOne) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .prev_kv = true});
    hub().create(stream.id, {.key = "a"});
    stream.sink.take();
    source_.put("a", "1");
    source_.put("a", "2");
    source_.erase("a");
    source_.put("a", "3");
    settle();
    Texts with;
    Texts without;
    for (const Received& received : stream.sink.take()) {
        (received.watch_id == 0 ? with : without).push_back(texts_of(received).at(0));
    }
    EXPECT_EQ(with, (Texts{"PUT a=1@2", "PUT a=2@3 was 1", "DELETE a@4 was 2", "PUT a=3@5"}));
    EXPECT_EQ(without, (Texts{"PUT a=1@2", "PUT a=2@3", "DELETE a@4", "PUT a=3@5"}));
    EXPECT_EQ(source_.lookups, 2) << "creations need no lookup";
}

TEST_F(WatchHubTest, LooksUpAPreviousPairOnceForAllWatchers) {
    Stream stream = open();
    for (int i = 0; i < 50; ++i) {
        hub().create(stream.id, {.key = "a", .prev_kv = true});
    }
    source_.put("a", "1");
    source_.put("a", "2");
    settle();
    EXPECT_EQ(source_.lookups, 1);
}

TEST_F(WatchHubTest, LeavesOutAPreviousPairThatIsCompacted) {
    source_.put("a", "1");
    source_.put("a", "2");
    source_.put("a", "3");
    source_.compact(3);
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 3, .prev_kv = true});
    settle();
    EXPECT_EQ(texts_of(stream.sink.take().at(1)), (Texts{"PUT a=2@3", "PUT a=3@4 was 2"}));
}

// --- Progress.

TEST_F(WatchHubTest, AnswersAProgressRequestOfASyncedStream) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "b"});
    stream.sink.take();
    hub().request_progress(stream.id);
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].watch_id, -1);
    EXPECT_EQ(received[0].revision, 2);
    EXPECT_FALSE(received[0].created || received[0].canceled);
    EXPECT_TRUE(received[0].events.empty());
}

TEST_F(WatchHubTest, DropsAProgressRequestWithoutWatchers) {
    Stream stream = open();
    hub().request_progress(stream.id);
    EXPECT_TRUE(stream.sink.take().empty());
}

TEST_F(WatchHubTest, DropsAProgressRequestWhileAWatcherIsBehind) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "b"});
    hub().create(stream.id, {.key = "a", .start_revision = 1});
    stream.sink.take();
    hub().request_progress(stream.id);
    EXPECT_TRUE(stream.sink.take().empty());
    settle();
    EXPECT_EQ(stream.sink.take().at(0).watch_id, 1);
    hub().request_progress(stream.id);
    EXPECT_EQ(stream.sink.take().at(0).watch_id, -1);
}

TEST_F(WatchHubTest, ProgressComesAfterAllThatWasPublishedBeforeItWasAskedFor) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    stream.sink.take();
    source_.put("a", "1");
    hub().request_progress(stream.id);
    hub().request_progress(stream.id);
    EXPECT_TRUE(stream.sink.take().empty()) << "revision 2 has not been delivered";
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_EQ(texts_of(received[0]), Texts{"PUT a=1@2"});
    EXPECT_EQ(received[1].watch_id, -1);
    EXPECT_EQ(received[1].revision, 2);
}

TEST_F(WatchHubTest, ProgressIsDroppedWhenTheWatcherFallsBehindMeanwhile) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    stream.sink.take();
    source_.put("a", "1");
    source_.put("a", "2");
    hub().request_progress(stream.id);
    stream.sink.room = 1;
    settle();
    writable(stream);
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_EQ(texts_of(received[1]), Texts{"PUT a=2@3"});
}

TEST_F(WatchHubTest, ProgressNeverFallsBehindTheAnswerToACreation) {
    Stream stream = open();
    hub().create(stream.id, {.key = "x"});
    source_.put("a", "1");
    hub().create(stream.id, {.key = "a"});
    EXPECT_EQ(stream.sink.take().back().revision, 2);
    hub().request_progress(stream.id);
    settle();
    EXPECT_EQ(stream.sink.take().at(0).revision, 2);
}

TEST_F(WatchHubTest, NoProgressBelowAFutureStart) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 3});
    stream.sink.take();
    hub().request_progress(stream.id);
    EXPECT_TRUE(stream.sink.take().empty());
    source_.put("x", "1");
    settle();
    hub().request_progress(stream.id);
    EXPECT_TRUE(stream.sink.take().empty());
    source_.put("x", "2");
    settle();
    hub().request_progress(stream.id);
    EXPECT_EQ(stream.sink.take().at(0).revision, 3);
}

TEST_F(WatchHubTest, ACancelledFutureStartHoldsUpNobody) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 1000});
    hub().create(stream.id, {.key = "a"});
    hub().cancel(stream.id, 0);
    stream.sink.take();
    hub().request_progress(stream.id);
    EXPECT_EQ(stream.sink.take().at(0).revision, 1);
}

TEST_F(WatchHubTest, NotifiesOfProgressWhileAWatcherIsQuiet) {
    Stream stream = open();
    hub().tick(5000);
    hub().create(stream.id, {.key = "a", .progress_notify = true});
    hub().create(stream.id, {.key = "a"});
    stream.sink.take();
    hub().tick(6049);
    EXPECT_TRUE(stream.sink.take().empty());
    hub().tick(6050);  // 1000 and half of the greatest jitter
    auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].watch_id, 0);
    EXPECT_EQ(received[0].revision, 1);

    source_.put("a", "1");
    settle();
    stream.sink.take();
    hub().tick(7100);
    EXPECT_TRUE(stream.sink.take().empty()) << "it had an event since the last tick";
    hub().tick(8150);
    received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_EQ(received[0].revision, 2);

    hub().cancel(stream.id, 0);
    stream.sink.take();
    hub().tick(20000);
    EXPECT_TRUE(stream.sink.take().empty());
}

TEST_F(WatchHubTest, CoarseTicksDoNotStretchTheIntervalOfProgress) {
    Stream stream = open();
    hub().tick(0);
    hub().create(stream.id, {.key = "a", .progress_notify = true});
    stream.sink.take();
    size_t notifications = 0;
    for (int64_t now_ms = 0; now_ms <= 21'000; now_ms += 700) {
        hub().tick(now_ms);
        notifications += stream.sink.take().size();
    }
    EXPECT_EQ(notifications, 20U);  // one each 1050, not each 1400
}

TEST_F(WatchHubTest, DoesNotNotifyOfProgressWhileBehindOrBusy) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .start_revision = 2, .progress_notify = true});
    stream.sink.take();
    hub().tick(2000);
    EXPECT_TRUE(stream.sink.take().empty());
    stream.sink.room = 1;
    settle();
    EXPECT_EQ(stream.sink.take().size(), 1U);
    hub().tick(4000);
    hub().tick(6000);
    EXPECT_TRUE(stream.sink.take().empty());
    writable(stream);
    hub().tick(8000);
    EXPECT_EQ(stream.sink.take().at(0).watch_id, 0);
}

// --- Fragments.

class FragmentTest : public HubFixture {
  protected:
    FragmentTest()
        : HubFixture([] {
              WatchHubOptions options = test_options();
              options.feed.fragment_bytes = 3000;
              return options;
          }()) {}
};

TEST_F(FragmentTest, SplitsALargeResponseForThoseWhoAllowIt) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .range_end = "z", .fragment = true});
    hub().create(stream.id, {.key = "a", .range_end = "z"});
    stream.sink.take();
    std::vector<FakeSource::Edit> edits;
    for (char c = 'b'; c < 'j'; ++c) {
        edits.push_back({std::string(1, c), std::string(1000, c)});
    }
    source_.commit(edits);
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 5U);
    std::string keys;
    for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(received[i].watch_id, 0);
        EXPECT_EQ(received[i].fragment, i < 3);
        EXPECT_EQ(received[i].revision, 2);
        EXPECT_EQ(received[i].events.size(), 2U);
        for (const mvccpb::Event& event : received[i].events) {
            keys += event.kv().key();
        }
    }
    EXPECT_EQ(keys, "bcdefghi");
    EXPECT_EQ(received[4].watch_id, 1);
    EXPECT_FALSE(received[4].fragment);
    EXPECT_EQ(received[4].events.size(), 8U);
}

TEST_F(FragmentTest, NeverSplitsASingleEvent) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .fragment = true});
    stream.sink.take();
    source_.put("a", std::string(10000, 'x'));
    settle();
    const auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 1U);
    EXPECT_FALSE(received[0].fragment);
}

// Clients join fragments and drop what comes in between, so a response is completed first.
TEST_F(FragmentTest, CompletesAResponseThatMadeTheStreamBusy) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a", .range_end = "z", .fragment = true});
    hub().create(stream.id, {.key = "a", .range_end = "z"});
    stream.sink.take();
    std::vector<FakeSource::Edit> edits;
    for (char c = 'b'; c < 'j'; ++c) {
        edits.push_back({std::string(1, c), std::string(1000, c)});
    }
    stream.sink.room = 2;
    source_.commit(edits);
    settle();
    hub().create(stream.id, {.key = "y"});
    hub().request_progress(stream.id);
    auto received = stream.sink.take();
    ASSERT_EQ(received.size(), 4U);
    for (size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(received[i].watch_id, 0);
        EXPECT_EQ(received[i].fragment, i < 3);
    }
    writable(stream);
    settle();
    received = stream.sink.take();
    ASSERT_EQ(received.size(), 2U);
    EXPECT_TRUE(received[0].created);
    EXPECT_EQ(received[1].watch_id, 1);
    EXPECT_EQ(received[1].events.size(), 8U);
}

// --- Ends.

TEST_F(WatchHubTest, EndsStreamsThatRequireALeader) {
    Stream patient = open();
    Stream strict = open({.require_leader = true});
    hub().create(patient.id, {.key = "a"});
    hub().create(strict.id, {.key = "a"});
    hub().leader_lost();
    EXPECT_EQ(strict.sink.finished.message(), "etcdserver: no leader");
    EXPECT_TRUE(patient.sink.finished.ok());
    hub().close_stream(strict.id);
    EXPECT_EQ(hub().stats().streams, 1U);
    EXPECT_EQ(hub().stats().watchers, 1U);
    hub().shutdown();
    EXPECT_EQ(patient.sink.finished.message(), "etcdserver: server stopped");
    EXPECT_EQ(hub().stats().streams, 0U);
    hub().check_invariants();
}

TEST_F(WatchHubTest, IgnoresRequestsOfStreamsThatAreGone) {
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    hub().close_stream(stream.id);
    hub().create(stream.id, {.key = "b"});
    hub().cancel(stream.id, 0);
    hub().refuse(stream.id, "no");
    hub().request_progress(stream.id);
    hub().writable(stream.id);
    source_.put("a", "1");
    settle();
    EXPECT_EQ(stream.sink.take().size(), 1U);
}

TEST_F(WatchHubTest, AStreamThatGoesAwayStopsBeingServed) {
    Stream stream = open();
    Stream other = open();
    hub().create(stream.id, {.key = "a"});
    hub().create(other.id, {.key = "a"});
    stream.sink.gone = true;
    source_.put("a", "1");
    settle();
    hub().create(stream.id, {.key = "b"});
    source_.put("a", "2");
    settle();
    EXPECT_EQ(stream.sink.take().size(), 1U);
    EXPECT_EQ(other.sink.take().size(), 3U);
    hub().close_stream(stream.id);
    settle();
}

TEST_F(WatchHubTest, CountsWhatItDoes) {
    source_.put("a", "1");
    Stream stream = open();
    hub().create(stream.id, {.key = "a"});
    hub().create(stream.id, {.key = "a", .start_revision = 1});
    source_.put("a", "2");
    WatchHubStats stats = hub().stats();
    EXPECT_EQ(stats.streams, 1U);
    EXPECT_EQ(stats.watchers, 2U);
    EXPECT_EQ(stats.slow_watchers, 1U);
    EXPECT_EQ(stats.pending_revisions, 1);
    settle();
    stats = hub().stats();
    EXPECT_EQ(stats.slow_watchers, 0U);
    EXPECT_EQ(stats.pending_revisions, 0);
    EXPECT_EQ(stats.events_total, 3U);
}

}  // namespace
}  // namespace quorate::mvcc
