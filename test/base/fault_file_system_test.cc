// SPDX-License-Identifier: Apache-2.0
#include "base/fault_file_system.h"

#include "base/errors.h"

#include <gtest/gtest.h>

#include <set>

namespace quorate {
namespace {

class FaultFileSystemTest : public ::testing::Test {
  protected:
    void SetUp() override { ASSERT_TRUE(fs_.create_dirs("/d").ok()); }

    // A file of `sectors` sectors of 'a', synced with its name.
    std::unique_ptr<File> synced_file(size_t sectors) {
        auto file = fs_.open("/d/f", OpenMode::kCreateNew);
        EXPECT_TRUE(file.value()->write_at(0, Bytes(sectors * kSectorBytes, 'a')).ok());
        EXPECT_TRUE(file.value()->sync_data().ok());
        EXPECT_TRUE(fs_.sync_dir("/d").ok());
        return std::move(file).value();
    }
    Bytes content() { return fs_.content().at("/d/f"); }

    FaultFileSystem fs_;
};

TEST_F(FaultFileSystemTest, SyncedDataSurvivesEveryPowerCut) {
    synced_file(4);
    for (uint64_t seed = 0; seed < 50; ++seed) {
        fs_.power_cut(seed);
        EXPECT_EQ(content(), Bytes(4 * kSectorBytes, 'a'));
    }
}

TEST_F(FaultFileSystemTest, UnsyncedDataSurvivesBySectors) {
    bool all = false;
    bool none = false;
    bool holes = false;
    for (uint64_t seed = 0; seed < 100; ++seed) {
        FaultFileSystem fs;
        ASSERT_TRUE(fs.create_dirs("/d").ok());
        auto file = std::move(fs.open("/d/f", OpenMode::kCreateNew)).value();
        ASSERT_TRUE(file->write_at(0, Bytes(4 * kSectorBytes, 'a')).ok());
        ASSERT_TRUE(file->sync_data().ok());
        ASSERT_TRUE(fs.sync_dir("/d").ok());
        ASSERT_TRUE(file->write_at(0, Bytes(4 * kSectorBytes, 'b')).ok());
        fs.power_cut(seed);
        const Bytes after = fs.content().at("/d/f");
        ASSERT_EQ(after.size(), 4 * kSectorBytes);
        Bytes pattern;
        for (size_t sector = 0; sector < 4; ++sector) {
            const Bytes part = after.substr(sector * kSectorBytes, kSectorBytes);
            ASSERT_EQ(part, Bytes(kSectorBytes, part[0])) << "torn inside a sector";
            pattern += part[0];
        }
        all |= pattern == "bbbb";
        none |= pattern == "aaaa";
        holes |= pattern.find("ab") != Bytes::npos;
    }
    EXPECT_TRUE(all);
    EXPECT_TRUE(none);
    EXPECT_TRUE(holes);
}

TEST_F(FaultFileSystemTest, UnsyncedNamesMayBeLostOrKept) {
    std::set<std::vector<std::string>> seen;
    for (uint64_t seed = 0; seed < 100; ++seed) {
        FaultFileSystem fs;
        ASSERT_TRUE(fs.create_dirs("/d").ok());
        for (const char* name : {"/d/a", "/d/b"}) {
            ASSERT_TRUE(fs.open(name, OpenMode::kCreateNew).has_value());
        }
        ASSERT_TRUE(fs.sync_dir("/d").ok());
        ASSERT_TRUE(fs.rename("/d/a", "/d/c").ok());
        ASSERT_TRUE(fs.remove("/d/b").ok());
        fs.power_cut(seed);
        seen.insert(fs.list("/d").value());
    }
    const std::set<std::vector<std::string>> expected = {{"a", "b"}, {"a"}, {"b", "c"}, {"c"}};
    EXPECT_EQ(seen, expected);
}

TEST_F(FaultFileSystemTest, ASyncedFileWithAnUnsyncedNameMayBeGone) {
    bool gone = false;
    for (uint64_t seed = 0; seed < 50; ++seed) {
        FaultFileSystem fs;
        ASSERT_TRUE(fs.create_dirs("/d").ok());
        ASSERT_TRUE(fs.open("/d/a", OpenMode::kCreateNew).value()->sync_data().ok());
        fs.power_cut(seed);
        gone |= fs.list("/d").value().empty();
    }
    EXPECT_TRUE(gone);
}

TEST_F(FaultFileSystemTest, AfterAFailedSyncTheNextOneDoesNotHelp) {
    bool lost = false;
    for (uint64_t round = 0; round < 20; ++round) {
        FaultFileSystem fs;
        ASSERT_TRUE(fs.create_dirs("/d").ok());
        auto file = std::move(fs.open("/d/f", OpenMode::kCreateNew)).value();
        ASSERT_TRUE(fs.sync_dir("/d").ok());
        for (uint64_t i = 0; i < round; ++i) {
            ASSERT_TRUE(file->truncate(0).ok());  // moves the deterministic choice on
        }
        ASSERT_TRUE(file->write_at(0, "data").ok());
        fs.fail_sync_at(1);
        EXPECT_TRUE(file->sync_data().is(errors::kIo));
        EXPECT_EQ(file->read_at(0, 10).value(), "data");
        EXPECT_TRUE(file->sync_data().ok());
        EXPECT_EQ(file->read_at(0, 10).value(), "data");
        fs.power_cut(1);
        lost |= fs.content().at("/d/f") != "data";
    }
    EXPECT_TRUE(lost);
}

TEST_F(FaultFileSystemTest, ACrashCutsTheChangeShortAndEndsEverything) {
    auto file = synced_file(1);
    fs_.crash_at_change(2);
    EXPECT_TRUE(file->write_at(0, "b").ok());
    EXPECT_FALSE(fs_.crashed());
    EXPECT_FALSE(file->write_at(1, "b").ok());
    EXPECT_TRUE(fs_.crashed());
    EXPECT_FALSE(file->read_at(0, 1).has_value());
    EXPECT_FALSE(fs_.list("/d").has_value());
    fs_.kill();
    EXPECT_FALSE(file->read_at(0, 1).has_value()) << "open from before the crash";
    EXPECT_EQ(content().substr(0, 3), "bba");
}

TEST_F(FaultFileSystemTest, AFullDiskStoresWhatFits) {
    auto file = synced_file(1);
    fs_.set_capacity(kSectorBytes + 10);
    EXPECT_TRUE(file->write_at(0, "over what is there").ok());
    EXPECT_TRUE(file->write_at(kSectorBytes, Bytes(11, 'b')).is(errors::kDiskFull));
    EXPECT_EQ(file->size().value(), kSectorBytes + 10);
    fs_.set_capacity(kSectorBytes + 11);
    EXPECT_TRUE(file->write_at(kSectorBytes, Bytes(11, 'b')).ok());
}

TEST_F(FaultFileSystemTest, FlippedBitsAreOnTheDisk) {
    synced_file(1);
    fs_.flip("/d/f", 7, 0x01);
    EXPECT_EQ(content()[7], 'a' ^ 1);
    fs_.power_cut(3);
    EXPECT_EQ(content()[7], 'a' ^ 1);
}

TEST_F(FaultFileSystemTest, TheSameSeedGivesTheSameDisk) {
    const auto run = [](uint64_t seed) {
        FaultFileSystem fs;
        EXPECT_TRUE(fs.create_dirs("/d").ok());
        for (const char* name : {"/d/a", "/d/b", "/d/c"}) {
            auto file = std::move(fs.open(name, OpenMode::kCreateNew)).value();
            EXPECT_TRUE(file->write_at(0, Bytes(10000, 'x')).ok());
        }
        fs.power_cut(seed);
        return fs.content();
    };
    for (uint64_t seed = 0; seed < 20; ++seed) {
        EXPECT_EQ(run(seed), run(seed));
    }
}

}  // namespace
}  // namespace quorate
