// SPDX-License-Identifier: Apache-2.0
//
// What the conformance tests do not say: the shape of the chunks, and the power cut.
#include "storage/mem_backend.h"

#include "store_model.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace quorate::storage::testing {

namespace {

Bytes numbered_key(uint64_t number) {
    Bytes key = "k";
    append_be64(key, number);
    return key;
}

// Many keys, so that chunks split, empty and go; with views open at random, so that some are
// shared.
TEST(MemBackend, KeepsItsInvariantsAtSize) {
    for (uint64_t seed = 1; seed <= 5; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937_64 random(seed);
        MemBackend backend;
        Model model;
        std::unique_ptr<View> view;
        Pairs seen;
        for (int step = 0; step < 60; ++step) {
            WriteBatch batch;
            for (int i = 0; i < 100; ++i) {
                const uint64_t number = random() % 3000;
                switch (random() % 50) {
                    case 0: {
                        const Bytes lo = numbered_key(number);
                        const Bytes hi = numbered_key(number + random() % 400);
                        batch.erase_range({lo, hi});
                        break;
                    }
                    case 1:
                    case 2:
                    case 3:
                        batch.erase(numbered_key(number));
                        break;
                    default:
                        batch.put(numbered_key(number), std::to_string(step));
                }
            }
            apply_to_model(batch, model);
            ASSERT_TRUE(backend.write(batch, Durability::kBuffered).ok());
            backend.check_invariants();
            ASSERT_EQ(*scan(backend), pairs_of(model));
            if (view != nullptr) {
                ASSERT_EQ(*scan(*view), seen);
            }
            if (random() % 5 == 0) {
                view = std::move(backend.view().value());
                seen = pairs_of(model);
            }
        }
    }
}

TEST(MemBackend, AppendingFillsChunks) {
    MemBackend backend;
    for (uint64_t i = 0; i < 10'000; ++i) {
        WriteBatch batch;
        batch.put(numbered_key(i), "value");
        ASSERT_TRUE(backend.write(batch, Durability::kBuffered).ok());
    }
    backend.check_invariants();
    EXPECT_EQ(backend.stats()->disk_bytes, 10'000U * (9 + 5));
    WriteBatch batch;
    batch.erase_range({numbered_key(1), numbered_key(9'999)});
    ASSERT_TRUE(backend.write(batch, Durability::kBuffered).ok());
    backend.check_invariants();
    EXPECT_EQ(backend.stats()->live_bytes, 2U * (9 + 5));
}

TEST(MemBackend, PowerCutTakesBackTheNewestUnsyncedWrites) {
    MemBackend::Options options;
    options.crashable = true;
    MemBackend backend(options);
    const auto write = [&](int number, Durability durability = Durability::kBuffered) {
        WriteBatch batch;
        batch.put("n", std::to_string(number));
        ASSERT_TRUE(backend.write(batch, durability).ok());
    };
    write(1);
    write(2);
    ASSERT_TRUE(backend.sync().ok());
    EXPECT_EQ(backend.unsynced_writes(), 0U);
    write(3);
    write(4);
    write(5);
    EXPECT_EQ(backend.unsynced_writes(), 3U);
    backend.crash(2);
    EXPECT_EQ(*get(backend, "n"), "3");
    EXPECT_EQ(backend.unsynced_writes(), 0U);
    write(6);
    backend.crash(1);
    EXPECT_EQ(*get(backend, "n"), "3");
    write(7);
    write(8, Durability::kSynced);
    EXPECT_EQ(backend.unsynced_writes(), 0U);
    backend.crash(0);
    EXPECT_EQ(*get(backend, "n"), "8");
}

}  // namespace

}  // namespace quorate::storage::testing
