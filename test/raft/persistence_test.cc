// SPDX-License-Identifier: Apache-2.0
//
// Persistence against a naive twin: a disk that holds what the finished writes put there. An entry
// counts only when no write that is still under way will replace it.
#include "raft/persistence.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace quorate::raft {
namespace {

class PersistenceTwins {
  public:
    explicit PersistenceTwins(uint64_t seed) : random_(seed), persistence_(0, {}) {}

    void change() {
        switch (random_() % 4) {
            case 0:
                append();
                return;
            case 1:
                replace();
                return;
            case 2:
                write();
                return;
            default:
                sync();
        }
    }

    // How many entries from the start of the log are on the disk now, and stay there whatever part
    // of the writes under way a crash lets through.
    uint64_t safe() const {
        std::vector<uint64_t> disk = disk_;
        uint64_t count = agreeing(disk);
        for (const Write& write : writes_) {
            apply(disk, write);
            count = std::min(count, agreeing(disk));
        }
        return count;
    }

    void compare() {
        persistence_.check_invariants();
        // Never more than is safe, and all of it when nothing is under way.
        ASSERT_LE(persistence_.stable(), safe());
        if (writes_.empty()) {
            ASSERT_EQ(std::min<uint64_t>(persistence_.handed_out(), log_.size()),
                      persistence_.stable());
        }
    }

  private:
    struct Write {
        uint64_t first = 0;  // replaces from here, counting from 1
        std::vector<uint64_t> values;
    };

    static void apply(std::vector<uint64_t>& disk, const Write& write) {
        disk.resize(write.first - 1);
        disk.insert(disk.end(), write.values.begin(), write.values.end());
    }

    uint64_t agreeing(const std::vector<uint64_t>& disk) const {
        uint64_t count = 0;
        while (count < log_.size() && count < disk.size() && log_[count] == disk[count]) {
            ++count;
        }
        return count;
    }

    void append() {
        // Few different values: the same entry comes back often.
        log_.push_back(random_() % 2);
    }
    void replace() {
        if (log_.empty()) {
            return;
        }
        const uint64_t kept = random_() % log_.size();
        log_.resize(kept);
        persistence_.truncate_after(kept);
        append();
    }
    void write() {
        const uint64_t first = persistence_.handed_out() + 1;
        const auto begin = log_.begin() + static_cast<std::ptrdiff_t>(first - 1);
        writes_.push_back({first, {begin, log_.end()}});
        last_number_ = persistence_.begin({1, kNobody, log_.size()});
    }
    void sync() {
        if (!writes_.empty()) {
            apply(disk_, writes_.front());
            writes_.pop_front();
            persistence_.finish(last_number_ - writes_.size());
        }
    }

    std::mt19937_64 random_;
    Persistence persistence_;
    std::vector<uint64_t> log_;
    std::vector<uint64_t> disk_;
    std::deque<Write> writes_;
    uint64_t last_number_ = 0;
};

TEST(PersistenceTest, CallsStableOnlyWhatACrashLeaves) {
    for (uint64_t seed = 1; seed <= 200; ++seed) {
        PersistenceTwins twins(seed);
        for (int i = 0; i < 100; ++i) {
            twins.change();
            ASSERT_NO_FATAL_FAILURE(twins.compare()) << "seed " << seed << " step " << i;
        }
    }
}

TEST(PersistenceTest, RemembersTheVoteOfTheLastFinishedWrite) {
    Persistence persistence(5, {.term = 3, .vote = 1, .commit = 5});
    EXPECT_EQ(1u, persistence.begin({4, 2, 5}));
    EXPECT_EQ(2u, persistence.begin({5, 3, 5}));
    EXPECT_EQ(3u, persistence.durable_term());
    EXPECT_EQ(1u, persistence.durable_vote());
    persistence.finish(2);
    EXPECT_EQ(5u, persistence.durable_term());
    EXPECT_EQ(3u, persistence.durable_vote());
    persistence.finish(1);
    EXPECT_EQ(5u, persistence.durable_term());
    EXPECT_FALSE(persistence.writing());
}

TEST(PersistenceTest, ASnapshotVoidsTheWritesBeforeIt) {
    Persistence persistence(5, {});
    persistence.begin({1, kNobody, 30});
    persistence.restart({.committed = 5, .snapshot_index = 20});
    persistence.begin({1, kNobody, 20});
    persistence.finish(1);
    EXPECT_EQ(5u, persistence.stable());
    persistence.finish(2);
    EXPECT_EQ(20u, persistence.stable());
}

}  // namespace
}  // namespace quorate::raft
