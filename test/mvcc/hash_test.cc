// SPDX-License-Identifier: Apache-2.0
//
// HashKV against a second, slow computation from the full history: CRC bit by bit, and etcd's raw
// keys and the rule of what compaction keeps written out again.
#include "mvcc/hash.h"

#include "base/errors.h"
#include "map_backend.h"
#include "model.h"
#include "mvcc/record.h"
#include "mvcc/store.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <string>

namespace quorate::mvcc {
namespace {

class SlowCrc {
  public:
    void add(const std::string& bytes) {
        for (const char byte : bytes) {
            crc_ ^= static_cast<unsigned char>(byte);
            for (int bit = 0; bit < 8; ++bit) {
                crc_ = (crc_ & 1) != 0 ? (crc_ >> 1) ^ 0x82f63b78U : crc_ >> 1;
            }
        }
    }
    uint32_t value() const { return ~crc_; }

  private:
    uint32_t crc_ = ~uint32_t{0};
};

std::string raw_key(const ModelChange& change) {
    std::string key;
    for (const auto part : {change.revision.main, static_cast<int64_t>(change.revision.sub)}) {
        key += key.empty() ? "" : "_";
        for (int shift = 56; shift >= 0; shift -= 8) {
            key.push_back(static_cast<char>(part >> shift));
        }
    }
    return change.deletion ? key + "t" : key;
}

uint32_t slow_hash(const Model& model, int64_t revision) {
    SlowCrc crc;
    crc.add("key");
    for (const ModelPair& pair : model.changes(0, revision)) {
        if (pair.change.revision.main <= model.compacted &&
            (pair.change.deletion || !model.kept(pair.key, pair.change, revision))) {
            continue;
        }
        crc.add(raw_key(pair.change));
        // etcd stores the key of a deletion alone.
        crc.add(pair.change.deletion ? encode_record({.key = pair.key}) : pair.encoded());
    }
    return crc.value();
}

// Two members with the same history whose engines and compactions are at different points.
class Member {
  public:
    explicit Member(Model& model) : model_(model) {
        store_ = Store::open(engine_, {.recent_bytes_max = 3000, .cache_bytes_max = 0}).value();
    }

    void apply(uint64_t seed) {
        std::mt19937_64 rng(seed);
        WriteTxn txn = store_->begin(batch_);
        int32_t sub = 0;
        Model* model = leads_ ? &model_ : nullptr;
        for (uint64_t ops = 1 + rng() % 3; ops > 0; --ops) {
            const std::string key = "key" + std::to_string(ops * 100 + rng() % 20);
            const Revision revision{txn_main(), sub};
            if (rng() % 3 != 0) {
                const std::string value(rng() % 100, 'x');
                txn.put({key, value, 0});
                ++sub;
                if (model != nullptr) {
                    model->put(key, value, 0, revision);
                }
            } else if (txn.erase_range({key, {}}, {}).value().erased == 1) {
                ++sub;
                if (model != nullptr) {
                    model->erase(key, revision);
                }
            }
        }
        const int64_t current = txn.commit();
        if (model != nullptr) {
            model->current = current;
        }
    }

    void flush() {
        ASSERT_TRUE(engine_.write(batch_, storage::Durability::kBuffered).ok());
        store_->engine_has(store_->current_revision());
        batch_.clear();
    }

    void compact(int64_t revision) { ASSERT_TRUE(store_->compact(revision, batch_).ok()); }
    void compact_step() { store_->compact_step({20, 20}, batch_); }
    void lead() { leads_ = true; }
    Store& store() { return *store_; }

  private:
    int64_t txn_main() const { return store_->current_revision() + 1; }

    Model& model_;
    bool leads_ = false;
    MapBackend engine_;
    storage::WriteBatch batch_;
    std::unique_ptr<Store> store_;
};

TEST(HashKv, IsTheSameOnEveryMemberAndAsTheSlowWay) {
    Model model;
    Member a(model);
    Member b(model);
    a.lead();
    std::mt19937_64 rng(7);
    for (int round = 0; round < 40; ++round) {
        for (int i = 0; i < 20; ++i) {
            const uint64_t seed = rng();
            a.apply(seed);
            b.apply(seed);
        }
        if (round % 3 == 1) {
            a.flush();
        }
        if (round % 5 == 2) {
            model.compacted = model.current - static_cast<int64_t>(rng() % 30);
            a.compact(model.compacted);
            b.compact(model.compacted);
        }
        b.flush();
        b.compact_step();
        const int64_t oldest = std::max<int64_t>(model.compacted, 1);
        const int64_t revision =
            oldest +
            static_cast<int64_t>(rng() % static_cast<uint64_t>(model.current - oldest + 1));
        for (const int64_t asked : {int64_t{0}, model.current, revision, oldest}) {
            const Result<KeyValueHash> from_a = a.store().hash_kv(asked);
            const Result<KeyValueHash> from_b = b.store().hash_kv(asked);
            ASSERT_TRUE(from_a.has_value()) << from_a.error().message();
            ASSERT_TRUE(from_b.has_value()) << from_b.error().message();
            const int64_t used = asked == 0 ? model.current : asked;
            ASSERT_EQ(from_a->hash, slow_hash(model, used));
            ASSERT_EQ(from_b->hash, from_a->hash);
            ASSERT_EQ(from_a->hash_revision, used);
            ASSERT_EQ(from_a->compact_revision, model.compacted);
            ASSERT_EQ(from_a->current_revision, model.current);
        }
    }
}

TEST(HashKv, OfAnEmptyStoreIsThatOfTheName) {
    Model model;
    Member member(model);
    const KeyValueHash hash = member.store().hash_kv(0).value();
    SlowCrc crc;
    crc.add("key");
    EXPECT_EQ(hash.hash, crc.value());
    EXPECT_EQ(hash.compact_revision, -1);
    EXPECT_EQ(hash.hash_revision, 1);
}

TEST(HashKv, RefusesRevisionsThatCantBeRead) {
    Model model;
    Member member(model);
    member.lead();
    for (uint64_t seed = 0; seed < 10; ++seed) {
        member.apply(seed);
    }
    member.compact(model.current - 1);
    EXPECT_TRUE(member.store().hash_kv(model.current - 2).error().is(errors::kCompacted));
    EXPECT_TRUE(member.store().hash_kv(model.current + 1).error().is(errors::kFutureRev));
    EXPECT_TRUE(member.store().hash_kv(model.current - 1).has_value());
}

TEST(Hash, FollowsEveryByteOfTheEngine) {
    MapBackend engine;
    const auto store = Store::open(engine, {}).value();
    const uint32_t empty = store->hash().value();
    storage::WriteBatch batch;
    batch.put("zz", "value");
    ASSERT_TRUE(engine.write(batch, storage::Durability::kBuffered).ok());
    const uint32_t one = store->hash().value();
    EXPECT_NE(one, empty);
    SlowCrc crc;
    crc.add("zzvalue");
    EXPECT_EQ(one, crc.value());
}

}  // namespace
}  // namespace quorate::mvcc
