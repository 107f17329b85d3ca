// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/simple/token_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>
#include <vector>

namespace quorate::auth_simple {

namespace {

constexpr int64_t kTtl_ms = 1000;

TEST(TokenTable, KnowsATokenUntilItsTimeIsOver) {
    TokenTable table({kTtl_ms, 10});
    EXPECT_TRUE(table.insert("t1", "alice", 0));
    EXPECT_EQ(table.use("t1", 999), "alice");
    EXPECT_EQ(table.use("t1", 1998), "alice") << "a use begins its life anew";
    EXPECT_EQ(table.use("t1", 2998), std::nullopt);
    EXPECT_EQ(table.use("t2", 0), std::nullopt);
    EXPECT_EQ(table.use("", 0), std::nullopt);
}

TEST(TokenTable, LetsGoOfUnusedTokens) {
    TokenTable table({kTtl_ms, 1000});
    for (int i = 0; i < 100; ++i) {
        table.insert("t" + std::to_string(i), "alice", i);
    }
    EXPECT_EQ(table.use("t5", 900), "alice");
    int64_t now = 1200;
    for (int i = 0; i < 40; ++i) {
        table.insert("u" + std::to_string(i), "bob", now);
        table.check_invariants();
    }
    EXPECT_EQ(table.size(), 41U) << "forty new ones, and the one that was used";
    EXPECT_EQ(table.use("t5", now), "alice");
}

TEST(TokenTable, DropsTheOldestAtItsBound) {
    TokenTable table({kTtl_ms, 2});
    EXPECT_TRUE(table.insert("t1", "alice", 0));
    EXPECT_TRUE(table.insert("t2", "bob", 1));
    EXPECT_TRUE(table.insert("t2", "carol", 2)) << "it only changes its user";
    EXPECT_FALSE(table.insert("t3", "dave", 3));
    EXPECT_EQ(table.size(), 2U);
    EXPECT_EQ(table.use("t1", 4), std::nullopt);
    EXPECT_EQ(table.use("t2", 4), "carol");
    EXPECT_EQ(table.use("t3", 4), "dave");
    table.check_invariants();
}

TEST(TokenTable, ForgetsUsers) {
    TokenTable table({kTtl_ms, 10});
    table.insert("t1", "alice", 0);
    table.insert("t2", "bob", 0);
    table.insert("t3", "alice", 0);
    table.erase_user("alice");
    table.erase_user("nobody");
    EXPECT_EQ(table.use("t1", 1), std::nullopt);
    EXPECT_EQ(table.use("t2", 1), "bob");
    EXPECT_EQ(table.use("t3", 1), std::nullopt);
    table.check_invariants();
    table.clear();
    EXPECT_EQ(table.use("t2", 1), std::nullopt);
    EXPECT_EQ(table.size(), 0U);
}

// Against a map that knows when each token ends.
TEST(TokenTable, AgreesWithASimplerOne) {
    struct Simple {
        std::string user;
        int64_t expires_ms;
    };
    std::mt19937 random(7);
    TokenTable table({kTtl_ms, 100'000});
    std::map<std::string, Simple> model;
    int64_t now = 0;
    for (int step = 0; step < 20'000; ++step) {
        now += random() % 20;
        const std::string token = "t" + std::to_string(random() % 200);
        const std::string user = "u" + std::to_string(random() % 5);
        const uint32_t what = random() % 100;
        if (what < 30) {
            EXPECT_TRUE(table.insert(token, user, now));
            model[token] = {user, now + kTtl_ms};
        } else if (what == 30) {
            table.erase_user(user);
            std::erase_if(model, [&](const auto& entry) { return entry.second.user == user; });
        } else if (what == 31 && random() % 20 == 0) {
            table.clear();
            model.clear();
        } else {
            const auto known = model.find(token);
            const bool alive = known != model.end() && known->second.expires_ms > now;
            ASSERT_EQ(table.use(token, now),
                      alive ? std::optional(known->second.user) : std::nullopt)
                << "step " << step;
            if (alive) {
                known->second.expires_ms = now + kTtl_ms;
            }
        }
        if (step % 100 == 0) {
            table.check_invariants();
        }
    }
}

TEST(TokenTable, TakesUsesWhileItChanges) {
    TokenTable table({kTtl_ms, 50});
    table.insert("always", "root", 0);
    std::atomic<bool> stop = false;
    std::atomic<int> misses = 0;
    std::vector<std::thread> users;
    for (int i = 0; i < 3; ++i) {
        users.emplace_back([&] {
            for (int round = 0; round < 2000 || !stop; ++round) {
                misses += table.use("always", 1) == "root" ? 0 : 1;
                const auto other = table.use("t" + std::to_string(round % 50), 1);
                misses += !other || *other == "alice" ? 0 : 1;
            }
        });
    }
    for (int i = 0; i < 2000; ++i) {
        table.insert("t" + std::to_string(i % 40), "alice", 1);
        if (i % 100 == 0) {
            table.erase_user("alice");
        }
    }
    stop = true;
    for (std::thread& user : users) {
        user.join();
    }
    EXPECT_EQ(misses, 0);
    table.check_invariants();
}

}  // namespace

}  // namespace quorate::auth_simple
