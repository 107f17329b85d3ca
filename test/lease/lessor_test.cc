// SPDX-License-Identifier: Apache-2.0
#include "lease/lessor.h"

#include "base/errors.h"
#include "storage/mem_backend.h"
#include "storage/schema.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace quorate::lease {
namespace {

using Ids = std::vector<LeaseId>;
using Names = std::vector<Bytes>;

class LessorTest : public testing::Test {
  protected:
    explicit LessorTest(const LessorOptions& options = {}) : options_(options), lessor_(options) {}

    int64_t grant(LeaseId id, int64_t ttl_seconds, int64_t now_ms = 0) {
        storage::WriteBatch batch;
        const Result<int64_t> granted = lessor_.grant(batch, {id, ttl_seconds}, now_ms);
        EXPECT_TRUE(granted.has_value());
        write(batch);
        return granted.has_value() ? granted.value() : -1;
    }

    Status grant_error(LeaseId id, int64_t ttl_seconds) {
        storage::WriteBatch batch;
        const Status status = lessor_.grant(batch, {id, ttl_seconds}, 0).error();
        EXPECT_TRUE(batch.empty());
        return status;
    }

    Names revoke(LeaseId id) {
        storage::WriteBatch batch;
        Result<Names> keys = lessor_.revoke(batch, id);
        EXPECT_TRUE(keys.has_value());
        write(batch);
        return keys.has_value() ? keys.value() : Names{};
    }

    void checkpoint(LeaseId id, int64_t remaining_seconds, int64_t now_ms) {
        storage::WriteBatch batch;
        lessor_.checkpoint(batch, {{id, remaining_seconds}}, now_ms);
        write(batch);
    }

    int64_t remaining(LeaseId id, int64_t now_ms) {
        const auto ttl = lessor_.time_to_live(id, now_ms);
        return ttl && ttl->remaining_seconds ? *ttl->remaining_seconds : -1;
    }

    void write(const storage::WriteBatch& batch) {
        ASSERT_TRUE(backend_.write(batch, storage::Durability::kBuffered).ok());
        lessor_.check_invariants();
    }

    Status restore(Lessor& lessor) {
        const auto view = backend_.view();
        return lessor.restore(*view.value());
    }

    LessorOptions options_;
    storage::MemBackend backend_;
    Lessor lessor_;
};

TEST_F(LessorTest, GrantsAndRefusesAsEtcdDoes) {
    EXPECT_EQ(grant(1, 60), 60);
    EXPECT_EQ(grant(-5, 60), 60) << "clients may choose negative ids";
    EXPECT_EQ(grant(2, 1), 2) << "raised to the minimum";
    EXPECT_EQ(grant(3, 0), 2);
    EXPECT_EQ(grant(4, -10), 2);
    EXPECT_EQ(grant(5, kTtlMaxSeconds), kTtlMaxSeconds);
    EXPECT_TRUE(grant_error(6, kTtlMaxSeconds + 1).is(errors::kLeaseTTLTooLarge));
    EXPECT_TRUE(grant_error(1, 60).is(errors::kLeaseExist));
    EXPECT_TRUE(grant_error(0, 60).is(errors::kLeaseNotFound));
    EXPECT_EQ(lessor_.size(), 6U);
}

TEST_F(LessorTest, RevokesWithTheAttachedKeysSorted) {
    grant(1, 60);
    grant(2, 60);
    for (const char* key : {"c", "a", "b", "a"}) {
        ASSERT_TRUE(lessor_.attach(1, key).ok());
    }
    ASSERT_TRUE(lessor_.attach(2, "d").ok());
    EXPECT_EQ(revoke(1), (Names{"a", "b", "c"}));
    EXPECT_FALSE(lessor_.exists(1));
    EXPECT_EQ(lessor_.lease_of("a"), kNoLease);
    EXPECT_EQ(lessor_.lease_of("d"), 2);
    EXPECT_EQ(revoke(2), Names{"d"});
    EXPECT_EQ(lessor_.attached_keys(), 0U);
    storage::WriteBatch batch;
    EXPECT_TRUE(lessor_.revoke(batch, 2).error().is(errors::kLeaseNotFound));
}

TEST_F(LessorTest, AKeyHangsOnOneLease) {
    grant(1, 60);
    grant(2, 60);
    EXPECT_TRUE(lessor_.attach(3, "k").is(errors::kLeaseNotFound));
    ASSERT_TRUE(lessor_.attach(1, "k").ok());
    ASSERT_TRUE(lessor_.attach(1, "l").ok());
    ASSERT_TRUE(lessor_.attach(2, "k").ok());
    EXPECT_EQ(lessor_.keys(1), Names{"l"});
    EXPECT_EQ(lessor_.keys(2), Names{"k"});
    lessor_.detach("k");
    lessor_.detach("k");
    lessor_.detach("never");
    EXPECT_EQ(lessor_.keys(2), Names{});
    EXPECT_EQ(lessor_.attached_keys(), 1U);
    lessor_.check_invariants();
}

TEST_F(LessorTest, ExpiresOnTheLeaderAlone) {
    grant(1, 10);
    EXPECT_EQ(lessor_.next_due_ms(), std::nullopt);
    EXPECT_EQ(lessor_.expired(1'000'000, 10), Ids{});
    EXPECT_EQ(lessor_.time_to_live(1, 5000)->remaining_seconds, std::nullopt);
    EXPECT_EQ(lessor_.time_to_live(1, 5000)->granted_seconds, 10);

    lessor_.promote(1'000'000, 1000);
    EXPECT_EQ(lessor_.next_due_ms(), 1'011'000);
    EXPECT_EQ(lessor_.expired(1'010'999, 10), Ids{});
    EXPECT_EQ(lessor_.expired(1'011'000, 10), Ids{1});
    lessor_.check_invariants();
    EXPECT_EQ(revoke(1), Names{});
    EXPECT_EQ(lessor_.next_due_ms(), std::nullopt);
}

TEST_F(LessorTest, ExpiresInOrderOfDeadline) {
    lessor_.promote(0, 0);
    grant(1, 30, 0);
    grant(3, 10, 1000);
    grant(2, 10, 5000);
    grant(4, 2, 9500);
    EXPECT_EQ(lessor_.list(), (Ids{3, 4, 2, 1}));
    EXPECT_EQ(lessor_.expired(11'499, 10), Ids{3});
    EXPECT_EQ(lessor_.expired(11'500, 10), Ids{4});
    revoke(3);
    revoke(4);
    EXPECT_EQ(lessor_.list(), (Ids{2, 1}));
    EXPECT_EQ(lessor_.expired(100'000, 1).size(), 1U);
    EXPECT_EQ(lessor_.expired(100'000, 10).size(), 1U);
    EXPECT_EQ(lessor_.expired(100'000, 10), Ids{});
}

TEST_F(LessorTest, OffersAnExpiredLeaseAgainUntilItIsRevoked) {
    lessor_.promote(0, 0);
    grant(1, 10);
    grant(2, 10);
    EXPECT_EQ(lessor_.expired(10'000, 10), (Ids{1, 2}));
    EXPECT_EQ(lessor_.expired(12'999, 10), Ids{});
    EXPECT_EQ(lessor_.next_due_ms(), 13'000);
    revoke(1);
    EXPECT_EQ(lessor_.expired(13'000, 10), Ids{2});
    EXPECT_EQ(lessor_.expired(13'000, 10), Ids{});
    EXPECT_EQ(remaining(2, 13'000), 0);
}

TEST_F(LessorTest, KeepAliveStartsTheTtlAgain) {
    lessor_.promote(0, 0);
    grant(1, 10);
    grant(2, 10);
    EXPECT_EQ(lessor_.keep_alive(1, 9999).ttl_seconds, 10);
    EXPECT_EQ(lessor_.expired(10'000, 10), Ids{2});
    EXPECT_EQ(lessor_.keep_alive(2, 10'000).ttl_seconds, 0) << "it has expired";
    EXPECT_EQ(lessor_.keep_alive(3, 10'000).ttl_seconds, 0) << "it never existed";
    EXPECT_EQ(lessor_.expired(19'998, 10), Ids{2});
    EXPECT_EQ(lessor_.keep_alive(1, 19'999).ttl_seconds, 0) << "expired, though not offered yet";
    EXPECT_EQ(lessor_.expired(19'999, 10), Ids{1});
    lessor_.check_invariants();
}

TEST_F(LessorTest, TellsTheRemainingTimeRoundedDown) {
    lessor_.promote(0, 0);
    grant(1, 10, 500);
    EXPECT_EQ(remaining(1, 500), 10);
    EXPECT_EQ(remaining(1, 501), 9);
    EXPECT_EQ(remaining(1, 10'499), 0);
    EXPECT_EQ(remaining(1, 99'000), 0);
    EXPECT_EQ(lessor_.time_to_live(2, 0), std::nullopt);
}

TEST_F(LessorTest, ANewLeaderGivesEveryLeaseItsFullTtlAndTheExtension) {
    lessor_.promote(0, 0);
    grant(1, 10);
    EXPECT_EQ(lessor_.expired(10'000, 10), Ids{1});
    lessor_.demote();
    lessor_.check_invariants();
    EXPECT_EQ(lessor_.expired(99'000, 10), Ids{});
    lessor_.promote(100'000, 1000);
    lessor_.check_invariants();
    EXPECT_EQ(remaining(1, 100'000), 11);
    EXPECT_EQ(lessor_.keep_alive(1, 105'000).ttl_seconds, 10);
    EXPECT_EQ(lessor_.expired(114'999, 10), Ids{});
    EXPECT_EQ(lessor_.expired(115'000, 10), Ids{1});
}

// A renewal inside the extension must not end before leases that were not renewed.
TEST_F(LessorTest, RenewingDuringTheExtensionTakesNothingAway) {
    grant(1, 10);
    grant(2, 10);
    lessor_.promote(100'000, 1000);
    EXPECT_EQ(lessor_.keep_alive(1, 100'200).ttl_seconds, 10);
    lessor_.check_invariants();
    EXPECT_EQ(lessor_.expired(110'999, 10), Ids{});
    EXPECT_EQ(lessor_.expired(111'000, 10).size(), 2U);
}

TEST_F(LessorTest, SurvivesARestart) {
    grant(7, 60);
    grant(-8, 120);
    grant(9, 1);
    revoke(9);
    Lessor other(options_);
    storage::WriteBatch ignored;
    ASSERT_TRUE(other.grant(ignored, {99, 60}, 0).has_value());
    ASSERT_TRUE(restore(other).ok());
    other.check_invariants();
    EXPECT_EQ(other.list(), (Ids{-8, 7}));
    EXPECT_EQ(other.time_to_live(7, 0)->granted_seconds, 60);
    EXPECT_EQ(other.time_to_live(-8, 0)->granted_seconds, 120);
    EXPECT_FALSE(other.is_primary());
    ASSERT_TRUE(other.attach(7, "k").ok());
    EXPECT_EQ(other.lease_of("k"), 7);
}

TEST_F(LessorTest, RaisesWhatWasGrantedUnderAShorterMinimum) {
    grant(1, 2);
    Lessor other({.ttl_min_seconds = 15});
    ASSERT_TRUE(restore(other).ok());
    EXPECT_EQ(other.time_to_live(1, 0)->granted_seconds, 15);
}

TEST_F(LessorTest, SaysWhenARowIsDamaged) {
    const Bytes good_key = storage::id_key(storage::Table::kLeases, 1);
    Bytes good_row(17, '\0');
    good_row[0] = 1;
    good_row[8] = 60;
    struct Case {
        Bytes key;
        Bytes value;
        bool damaged;
    };
    Bytes newer = good_row;
    newer[0] = 2;
    Bytes huge = good_row;
    huge[1] = 0x7f;
    Bytes longer_checkpoint = good_row;
    longer_checkpoint[16] = 61;
    const std::vector<Case> cases = {
        {good_key, good_row, false},
        {good_key, "", true},
        {good_key, good_row.substr(0, 16), true},
        {good_key, newer, true},
        {good_key, huge, true},
        {good_key, longer_checkpoint, true},
        {good_key, Bytes(17, '\1').substr(0, 1) + Bytes(16, '\0'), true},
        {storage::id_key(storage::Table::kLeases, 0), good_row, true},
        {good_key + "x", good_row, true},
    };
    for (const Case& c : cases) {
        storage::MemBackend backend;
        storage::WriteBatch batch;
        batch.put(c.key, c.value);
        ASSERT_TRUE(backend.write(batch, storage::Durability::kBuffered).ok());
        Lessor lessor(options_);
        const auto view = backend.view();
        EXPECT_EQ(lessor.restore(*view.value()).is(errors::kDamaged), c.damaged);
    }
}

// --- Checkpoints.

class CheckpointTest : public LessorTest {
  protected:
    CheckpointTest()
        : LessorTest(
              {.checkpoint = true, .checkpoint_persist = true, .checkpoint_interval_ms = 300'000}) {
    }

    using Checkpoints = std::vector<std::pair<LeaseId, int64_t>>;
    Checkpoints due(int64_t now_ms, size_t max = 100) {
        Checkpoints found;
        for (const Checkpoint& checkpoint : lessor_.due_checkpoints(now_ms, max)) {
            found.emplace_back(checkpoint.id, checkpoint.remaining_seconds);
        }
        lessor_.check_invariants();
        return found;
    }
};

TEST_F(CheckpointTest, TellsTheRemainingTimeOfLongLeases) {
    lessor_.promote(0, 0);
    grant(1, 3600);
    grant(2, 300);
    EXPECT_EQ(lessor_.next_due_ms(), 300'000);
    EXPECT_EQ(due(299'999), Checkpoints{});
    EXPECT_EQ(due(300'500), (Checkpoints{{1, 3300}})) << "rounded up";
    EXPECT_EQ(due(300'500), Checkpoints{});
    EXPECT_EQ(due(600'500), (Checkpoints{{1, 3000}}));
}

TEST_F(CheckpointTest, TheNextLeaderCountsFromTheCheckpoint) {
    lessor_.promote(0, 0);
    grant(1, 3600);
    checkpoint(1, 3300, 300'000);
    EXPECT_EQ(remaining(1, 300'000), 3300) << "the leader's own deadline stands";
    lessor_.demote();
    lessor_.check_invariants();
    lessor_.promote(1'000'000, 0);
    EXPECT_EQ(remaining(1, 1'000'000), 3300);

    const KeepAlive renewed = lessor_.keep_alive(1, 1'000'000);
    EXPECT_EQ(renewed.ttl_seconds, 3600);
    EXPECT_TRUE(renewed.clear_checkpoint);
    EXPECT_EQ(remaining(1, 1'000'000), 3600);
    checkpoint(1, 0, 1'000'100);
    EXPECT_FALSE(lessor_.keep_alive(1, 1'000'200).clear_checkpoint);
    lessor_.demote();
    lessor_.promote(2'000'000, 0);
    EXPECT_EQ(remaining(1, 2'000'000), 3600);
}

TEST_F(CheckpointTest, AFollowerThatLeadsCountsFromTheCheckpoint) {
    grant(1, 3600);
    grant(2, 3600);
    checkpoint(1, 100, 0);
    checkpoint(77, 100, 0);
    lessor_.promote(0, 0);
    EXPECT_EQ(lessor_.list(), (Ids{1, 2}));
    EXPECT_EQ(lessor_.expired(100'000, 10), Ids{1});
}

TEST_F(CheckpointTest, SkipsLeasesThatHaveNothingToTell) {
    lessor_.promote(0, 0);
    grant(1, 3600);
    grant(2, 400);
    lessor_.keep_alive(1, 300'000);
    EXPECT_EQ(due(300'000), (Checkpoints{{2, 100}}));
    EXPECT_EQ(lessor_.expired(400'000, 10), Ids{2});
    EXPECT_EQ(due(900'000), (Checkpoints{{1, 3000}})) << "2 has expired";
}

TEST_F(CheckpointTest, HandsOutSoManyAtATime) {
    lessor_.promote(0, 0);
    for (LeaseId id = 1; id <= 5; ++id) {
        grant(id, 3600);
    }
    EXPECT_EQ(due(300'000, 2).size(), 2U);
    EXPECT_EQ(due(300'000, 2).size(), 2U);
    EXPECT_EQ(due(300'000, 2).size(), 1U);
}

TEST_F(CheckpointTest, PersistsOnlyWhereAsked) {
    grant(1, 3600);
    checkpoint(1, 100, 0);
    Lessor keeps(options_);
    ASSERT_TRUE(restore(keeps).ok());
    keeps.check_invariants();
    keeps.promote(0, 0);
    EXPECT_EQ(keeps.time_to_live(1, 0)->remaining_seconds, 100);
    keeps.demote();
    keeps.check_invariants();

    Lessor forgets({.checkpoint = true});
    ASSERT_TRUE(restore(forgets).ok());
    forgets.promote(0, 0);
    EXPECT_EQ(forgets.time_to_live(1, 0)->remaining_seconds, 3600);
}

TEST_F(LessorTest, WithoutTheOptionThereAreNoCheckpoints) {
    lessor_.promote(0, 0);
    grant(1, 3600);
    EXPECT_TRUE(lessor_.due_checkpoints(3'000'000, 10).empty());
    EXPECT_EQ(lessor_.next_due_ms(), 3'600'000);
}

}  // namespace
}  // namespace quorate::lease
