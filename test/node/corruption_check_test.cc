// SPDX-License-Identifier: Apache-2.0
#include "node/corruption_check.h"

#include "auth/auth_store.h"
#include "node/state_hash.h"
#include "storage/mem_backend.h"
#include "storage/schema.h"

#include <gtest/gtest.h>

namespace quorate::node {
namespace {

const HashCheckpoints kGood = {{256, 11}, {512, 22}};
const HashCheckpoints kBad = {{256, 11}, {512, 99}};

TEST(CorruptionCheck, ThreeThatAgreeAreFine) {
    EXPECT_EQ(judge(kGood, {{2, kGood}, {3, kGood}}, 3).verdict, Verdict::kSame);
    EXPECT_EQ(judge(kGood, {{2, kGood}}, 3).verdict, Verdict::kSame);
}

TEST(CorruptionCheck, TheOddOneOutIsDamagedAndTheOthersAreNot) {
    const Judgement odd = judge(kBad, {{2, kGood}, {3, kGood}}, 3);
    EXPECT_EQ(odd.verdict, Verdict::kDamaged);
    EXPECT_EQ(odd.index, 512u);
    EXPECT_EQ(odd.own, 99u);
    EXPECT_EQ(odd.others, 22u);
    EXPECT_EQ(judge(kGood, {{2, kGood}, {3, kBad}}, 3).verdict, Verdict::kSame);
}

TEST(CorruptionCheck, OneAgainstOneIsDisputed) {
    EXPECT_EQ(judge(kGood, {{2, kBad}}, 2).verdict, Verdict::kDisputed);
    EXPECT_EQ(judge(kGood, {{2, kBad}}, 3).verdict, Verdict::kDisputed);
}

TEST(CorruptionCheck, TooFewAnswersSayNothing) {
    EXPECT_EQ(judge(kGood, {}, 3).verdict, Verdict::kNothing);
    EXPECT_EQ(judge(kGood, {{2, {{1024, 5}}}}, 3).verdict, Verdict::kNothing);
    EXPECT_EQ(judge({}, {{2, kBad}}, 3).verdict, Verdict::kNothing);
}

TEST(CorruptionCheck, OneThatIsBehindIsComparedWhereItStands) {
    EXPECT_EQ(judge({{256, 11}}, {{2, kGood}, {3, kBad}}, 3).verdict, Verdict::kSame);
    EXPECT_EQ(judge({{256, 12}}, {{2, kGood}, {3, kGood}}, 3).verdict, Verdict::kDamaged);
}

TEST(CorruptionCheck, CheckpointsComeBackFromTheirBytes) {
    const HashCheckpoints before = {{1ull << 40, 0xfedcba98}, {512, 0}};
    const auto after = decode_checkpoints(encode_checkpoints(before));
    ASSERT_TRUE(after.has_value());
    ASSERT_EQ(after->size(), 2u);
    EXPECT_EQ((*after)[0].index, 1ull << 40);
    EXPECT_EQ((*after)[0].hash, 0xfedcba98);
    EXPECT_FALSE(decode_checkpoints("odd").has_value());
    EXPECT_FALSE(decode_checkpoints(Bytes(12 * 1000, 'x')).has_value());
}

TEST(StateHash, DependsOnRecordsAndNotOnHowTheyAreBatched) {
    StateHash one(0);
    StateHash two(0);
    storage::WriteBatch all;
    storage::WriteBatch part;
    for (uint64_t i = 1; i <= StateHash::kInterval; ++i) {
        const Bytes key = storage::record_key(static_cast<int64_t>(i), 0);
        all.put(key, "value");
        one.applied(all, i);
        part.put(key, "value");
        part.erase(storage::record_key(1, 0));  // a compaction
        part.put(storage::id_key(storage::Table::kLeases, i), "lease");
        two.applied(part, i);
        if (i % 10 == 0) {
            two.close(part);
            part = {};
        }
    }
    ASSERT_EQ(one.checkpoints().size(), 1u);
    ASSERT_EQ(two.checkpoints().size(), 1u);
    EXPECT_EQ(one.checkpoints()[0].hash, two.checkpoints()[0].hash);
    EXPECT_NE(one.checkpoints()[0].hash, 0u);
}

TEST(StateHash, GoesOnAfterARestart) {
    StateHash before(0);
    storage::WriteBatch batch;
    batch.put(storage::record_key(1, 0), "a");
    before.close(batch);
    storage::MemBackend backend;
    ASSERT_TRUE(backend.write(batch, storage::Durability::kSynced).ok());
    auto view = backend.view();
    const auto restored = StateHash::restore(**view);
    ASSERT_TRUE(restored.has_value());
    StateHash after(*restored);
    StateHash whole(0);
    storage::WriteBatch next;
    next.put(storage::record_key(2, 0), "b");
    storage::WriteBatch both;
    both.put(storage::record_key(1, 0), "a");
    both.put(storage::record_key(2, 0), "b");
    after.applied(next, StateHash::kInterval);
    whole.applied(both, StateHash::kInterval);
    EXPECT_EQ(after.checkpoints()[0].hash, whole.checkpoints()[0].hash);
}

// Who has other users is damaged just as who has other keys.
TEST(StateHash, CoversUsersAndRoles) {
    const auto hash_of = [](ByteView user, ByteView password) {
        StateHash hash(0);
        auth::AuthStore store;
        storage::WriteBatch batch;
        EXPECT_TRUE(store.add_user({Bytes(user), Bytes(password), {}, false}, batch).ok());
        hash.applied(batch, StateHash::kInterval);
        return hash.checkpoints().back().hash;
    };
    EXPECT_EQ(hash_of("alice", "p"), hash_of("alice", "p"));
    EXPECT_NE(hash_of("alice", "p"), hash_of("alice", "q"));
    EXPECT_NE(hash_of("alice", "p"), hash_of("bob", "p"));
}

}  // namespace
}  // namespace quorate::node
