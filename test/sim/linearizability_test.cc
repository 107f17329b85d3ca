// SPDX-License-Identifier: Apache-2.0
//
// Both checks against histories that are known to be good or bad: written by hand, and made from
// good random ones by changing one answer.
#include "sim/linearizability.h"

#include "sim/model.h"
#include "sim/revision_check.h"
#include "sim/rng.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace quorate::sim {
namespace {

Operation put_op(const std::string& key, const std::string& value) {
    return {.kind = Operation::Kind::kPut, .key = key, .value = value};
}
Operation get_op(const std::string& key) {
    return {.kind = Operation::Kind::kRange, .key = key};
}
Operation delete_op(const std::string& key) {
    return {.kind = Operation::Kind::kDelete, .key = key};
}

struct Span {
    int64_t start;
    int64_t end;
};

Call put(Span span, const std::string& value, int64_t revision) {
    Call call;
    call.start_ns = span.start;
    call.end_ns = span.end;
    call.success = {put_op("x", value)};
    call.revision = revision;
    call.results.resize(1);
    return call;
}

Call lost_put(int64_t start, const std::string& value) {
    Call call = put({start, Call::kNever}, value, 0);
    call.results.clear();
    return call;
}

// `created` and version are those of a key that was put once unless said otherwise.
Call get(Span span, const std::string& value, int64_t mod, int64_t created, int64_t version) {
    Call call;
    call.start_ns = span.start;
    call.end_ns = span.end;
    call.success = {get_op("x")};
    call.revision = mod;
    call.results = {{.kvs = {{"x", value, created, mod, version, 0}}}};
    return call;
}

Call get_nothing(Span span, int64_t revision) {
    Call call = get(span, "", revision, 0, 0);
    call.results.front().kvs.clear();
    return call;
}

Call remove(Span span, int64_t deleted, int64_t revision) {
    Call call;
    call.start_ns = span.start;
    call.end_ns = span.end;
    call.success = {delete_op("x")};
    call.revision = revision;
    call.results = {{.deleted = deleted}};
    return call;
}

Call swap(Span span, int64_t expected, const std::string& value, bool succeeded, int64_t revision) {
    Call call;
    call.start_ns = span.start;
    call.end_ns = span.end;
    call.compares = {{.key = "x", .mod_revision = expected}};
    call.success = {put_op("x", value)};
    call.succeeded = succeeded;
    call.revision = revision;
    if (succeeded) {
        call.results.resize(1);
    }
    return call;
}

bool has_order(std::vector<Call> calls) {
    History history;
    history.calls = std::move(calls);
    const Linearizability result = check_linearizability(history);
    EXPECT_TRUE(result.undecided.empty());
    return result.findings.empty();
}

TEST(Linearizability, NothingAndOneCallAreFine) {
    EXPECT_TRUE(has_order({}));
    EXPECT_TRUE(has_order({put({1, 2}, "a", 2)}));
    EXPECT_TRUE(has_order({get_nothing({1, 2}, 1)}));
}

TEST(Linearizability, ARead_SeesTheLastPut) {
    EXPECT_TRUE(has_order({put({1, 2}, "a", 2), get({3, 4}, "a", 2, 2, 1)}));
    EXPECT_FALSE(has_order({put({1, 2}, "a", 2), get_nothing({3, 4}, 2)}));
    EXPECT_FALSE(has_order({put({1, 2}, "a", 2), put({3, 4}, "b", 3), get({5, 6}, "a", 2, 2, 1)}));
}

TEST(Linearizability, ConcurrentCallsMayComeInAnyOrder) {
    EXPECT_TRUE(has_order({put({1, 10}, "a", 2), get_nothing({2, 3}, 1)}));
    EXPECT_TRUE(has_order({put({1, 10}, "a", 2), get({2, 3}, "a", 2, 2, 1)}));
    EXPECT_TRUE(
        has_order({put({1, 10}, "a", 3), put({1, 10}, "b", 2), get({11, 12}, "a", 3, 2, 2)}));
}

TEST(Linearizability, TwoReadsDoNotGoBackInTime) {
    EXPECT_FALSE(
        has_order({put({1, 10}, "a", 2), get({2, 3}, "a", 2, 2, 1), get_nothing({4, 5}, 1)}));
    EXPECT_TRUE(
        has_order({put({1, 10}, "a", 2), get_nothing({2, 3}, 1), get({4, 5}, "a", 2, 2, 1)}));
}

TEST(Linearizability, AnUnansweredPutMayHappenLateOrNever) {
    EXPECT_TRUE(has_order({lost_put(1, "a"), get_nothing({2, 3}, 1)}));
    EXPECT_TRUE(has_order({lost_put(1, "a"), get_nothing({2, 3}, 1), get({4, 5}, "a", 2, 2, 1)}));
    EXPECT_FALSE(has_order({lost_put(4, "a"), get({2, 3}, "a", 2, 2, 1)}));
    // Once seen it has happened.
    EXPECT_FALSE(has_order({lost_put(1, "a"), get({2, 3}, "a", 2, 2, 1), get_nothing({4, 5}, 2)}));
}

TEST(Linearizability, AnUnansweredPutThatNobodyReadIsSeenByTheVersion) {
    EXPECT_TRUE(has_order({lost_put(1, "a"), put({2, 3}, "b", 3), get({4, 5}, "b", 3, 2, 2)}));
    EXPECT_FALSE(has_order({lost_put(1, "a"), put({2, 3}, "b", 3), get({4, 5}, "b", 3, 2, 3)}));
    EXPECT_TRUE(has_order(
        {lost_put(1, "a"), lost_put(1, "c"), put({2, 3}, "b", 4), get({4, 5}, "b", 4, 2, 3)}));
}

TEST(Linearizability, APutThatHappenedTwiceIsFound) {
    EXPECT_FALSE(has_order({put({1, 2}, "a", 2), get({3, 4}, "a", 3, 2, 2)}));
}

TEST(Linearizability, DeletesSayWhatWasThere) {
    EXPECT_TRUE(has_order({put({1, 2}, "a", 2), remove({3, 4}, 1, 3), get_nothing({5, 6}, 3)}));
    EXPECT_FALSE(has_order({put({1, 2}, "a", 2), remove({3, 4}, 0, 2)}));
    EXPECT_FALSE(has_order({remove({3, 4}, 1, 2)}));
    EXPECT_FALSE(has_order({put({1, 2}, "a", 2), remove({3, 4}, 1, 3), remove({5, 6}, 1, 4)}));
}

TEST(Linearizability, OneOfTwoSwapsSucceeds) {
    const Call first = put({1, 2}, "a", 2);
    EXPECT_TRUE(has_order({first, swap({3, 9}, 2, "b", true, 3), swap({3, 9}, 2, "c", false, 3)}));
    EXPECT_FALSE(has_order({first, swap({3, 9}, 2, "b", true, 3), swap({3, 9}, 2, "c", true, 4)}));
    EXPECT_FALSE(
        has_order({first, swap({3, 9}, 2, "b", false, 2), swap({3, 9}, 2, "c", false, 2)}));
}

TEST(Linearizability, SerializableReadsMayBeOld) {
    Call old = get_nothing({3, 4}, 1);
    old.serializable = true;
    EXPECT_TRUE(has_order({put({1, 2}, "a", 2), old}));
}

TEST(Linearizability, GivesUpAtItsLimit) {
    History history;
    for (int i = 0; i < 12; ++i) {
        history.calls.push_back(put({1, 100}, "v" + std::to_string(i), 2 + i));
    }
    history.calls.push_back(get_nothing({200, 300}, 13));
    EXPECT_EQ(check_linearizability(history, {.states_max = 1000}).undecided.size(), 1u);
    EXPECT_EQ(check_linearizability(history).findings.size(), 1u);
}

// A correct store under random concurrent clients, some of whom never hear of it.
History random_history(uint64_t seed) {
    Rng random(seed);
    History history;
    Model model;
    int64_t revision = 1;
    const std::vector<std::string> keys = {"x", "y", "z"};
    for (int64_t i = 0; i < 150; ++i) {
        Call call;
        call.client = random.between(0, 5);
        const int64_t happens = 100 * i;
        call.start_ns = happens - random.between(1, 400);
        call.end_ns = happens + random.between(1, 400);
        const std::string key = keys[random.below(3)];
        const std::string value = "v" + std::to_string(i);
        switch (random.below(6)) {
            case 0:
            case 1:
                call.success = {put_op(key, value)};
                break;
            case 2:
                call.success = {delete_op(key)};
                break;
            case 3: {
                const auto it = model.keys().find(key);
                const int64_t at = it == model.keys().end() ? 0 : it->second.mod_revision;
                call.compares = {{.key = key, .mod_revision = random.permille(700) ? at : at + 1}};
                call.success = {put_op(key, value)};
                call.failure = {get_op(key)};
                break;
            }
            case 4:
                call.success = {put_op("x", value + "x"), put_op("y", value + "y"), get_op("z")};
                break;
            default:
                call.success = {get_op(key)};
                break;
        }
        const bool lost = random.permille(100);
        if (lost && random.permille(500)) {
            call.end_ns = Call::kNever;  // and never arrived
            history.calls.push_back(call);
            continue;
        }
        const Expected expected = model.run(call, revision + 1);
        revision += expected.changes.empty() ? 0 : 1;
        for (const Change& change : expected.changes) {
            model.apply(change);
            history.changes.push_back(change);
        }
        if (lost) {
            call.end_ns = Call::kNever;
        } else {
            call.revision = revision;
            call.succeeded = expected.succeeded;
            call.results = expected.results;
        }
        history.calls.push_back(call);
    }
    return history;
}

TEST(Linearizability, RandomGoodHistoriesAreGood) {
    for (uint64_t seed = 0; seed < 100; ++seed) {
        const History history = random_history(seed);
        EXPECT_EQ(check_revisions(history), std::vector<std::string>()) << "seed " << seed;
        const Linearizability searched = check_linearizability(history);
        EXPECT_EQ(searched.findings, std::vector<std::string>()) << "seed " << seed;
        EXPECT_EQ(searched.undecided, std::vector<std::string>()) << "seed " << seed;
    }
}

// Changes one thing that a client was told, or that happened. False when there is nothing to
// change.
bool spoil(History& history, Rng& random) {
    Call& call = history.calls[random.below(history.calls.size())];
    if (!call.answered()) {
        return false;
    }
    switch (random.below(5)) {
        case 0: {  // reads an older value
            if (call.results.empty() || call.results.back().kvs.empty()) {
                return false;
            }
            KeyValue& kv = call.results.back().kvs.front();
            for (auto it = history.changes.rbegin(); it != history.changes.rend(); ++it) {
                if (!it->deletion && it->kv.key == kv.key &&
                    it->kv.mod_revision < kv.mod_revision - 20) {
                    kv = it->kv;
                    return true;
                }
            }
            return false;
        }
        case 1:  // finds nothing
            if (call.results.empty() || call.results.back().kvs.empty()) {
                return false;
            }
            call.results.back().kvs.clear();
            return true;
        case 2:  // the other branch
            if (call.compares.empty() || !call.succeeded) {
                return false;
            }
            call.succeeded = false;
            call.results = {{}};
            return true;
        case 3:  // an answered change is lost
            for (size_t i = 0; i < history.changes.size(); ++i) {
                if (history.changes[i].kv.mod_revision == call.revision) {
                    history.changes.erase(history.changes.begin() + static_cast<ptrdiff_t>(i));
                    return true;
                }
            }
            return false;
        default:  // a change happens twice
            if (call.branch().front().kind != Operation::Kind::kPut) {
                return false;
            }
            for (const Change& change : history.changes) {
                if (change.kv.value == call.branch().front().value) {
                    Change again = change;
                    again.kv.mod_revision = history.changes.back().kv.mod_revision + 1;
                    again.kv.version += 1;
                    history.changes.push_back(again);
                    return true;
                }
            }
            return false;
    }
}

TEST(Linearizability, SpoiledHistoriesAreBad) {
    uint64_t spoiled = 0;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        Rng random(seed, "spoil");
        History history = random_history(seed);
        if (spoil(history, random)) {
            ++spoiled;
            EXPECT_FALSE(check_revisions(history).empty()) << "seed " << seed;
        }
    }
    EXPECT_GT(spoiled, 60u);
}

// What the search alone must find: answers that no order explains, without a look at revisions of
// other keys.
TEST(Linearizability, TheSearchFindsWrongReads) {
    uint64_t spoiled = 0;
    for (uint64_t seed = 0; seed < 300; ++seed) {
        Rng random(seed, "spoil reads");
        History history = random_history(seed);
        Call& call = history.calls[random.below(history.calls.size())];
        if (!call.answered() || call.results.empty() || call.results.back().kvs.empty()) {
            continue;
        }
        ++spoiled;
        // More puts than there were calls without an answer.
        call.results.back().kvs.front().version += 100;
        EXPECT_FALSE(check_linearizability(history).findings.empty()) << "seed " << seed;
    }
    EXPECT_GT(spoiled, 30u);
}

TEST(RevisionCheck, TheOrderOfTimeIsThatOfRevisions) {
    History history;
    history.calls = {put({1, 2}, "a", 3), put({3, 4}, "b", 2)};
    history.changes = {{{"x", "b", 2, 2, 1, 0}, false}, {{"x", "a", 2, 3, 2, 0}, false}};
    EXPECT_EQ(check_revisions(history).size(), 1u);
    history.calls[1].start_ns = 2;
    EXPECT_TRUE(check_revisions(history).empty());
}

TEST(RevisionCheck, AReadOfAnOldRevisionNeverChanges) {
    History history;
    Call read = get({5, 6}, "a", 2, 2, 1);
    read.success.front().revision = 2;
    read.revision = 3;
    history.calls = {put({1, 2}, "a", 2), put({3, 4}, "b", 3), read};
    history.changes = {{{"x", "a", 2, 2, 1, 0}, false}, {{"x", "b", 2, 3, 2, 0}, false}};
    EXPECT_TRUE(check_revisions(history).empty());
    history.calls[2].results.front().kvs.front().value = "b";
    EXPECT_EQ(check_revisions(history).size(), 1u);
}

TEST(RevisionCheck, HalfOfATransactionIsFound) {
    History history;
    Call both;
    both.start_ns = 1;
    both.end_ns = 2;
    both.success = {put_op("x", "1"), put_op("y", "1")};
    both.revision = 2;
    both.results.resize(2);
    history.calls = {both};
    history.changes = {{{"x", "1", 2, 2, 1, 0}, false}, {{"y", "1", 2, 2, 1, 0}, false}};
    EXPECT_TRUE(check_revisions(history).empty());
    history.changes.pop_back();
    EXPECT_FALSE(check_revisions(history).empty());
}

TEST(RevisionCheck, OnlyKeysOnLeasesGoByThemselves) {
    History history;
    history.leases_expire = true;
    Call held = put({1, 2}, "a", 2);
    held.success.front().lease = 7;
    history.calls = {held};
    history.changes = {{{"x", "a", 2, 2, 1, 7}, false}, {{.key = "x", .mod_revision = 3}, true}};
    EXPECT_TRUE(check_revisions(history).empty());
    history.calls.front().success.front().lease = 0;
    history.changes.front().kv.lease = 0;
    EXPECT_FALSE(check_revisions(history).empty());
}

// Both unanswered calls could have made the first deletion, but for the time of the second one.
TEST(RevisionCheck, NoCallChangesWhatHappenedBeforeIt) {
    History history;
    Call wide = remove({3, Call::kNever}, 0, 0);
    wide.success.front().range_end = "z";
    Call other = put({9, 10}, "a", 5);
    other.success.front().key = "y";
    Call narrow = remove({11, Call::kNever}, 0, 0);
    wide.results.clear();
    narrow.results.clear();
    history.calls = {put({1, 2}, "a", 2), wide,  get_nothing({5, 6}, 3),
                     put({7, 8}, "b", 4), other, narrow};
    history.changes = {{{"x", "a", 2, 2, 1, 0}, false},
                       {{.key = "x", .mod_revision = 3}, true},
                       {{"x", "b", 4, 4, 1, 0}, false},
                       {{"y", "a", 5, 5, 1, 0}, false},
                       {{.key = "x", .mod_revision = 6}, true}};
    EXPECT_TRUE(check_revisions(history).empty());
    // Without the second one nobody has made the last deletion.
    history.calls.pop_back();
    EXPECT_FALSE(check_revisions(history).empty());
}

}  // namespace
}  // namespace quorate::sim
