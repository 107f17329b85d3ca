// SPDX-License-Identifier: Apache-2.0
//
// The log against its twin over crashes: after each one exactly a prefix of the appended batches is
// there, and no shorter one than the last sync promised.
#include "base/errors.h"
#include "base/fault_file_system.h"
#include "wal/log_twin.h"
#include "wal/wal.h"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <string>

namespace quorate::wal {
namespace {

constexpr Identity kIdentity{.cluster_id = 0xc1, .member_id = 0xa1};
const std::string kDir = "/wal";

// One batch with the entries it borrows.
struct OwnedBatch {
    Batch batch;
    std::vector<raft::Entry> entries;

    Batch view() const {
        Batch out = batch;
        out.entries = entries;
        return out;
    }
};

class Machine {
  public:
    explicit Machine(uint64_t seed) : random_(seed) {
        options_.segment_bytes = kBlockBytes * (8 + pick(3) * 12);
        options_.spare_segments_max = static_cast<uint32_t>(pick(4));
        options_.history_entries_max = pick(2) * 10;
        options_.salt_seed = seed;
    }

    uint64_t pick(uint64_t n) { return random_() % n; }

    // Steps until the crash that was asked for, or until `steps` are done.
    void run(uint64_t steps) {
        for (uint64_t i = 0; i < steps && !fs_.crashed() && !failed_; ++i) {
            step();
        }
    }

    // Power cut or kill, then recovery, itself cut short a few times; checks what came back.
    void restart() {
        wal_.reset();
        const bool power = pick(3) != 0;
        power ? fs_.power_cut(random_()) : fs_.kill();
        failed_ = false;
        for (uint64_t attempt = 0; attempt < pick(3); ++attempt) {
            fs_.crash_at_change(1 + pick(6));
            static_cast<void>(open());
            wal_.reset();
            power ? fs_.power_cut(random_()) : fs_.kill();
        }
        if (pick(4) == 0) {
            options_.salt_seed = random_();
        }
        const Status opened = open();
        if (!created_ && opened.is(errors::kFileNotFound)) {
            states_ = {LogTwin()};
            synced_ = 0;
            return;
        }
        ASSERT_TRUE(opened.ok()) << opened.message();
        created_ = true;
        match();
    }

    void create() {
        OwnedBatch first;
        first.batch.mark = Mark{.id = {.term = 1, .index = 1}, .configuration = {.voters = {1}}};
        first.batch.hard_state = raft::HardState{.term = 1};
        append_to_twin(first);
        auto wal = Wal::create(fs_, kDir, kIdentity, first.view(), options_);
        if (wal) {
            wal_ = std::move(wal).value();
            created_ = true;
            synced_ = states_.size() - 1;
        } else {
            ASSERT_TRUE(fs_.crashed()) << wal.error().message();
        }
    }

    FaultFileSystem& fs() { return fs_; }
    bool created() const { return created_; }
    bool open_for_use() const { return wal_ != nullptr; }
    void fail_a_sync() { fs_.fail_sync_at(1 + pick(10)); }
    void fill_the_disk(uint64_t left) { fs_.set_capacity(used() + left); }
    void empty_the_disk() { fs_.set_capacity(UINT64_MAX); }
    bool failed() const { return failed_; }
    const Status& failure() const { return failure_; }

  private:
    uint64_t used() const {
        uint64_t bytes = 0;
        for (const auto& [path, content] : fs_.content()) {
            bytes += content.size();
        }
        return bytes;
    }

    Status open() {
        auto opened = Wal::open(fs_, kDir, kIdentity, options_);
        if (!opened) {
            return opened.error();
        }
        wal_ = std::move(opened->wal);
        recovered_ = std::move(opened->recovered);
        return {};
    }

    // Finds the state that came back; the log goes on from there.
    void match() {
        std::string differences;
        for (size_t i = states_.size(); i-- > synced_;) {
            const std::string difference = states_[i].difference(recovered_);
            if (difference.empty()) {
                ASSERT_EQ(wal_->last(), states_[i].last());
                ASSERT_EQ(wal_->mark(), states_[i].mark.id);
                states_ = {states_[i]};
                synced_ = 0;
                return;
            }
            differences += " [" + std::to_string(i) + "] " + difference;
        }
        FAIL() << "recovered is none of the states since the last sync:" << differences;
    }

    void append_to_twin(const OwnedBatch& batch) {
        LogTwin next = states_.back();
        next.apply(batch.view());
        states_.push_back(std::move(next));
    }

    OwnedBatch random_batch() {
        const LogTwin& twin = states_.back();
        OwnedBatch out;
        raft::HardState state = twin.hard_state;
        if (pick(4) == 0) {
            state.term += pick(2);
            state.vote = pick(3);
            state.commit = twin.last().index;
            out.batch.hard_state = state;
        }
        raft::EntryId last = twin.last();
        const uint64_t kind = pick(20);
        if (kind == 0) {
            // A snapshot from the leader.
            state.term = std::max(state.term, last.term) + 1;
            out.batch.hard_state = state;
            last = {.term = state.term, .index = last.index + 1 + pick(20)};
            out.batch.mark = Mark{.id = last, .configuration = {.voters = {1, 2, pick(9) + 3}}};
        } else if (kind < 4 && synced_last() > twin.mark.id.index) {
            const uint64_t index =
                twin.mark.id.index + 1 + pick(synced_last() - twin.mark.id.index);
            out.batch.mark = Mark{.id = {.term = twin.entries.at(index).term, .index = index},
                                  .configuration = {.voters = {1, 2}, .learners = {pick(5)}}};
        }
        const uint64_t floor = out.batch.mark ? out.batch.mark->id.index : twin.mark.id.index;
        uint64_t next = last.index + 1;
        uint64_t term = std::max(state.term, last.term);
        if (pick(8) == 0 && last.index > floor) {
            next = floor + 1 + pick(last.index - floor);
            term += 1;
            state.term = std::max(state.term, term);
            out.batch.hard_state = state;
        }
        const uint64_t count = pick(5);
        for (uint64_t i = 0; i < count; ++i) {
            const uint64_t bytes = pick(10) == 0 ? pick(3 * kBlockBytes) : pick(300);
            out.entries.push_back(make_entry(term, next + i,
                                             Bytes(bytes, static_cast<char>(random_())),
                                             static_cast<raft::EntryType>(pick(2))));
        }
        return out;
    }

    // The last entry that is in the log and was synced: what a state machine may have applied.
    uint64_t synced_last() const {
        const LogTwin& synced = states_[synced_];
        const LogTwin& now = states_.back();
        uint64_t index = now.mark.id.index;
        while (now.entries.count(index + 1) != 0 && synced.entries.count(index + 1) != 0 &&
               now.entries.at(index + 1) == synced.entries.at(index + 1)) {
            ++index;
        }
        return index;
    }

    void step() {
        const uint64_t what = pick(20);
        if (what < 10) {
            const OwnedBatch batch = random_batch();
            append_to_twin(batch);
            note(wal_->append(batch.view()), false);
        } else if (what < 15) {
            note(wal_->sync(), true);
        } else if (what < 17) {
            wal_->release(pick(states_.back().last().index + 1));
        } else if (what < 19) {
            wal_->spares().turn();
        } else {
            note(wal_->close(), true);
        }
        if (!failed_) {
            wal_->check_invariants();
        }
    }

    void note(Status status, bool synced) {
        if (!status.ok()) {
            failed_ = true;
            // Latched: nothing is taken any more, and the error stays.
            EXPECT_EQ(wal_->sync().message(), status.message());
            EXPECT_EQ(wal_->append({}).message(), status.message());
            failure_ = std::move(status);
        } else if (synced) {
            synced_ = states_.size() - 1;
        }
    }

    std::mt19937_64 random_;
    Options options_;
    FaultFileSystem fs_;
    std::unique_ptr<Wal> wal_;
    Recovered recovered_;
    bool created_ = false;
    bool failed_ = false;
    Status failure_;
    std::deque<LogTwin> states_ = {LogTwin()};
    size_t synced_ = 0;  // of states_, the last one that a sync promised
};

TEST(WalCrashTest, RandomWorkSurvivesRepeatedCrashes) {
    for (uint64_t seed = 1; seed <= 120; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine machine(seed);
        for (int round = 0; round < 12; ++round) {
            machine.fs().crash_at_change(1 + machine.pick(60));
            if (!machine.created()) {
                machine.create();
            }
            if (machine.open_for_use()) {
                machine.run(80);
            }
            machine.restart();
            if (::testing::Test::HasFatalFailure()) {
                return;
            }
        }
    }
}

// Every single change of one piece of work, each cut short.
TEST(WalCrashTest, EveryChangeMayBeTheLast) {
    for (uint64_t seed = 1; seed <= 4; ++seed) {
        for (uint64_t change = 1;; ++change) {
            SCOPED_TRACE("seed " + std::to_string(seed) + " change " + std::to_string(change));
            Machine machine(seed);
            machine.fs().crash_at_change(change);
            machine.create();
            if (machine.open_for_use()) {
                machine.run(120);
            }
            const bool crashed = machine.fs().crashed();
            machine.restart();
            if (::testing::Test::HasFatalFailure()) {
                return;
            }
            if (!crashed) {
                break;
            }
        }
    }
}

TEST(WalCrashTest, AFailedSyncLatchesAndIsNotTrustedLater) {
    uint64_t failures = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine machine(seed);
        machine.create();
        for (int round = 0; round < 6; ++round) {
            machine.fail_a_sync();
            machine.run(80);
            failures += machine.failed() ? 1U : 0U;
            machine.restart();
            if (::testing::Test::HasFatalFailure()) {
                return;
            }
        }
    }
    EXPECT_GT(failures, 150u);
}

TEST(WalCrashTest, AFullDiskLeavesAValidLog) {
    uint64_t full = 0;
    for (uint64_t seed = 1; seed <= 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Machine machine(seed);
        machine.create();
        for (int round = 0; round < 6; ++round) {
            machine.fill_the_disk(machine.pick(100'000));
            machine.run(80);
            if (machine.failed()) {
                EXPECT_TRUE(machine.failure().is(errors::kDiskFull)) << machine.failure().message();
                ++full;
            }
            if (machine.pick(2) == 0) {
                machine.empty_the_disk();
            }
            machine.restart();
            if (::testing::Test::HasFatalFailure()) {
                return;
            }
            machine.empty_the_disk();
        }
    }
    EXPECT_GT(full, 60u);
}

}  // namespace
}  // namespace quorate::wal
