// SPDX-License-Identifier: Apache-2.0
#include "sim/watch_check.h"

#include "sim/lease_check.h"

#include <gtest/gtest.h>

namespace quorate::sim {
namespace {

const KeyValue kFirst = {"x", "1", 2, 2, 1, 0};
const KeyValue kSecond = {"x", "2", 2, 4, 2, 0};
// x=1 at 2, y=1 at 3, x=2 at 4, x gone at 5.
const std::vector<Change> kChanges = {{kFirst, false},
                                      {{"y", "1", 3, 3, 1, 0}, false},
                                      {kSecond, false},
                                      {{.key = "x", .mod_revision = 5}, true}};

WatchItem event(size_t change, std::optional<KeyValue> previous = {}) {
    return {.kind = WatchItem::Kind::kEvent,
            .revision = kChanges[change].kv.mod_revision,
            .change = kChanges[change],
            .previous = std::move(previous)};
}

WatchItem progress(int64_t revision) {
    return {.kind = WatchItem::Kind::kProgress, .revision = revision};
}

WatchItem compacted(int64_t revision) {
    return {.kind = WatchItem::Kind::kCompacted, .revision = revision};
}

bool is_fine(const std::vector<WatchItem>& items, int64_t complete_to = 5,
             int64_t compact_revision = 0) {
    WatchRecord record;
    record.key = "x";
    record.start_revision = 2;
    record.items = items;
    record.complete_to = complete_to;
    record.compact_revision = compact_revision;
    return check_watch(record, kChanges).empty();
}

TEST(WatchCheck, AllInOrderIsFine) {
    EXPECT_TRUE(is_fine({event(0), event(2), event(3)}));
    EXPECT_TRUE(is_fine({event(0), event(2)}, 4));
    EXPECT_TRUE(is_fine({event(0), progress(3), event(2), progress(4), event(3), progress(5)}));
}

TEST(WatchCheck, MissingRepeatedReorderedAndForeignEventsAreFound) {
    EXPECT_FALSE(is_fine({event(0), event(3)}));
    EXPECT_FALSE(is_fine({event(0), event(2)}));
    EXPECT_FALSE(is_fine({event(0), event(0), event(2), event(3)}));
    EXPECT_FALSE(is_fine({event(2), event(0), event(3)}));
    EXPECT_FALSE(is_fine({event(0), event(1), event(2), event(3)}));
    EXPECT_FALSE(is_fine({event(0), event(2), event(3), event(3)}));
}

TEST(WatchCheck, ProgressPastAnEventIsFound) {
    EXPECT_FALSE(is_fine({event(0), progress(4), event(2), event(3)}));
}

TEST(WatchCheck, OnlyACompactionMakesGaps) {
    EXPECT_TRUE(is_fine({compacted(2), event(2), event(3)}, 5, 2));
    EXPECT_FALSE(is_fine({compacted(2), event(3)}, 5, 2));
    EXPECT_FALSE(is_fine({compacted(4), event(3)}, 5, 2));  // nobody has compacted to there
}

TEST(WatchCheck, ThePreviousPairIsTheOneBefore) {
    WatchRecord record;
    record.key = "x";
    record.start_revision = 2;
    record.prev_kv = true;
    record.items = {event(0), event(2, kFirst), event(3, kSecond)};
    EXPECT_TRUE(check_watch(record, kChanges).empty());
    record.items = {event(0), event(2, kSecond), event(3, kSecond)};
    EXPECT_FALSE(check_watch(record, kChanges).empty());
    record.items = {event(0), event(2), event(3, kSecond)};
    EXPECT_FALSE(check_watch(record, kChanges).empty());
    record.compact_revision = 2;
    EXPECT_TRUE(check_watch(record, kChanges).empty());
}

TEST(LeaseCheck, GoneTooEarlyIsFound) {
    LeaseRecord record{.id = 1, .ttl_ns = 1000};
    record.renewals = {{0, 10}, {500, 510}};
    record.last_attempt_ns = 500;
    record.gone_ns = 1500;
    EXPECT_TRUE(check_lease(record, {}).empty());
    record.gone_ns = 1499;
    EXPECT_FALSE(check_lease(record, {}).empty());
    EXPECT_TRUE(check_lease(record, {.drift_max = 0.1}).empty());
    record.revoke_start_ns = 1000;
    EXPECT_TRUE(check_lease(record, {}).empty());
}

TEST(LeaseCheck, ARenewalOfADeadLeaseIsFound) {
    LeaseRecord record{.id = 1, .ttl_ns = 1000};
    record.renewals = {{0, 10}, {2000, 2010}};
    record.last_attempt_ns = 2000;
    record.gone_ns = 1500;
    EXPECT_FALSE(check_lease(record, {}).empty());
}

TEST(LeaseCheck, StayingTooLongIsFound) {
    LeaseRecord record{.id = 1, .ttl_ns = 1000};
    record.renewals = {{0, 10}};
    EXPECT_TRUE(check_lease(record, {.end_ns = 1100, .grace_ns = 100}).empty());
    EXPECT_FALSE(check_lease(record, {.end_ns = 1101, .grace_ns = 100}).empty());
    // While leaders come and go it begins anew with each.
    EXPECT_TRUE(
        check_lease(record, {.peace_since_ns = 500, .end_ns = 1600, .grace_ns = 100}).empty());
}

}  // namespace
}  // namespace quorate::sim
