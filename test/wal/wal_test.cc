// SPDX-License-Identifier: Apache-2.0
#include "wal/wal.h"

#include "base/errors.h"
#include "wal/wal_fixture.h"

namespace quorate::wal {
namespace {

using WalTest = WalFixture;

TEST_F(WalTest, ANewLogHoldsItsFirstBatch) {
    EXPECT_FALSE(Wal::exists(fs_, kDir).value());
    const Batch first{
        .hard_state = raft::HardState{.term = 3, .vote = 1},
        .mark = Mark{.id = {.term = 2, .index = 7}, .configuration = {.voters = {1}}}};
    wal_ = std::move(Wal::create(fs_, kDir, kIdentity, first, options_)).value();
    EXPECT_TRUE(Wal::exists(fs_, kDir).value());
    EXPECT_EQ(wal_->last(), (raft::EntryId{.term = 2, .index = 7}));
    reopen();
    EXPECT_EQ(recovered_.hard_state, *first.hard_state);
    EXPECT_EQ(recovered_.mark, *first.mark);
    EXPECT_EQ(recovered_.start, first.mark->id);
    EXPECT_TRUE(recovered_.entries.empty());
    EXPECT_EQ(recovered_.torn_bytes, 0u);
}

TEST_F(WalTest, OneLogPerFolderAndOneOwner) {
    create();
    EXPECT_NE(Wal::open(fs_, kDir, kIdentity, options_).error().message().find("in use"),
              std::string::npos);
    wal_.reset();
    EXPECT_NE(Wal::create(fs_, kDir, kIdentity, {}, options_).error().message().find("already"),
              std::string::npos);
    fs_.create_dirs("/empty").message();
    EXPECT_TRUE(Wal::open(fs_, "/empty", kIdentity, options_).error().is(errors::kFileNotFound));
    EXPECT_TRUE(Wal::open(fs_, "/none", kIdentity, options_).error().is(errors::kFileNotFound));
}

TEST_F(WalTest, EntriesComeBackInOrder) {
    create();
    append_synced(1, 1, 3);
    append_synced(2, 4, 4, 9000);
    ASSERT_TRUE(
        wal_->append_and_sync({.hard_state = raft::HardState{.term = 2, .commit = 4}}).ok());
    reopen();
    ASSERT_EQ(recovered_.entries.size(), 4u);
    EXPECT_EQ(recovered_.entries[0].data(), text(1, 1, 100));
    EXPECT_EQ(recovered_.entries[3].data(), text(2, 4, 9000));
    EXPECT_EQ(recovered_.hard_state.commit, 4u);
    append_synced(2, 5, 5);
    reopen();
    EXPECT_EQ(recovered_.last(), (raft::EntryId{.term = 2, .index = 5}));
}

TEST_F(WalTest, ReplacedEntriesDoNotComeBack) {
    create();
    append_synced(1, 1, 5);
    append_synced(2, 3, 3);
    reopen();
    ASSERT_EQ(recovered_.entries.size(), 3u);
    EXPECT_EQ(recovered_.entries[2].data(), text(2, 3, 100));
}

TEST_F(WalTest, SegmentsFollowEachOther) {
    create();
    for (uint64_t index = 1; index <= 60; ++index) {
        append_synced(1, index, index);
    }
    EXPECT_GT(segments().size(), 3u);
    EXPECT_EQ(wal_->segment_count(), segments().size());
    EXPECT_EQ(wal_->bytes_on_disk(), segments().size() * options_.segment_bytes);
    reopen();
    EXPECT_EQ(recovered_.entries.size(), 60u);
    EXPECT_EQ(wal_->segment_count(), segments().size());
}

TEST_F(WalTest, AnEntryLargerThanASegmentGetsOneOfItsSize) {
    create();
    append_synced(1, 1, 1);
    append_synced(1, 2, 2, 40 * kBlockBytes);
    append_synced(1, 3, 3);
    reopen();
    ASSERT_EQ(recovered_.entries.size(), 3u);
    EXPECT_EQ(recovered_.entries[1].data(), text(1, 2, 40 * kBlockBytes));
}

TEST_F(WalTest, LargeBatchesAreSplit) {
    options_.segment_bytes = 4 * 1024 * 1024;
    create();
    append_synced(1, 1, 20, 1024 * 1024);
    reopen();
    ASSERT_EQ(recovered_.entries.size(), 20u);
    EXPECT_EQ(recovered_.entries[19].data(), text(1, 20, 1024 * 1024));
}

// Cut short at each of its changes.
TEST_F(WalTest, PartOfALargeBatchCommitsNoMoreThanItHas) {
    std::vector<raft::Entry> entries;
    for (uint64_t index = 1; index <= 4; ++index) {
        entries.push_back(make_entry(1, index, text(1, index, 3 * 1024 * 1024)));
    }
    const Batch batch{.hard_state = raft::HardState{.term = 1, .vote = 1, .commit = 4},
                      .entries = entries};
    size_t parts_found = 0;
    bool written = false;
    for (uint64_t n = 1; !written; ++n) {
        FaultFileSystem fs;
        auto wal = Wal::create(fs, kDir, kIdentity, {}, {});
        ASSERT_TRUE(wal.has_value());
        fs.crash_at_change(n);
        written = (*wal)->append(batch).ok();
        wal->reset();
        fs.kill();
        const auto opened = Wal::open(fs, kDir, kIdentity, {});
        ASSERT_TRUE(opened.has_value()) << opened.error().message();
        const std::vector<raft::Entry>& found = opened->recovered.entries;
        if (!found.empty() && found.size() < entries.size()) {
            ++parts_found;
            EXPECT_EQ(opened->recovered.hard_state.vote, 1U);
        }
        EXPECT_EQ(opened->recovered.hard_state.commit, found.size()) << "change " << n;
    }
    EXPECT_GT(parts_found, 0U);
}

TEST_F(WalTest, AnEntryThatNoFrameHoldsIsRefusedAndTheLogGoesOn) {
    create();
    const std::vector<raft::Entry> huge = {make_entry(1, 1, Bytes(kFrameBytesMax, 'x'))};
    EXPECT_TRUE(wal_->append({.entries = huge}).is(errors::kResourceExhausted));
    append_synced(1, 1, 1);
    reopen();
    EXPECT_EQ(recovered_.entries.size(), 1u);
}

TEST_F(WalTest, HistoryBeforeTheMarkIsBounded) {
    create();
    append_synced(1, 1, 20);
    mark(1, 15);
    options_.history_entries_max = 4;
    reopen();
    EXPECT_EQ(recovered_.start, (raft::EntryId{.term = 1, .index = 11}));
    EXPECT_EQ(recovered_.entries.size(), 9u);
    options_.history_bytes_max = 250;
    reopen();
    EXPECT_EQ(recovered_.start.index, 13u);
    options_.history_entries_max = 0;
    reopen();
    EXPECT_EQ(recovered_.start.index, 15u);
    EXPECT_EQ(recovered_.entries.size(), 5u);
    options_.history_entries_max = 5000;
    options_.history_bytes_max = UINT64_MAX;
    reopen();
    EXPECT_EQ(recovered_.start.index, 0u);
    EXPECT_EQ(recovered_.entries.size(), 20u);
}

TEST_F(WalTest, AnInstalledSnapshotStartsTheLogAnew) {
    create();
    append_synced(1, 1, 5);
    mark(3, 100);
    EXPECT_EQ(wal_->last(), (raft::EntryId{.term = 3, .index = 100}));
    append_synced(3, 101, 102);
    reopen();
    EXPECT_EQ(recovered_.start, (raft::EntryId{.term = 3, .index = 100}));
    EXPECT_EQ(recovered_.entries.size(), 2u);
}

TEST_F(WalTest, ReleaseWaitsForASyncedMark) {
    create();
    for (uint64_t index = 1; index <= 60; ++index) {
        append_synced(1, index, index);
    }
    const size_t before = wal_->segment_count();
    wal_->release(60);
    EXPECT_EQ(wal_->segment_count(), before) << "no mark at all";
    ASSERT_TRUE(wal_->append({.mark = Mark{.id = {.term = 1, .index = 50}}}).ok());
    wal_->release(60);
    EXPECT_EQ(wal_->segment_count(), before) << "not synced";
    ASSERT_TRUE(wal_->sync().ok());
    wal_->release(20);
    const size_t after_20 = wal_->segment_count();
    EXPECT_LT(after_20, before) << "up to the index";
    wal_->release(60);
    EXPECT_LT(wal_->segment_count(), after_20) << "up to the mark";
    pump_spares();
    EXPECT_EQ(segments().size(), wal_->segment_count());
    reopen();
    EXPECT_EQ(recovered_.last().index, 60u);
    EXPECT_EQ(recovered_.mark.id.index, 50u);
}

TEST_F(WalTest, ReleasedSegmentsAreReusedAndTheirFramesAreVoid) {
    options_.spare_segments_max = 2;
    create();
    uint64_t index = 0;
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 30; ++i) {
            ++index;
            append_synced(1, index, index);
        }
        mark(1, index - 5);
        wal_->release(index);
        pump_spares();
        fs_.power_cut(index);
        reopen();
        ASSERT_EQ(recovered_.last().index, index);
    }
    // A few segments, two spares, and the lock: the same files over and over.
    EXPECT_LE(fs_.content().size(), 8u);
    EXPECT_LE(wal_->bytes_on_disk(), 8 * options_.segment_bytes);
}

TEST_F(WalTest, AReusedSegmentWithoutFramesShowsNoneOfTheOldOnes) {
    options_.spare_segments_max = 2;
    create();
    for (uint64_t index = 1; index <= 26; ++index) {
        append_synced(1, index, index);
    }
    mark(1, 26);
    wal_->release(26);
    pump_spares();
    // Goes on in the file that held the first entries, and leaves most of them where they were.
    for (uint64_t index = 27; index <= 42; ++index) {
        append_synced(1, index, index);
    }
    fs_.power_cut(1);
    reopen();
    EXPECT_EQ(recovered_.last().index, 42u);
    EXPECT_EQ(recovered_.torn_bytes, 0u);
}

TEST_F(WalTest, ATornTailIsDroppedAndNeverComesBack) {
    for (uint64_t seed = 0; seed < 40; ++seed) {
        fs_.kill();
        FaultFileSystem fs;
        auto wal = std::move(Wal::create(fs, kDir, kIdentity, {}, options_)).value();
        const auto entry = [](uint64_t term, uint64_t index, size_t bytes) {
            return std::vector<raft::Entry>{make_entry(term, index, text(term, index, bytes))};
        };
        ASSERT_TRUE(wal->append_and_sync({.entries = entry(1, 1, 100)}).ok());
        for (uint64_t index = 2; index <= 5; ++index) {
            ASSERT_TRUE(wal->append({.entries = entry(1, index, 2 * kBlockBytes)}).ok());
        }
        wal.reset();
        fs.power_cut(seed);
        auto opened = Wal::open(fs, kDir, kIdentity, options_);
        ASSERT_TRUE(opened.has_value()) << opened.error().message();
        const uint64_t last = opened->recovered.last().index;
        ASSERT_GE(last, 1u);
        // The same sizes again, so that a frame that was left would follow exactly.
        ASSERT_TRUE(
            opened->wal->append_and_sync({.entries = entry(2, last + 1, 2 * kBlockBytes)}).ok());
        opened->wal.reset();
        fs.power_cut(seed + 1000);
        auto again = Wal::open(fs, kDir, kIdentity, options_);
        ASSERT_TRUE(again.has_value()) << again.error().message();
        EXPECT_EQ(again->recovered.last(), (raft::EntryId{.term = 2, .index = last + 1}));
        EXPECT_EQ(again->recovered.torn_bytes, 0u);
    }
}

TEST_F(WalTest, UnsyncedFramesSurviveAKill) {
    create();
    append(1, 1, 3);
    wal_.reset();
    fs_.kill();
    reopen();
    EXPECT_EQ(recovered_.entries.size(), 3u);
    // What was found is on the disk now.
    fs_.power_cut(0);
    reopen();
    EXPECT_EQ(recovered_.entries.size(), 3u);
}

TEST_F(WalTest, UnsafeModeSyncsNothingAndClaimsNothing) {
    options_.unsafe_no_fsync = true;
    create();
    for (uint64_t index = 1; index <= 40; ++index) {
        append_synced(1, index, index);
    }
    wal_.reset();
    fs_.kill();
    reopen();
    EXPECT_EQ(recovered_.entries.size(), 40u);
}

TEST_F(WalTest, ClosingTwiceWritesOnce) {
    create();
    append_synced(1, 1, 1);
    ASSERT_TRUE(wal_->close().ok());
    const auto before = fs_.content();
    ASSERT_TRUE(wal_->close().ok());
    reopen();
    ASSERT_TRUE(wal_->close().ok());
    EXPECT_EQ(fs_.content(), before);
    append_synced(1, 2, 2);
    reopen();
    EXPECT_EQ(recovered_.entries.size(), 2u);
}

// Every sync on the way from one segment to the next, down to that of the seal, which takes the
// last room in the old one.
TEST_F(WalTest, AFailedSyncBetweenTwoSegmentsLeavesAValidLog) {
    bool failed = true;
    for (uint64_t sync = 1; failed; ++sync) {
        SCOPED_TRACE("sync " + std::to_string(sync));
        fs_.kill();
        wal_.reset();
        for (const auto& [path, content] : fs_.content()) {
            ASSERT_TRUE(fs_.remove(path).ok());
        }
        create();
        // Full but for the seal: the other two blocks are the header and the first frame.
        const uint64_t full = options_.segment_bytes / kBlockBytes - 3;
        for (uint64_t index = 1; index <= full; ++index) {
            append_synced(1, index, index);
        }
        ASSERT_EQ(wal_->segment_count(), 1u);
        fs_.fail_sync_at(sync);
        const uint64_t index = full + 1;
        const std::vector<raft::Entry> entries = {make_entry(1, index, text(1, index, 100))};
        failed = !wal_->append({.entries = entries}).ok();
        wal_->check_invariants();
        EXPECT_EQ(wal_->segment_count(), failed ? 1u : 2u);
        fs_.kill();
        reopen();
        EXPECT_EQ(recovered_.last().index, failed ? full : index);
        if (failed) {
            append_synced(1, index, index);
            EXPECT_EQ(wal_->segment_count(), 2u);
        }
    }
}

TEST_F(WalTest, AFullDiskIsSaidAndTheLogIsValidWithSpace) {
    create();
    fs_.set_capacity(options_.segment_bytes + 1000);
    Status full;
    uint64_t index = 0;
    while (full.ok()) {
        ++index;
        const std::vector<raft::Entry> entries = {make_entry(1, index, "x")};
        full = wal_->append_and_sync({.entries = entries});
    }
    EXPECT_TRUE(full.is(errors::kDiskFull)) << full.message();
    // Full still: what is there can be read, and written where there is room.
    reopen();
    EXPECT_EQ(recovered_.last().index, index - 1);
    fs_.set_capacity(UINT64_MAX);
    reopen();
    append_synced(1, index, index);
    reopen();
    EXPECT_EQ(recovered_.last().index, index);
}

TEST_F(WalTest, SparesSayThatTheDiskIsFullBeforeTheLogDoes) {
    create();
    fs_.set_capacity(options_.segment_bytes + 1000);
    EXPECT_GT(wal_->spares().turn(), 0);
    wal_->spares().poll();
    EXPECT_TRUE(wal_->spares().health().is(errors::kDiskFull));
    append_synced(1, 1, 1);
    fs_.set_capacity(UINT64_MAX);
    pump_spares();
    wal_->spares().poll();
    EXPECT_TRUE(wal_->spares().health().ok());
}

}  // namespace
}  // namespace quorate::wal
