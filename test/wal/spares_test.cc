// SPDX-License-Identifier: Apache-2.0
#include "wal/spares.h"

#include "base/errors.h"
#include "base/fault_file_system.h"
#include "base/loop_thread.h"
#include "wal/log_twin.h"
#include "wal/wal.h"

#include <gtest/gtest.h>

namespace quorate::wal {
namespace {

constexpr uint64_t kBytes = 3 * 1024 * 1024 + kBlockBytes;  // several slices and a rest

class SparesTest : public ::testing::Test {
  protected:
    SparesTest() { EXPECT_TRUE(fs_.create_dirs("/w").ok()); }

    void start(uint32_t count_max = 2) {
        spares_ = std::make_unique<Spares>(
            fs_, "/w", Spares::Settings{.segment_bytes = kBytes, .count_max = count_max});
        ASSERT_TRUE(spares_->open().ok());
    }
    // Turns until there is nothing to do; counts them.
    int pump() {
        int turns = 1;
        while (spares_->turn() < 1'000'000'000) {
            ++turns;
        }
        return turns;
    }
    void make_file(const std::string& name, uint64_t bytes) {
        auto file = std::move(fs_.open("/w/" + name, OpenMode::kCreateNew)).value();
        ASSERT_TRUE(file->write_at(0, Bytes(static_cast<size_t>(bytes), 'o')).ok());
    }

    FaultFileSystem fs_;
    std::unique_ptr<Spares> spares_;
};

TEST_F(SparesTest, MakesOneInSlices) {
    start();
    EXPECT_FALSE(spares_->take().has_value());
    EXPECT_EQ(pump(), 4);
    const auto path = spares_->take();
    ASSERT_TRUE(path.has_value());
    EXPECT_EQ(fs_.content().at(*path), Bytes(kBytes, '\0'));
    EXPECT_FALSE(spares_->take().has_value()) << "one is made at a time";
    pump();
    const auto next = spares_->take();
    ASSERT_TRUE(next.has_value());
    EXPECT_NE(*next, *path);
}

TEST_F(SparesTest, IsOnTheDiskWhenItIsHandedOut) {
    start();
    pump();
    const std::string path = *spares_->take();
    ASSERT_TRUE(fs_.sync_dir("/w").ok());  // as the log does when it renames it
    fs_.power_cut(1);
    EXPECT_EQ(fs_.content().at(path).size(), kBytes);
}

TEST_F(SparesTest, RetiredSegmentsBecomeSparesUpToTheBound) {
    start(2);
    for (const char* name : {"1.wal", "2.wal", "3.wal"}) {
        make_file(name, kBytes);
        spares_->retire(std::string("/w/") + name, kBytes);
    }
    make_file("4.wal", kBlockBytes);
    spares_->retire("/w/4.wal", kBlockBytes);
    EXPECT_EQ(spares_->bytes(), 3 * kBytes + kBlockBytes);
    EXPECT_EQ(pump(), 1) << "none has to be made";
    spares_->poll();
    EXPECT_EQ(spares_->bytes(), 2 * kBytes);
    const std::vector<std::string> names = fs_.list("/w").value();
    EXPECT_EQ(names.size(), 2u);
    for (const std::string& name : names) {
        EXPECT_TRUE(name.ends_with(kSpareSuffix)) << name;
    }
    EXPECT_EQ(fs_.content().at(*spares_->take())[0], 'o') << "reused, not filled";
}

TEST_F(SparesTest, TakesOverWhatTheLastRunLeft) {
    make_file("0000000000000007.spare", kBytes);
    make_file("0000000000000009.spare", kBytes / 2);
    make_file("quick.spare", kBytes);
    make_file("other", 10);
    start();
    EXPECT_EQ(fs_.list("/w").value(),
              (std::vector<std::string>{"0000000000000007.spare", "other"}));
    EXPECT_EQ(spares_->take(), "/w/0000000000000007.spare");
    pump();
    EXPECT_EQ(spares_->take(), "/w/000000000000000a.spare") << "no name is used twice";
}

TEST_F(SparesTest, AFullDiskIsReportedAndTriedAgain) {
    start();
    fs_.set_capacity(2 * 1024 * 1024);
    pump();
    spares_->poll();
    EXPECT_TRUE(spares_->health().is(errors::kDiskFull)) << spares_->health().message();
    EXPECT_TRUE(fs_.list("/w").value().empty()) << "the half-filled one gives its space back";
    fs_.set_capacity(UINT64_MAX);
    pump();
    EXPECT_TRUE(spares_->take().has_value());
    EXPECT_TRUE(spares_->health().ok());
}

// Retired segments go one by one, oldest first, so that what is left is always one chain.
TEST_F(SparesTest, ACrashLeavesTheNewestSegments) {
    for (uint64_t seed = 0; seed < 200; ++seed) {
        FaultFileSystem fs;
        ASSERT_TRUE(fs.create_dirs("/w").ok());
        Spares spares(fs, "/w", {.segment_bytes = kBlockBytes, .count_max = 1});
        ASSERT_TRUE(spares.open().ok());
        for (const char* name : {"/w/1.wal", "/w/2.wal", "/w/3.wal", "/w/4.wal"}) {
            ASSERT_TRUE(Spares::make_zeroed(fs, name, kBlockBytes).ok());
        }
        ASSERT_TRUE(fs.sync_dir("/w").ok());
        for (const char* name : {"/w/1.wal", "/w/2.wal", "/w/3.wal"}) {
            spares.retire(name, kBlockBytes);
        }
        fs.crash_at_change(1 + seed % 8);
        spares.turn();
        fs.power_cut(seed);
        std::string left;
        const std::vector<std::string> names = fs.list("/w").value();
        for (const std::string& name : names) {
            if (name.ends_with(".wal")) {
                left += name[0];
            }
        }
        EXPECT_TRUE(std::string("1234").ends_with(left)) << left;
        EXPECT_FALSE(left.empty());
    }
}

// The log and its helper on two threads; what matters here is what a race detector says.
TEST_F(SparesTest, WorksBesideTheLog) {
    LoopThread thread("wal-spares");
    Options options;
    options.segment_bytes = 16 * kBlockBytes;
    options.spares_waker = &thread.waker();
    constexpr Identity kIdentity{.cluster_id = 1, .member_id = 1};
    auto wal = std::move(Wal::create(fs_, "/log", kIdentity, {}, options)).value();
    thread.start([&wal] { return wal->spares().turn(); });
    for (uint64_t index = 1; index <= 500; ++index) {
        const std::vector<raft::Entry> entries = {make_entry(1, index, Bytes(100, 'x'))};
        ASSERT_TRUE(wal->append_and_sync({.entries = entries}).ok());
        if (index % 50 == 0) {
            ASSERT_TRUE(
                wal->append_and_sync({.mark = Mark{.id = {.term = 1, .index = index}}}).ok());
            wal->release(index);
        }
    }
    thread.stop();
    wal.reset();
    auto opened = Wal::open(fs_, "/log", kIdentity, options);
    ASSERT_TRUE(opened.has_value()) << opened.error().message();
    EXPECT_EQ(opened->recovered.last().index, 500u);
}

}  // namespace
}  // namespace quorate::wal
