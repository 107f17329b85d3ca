// SPDX-License-Identifier: Apache-2.0
#include "node/data_dir_guard.h"

#include "base/errors.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

namespace quorate::node {
namespace {

namespace disk = std::filesystem;

class DataDirGuardTest : public testing::Test {
  protected:
    DataDirGuardTest() : fs_(make_posix_file_system()) {
        std::string name = (disk::temp_directory_path() / "quorate-guard-XXXXXX").string();
        dir_ = mkdtemp(name.data());
        config_.member.data_dir = dir_ + "/a/b/data";
        config_.plugins.storage.name = "leveldb";
    }
    ~DataDirGuardTest() override { disk::remove_all(dir_); }

    DataPaths paths() const { return data_paths(config_); }
    auto enter() { return DataDirGuard::enter(*fs_, paths()); }

    static void write(const std::string& path) {
        disk::create_directories(disk::path(path).parent_path());
        std::ofstream(path) << "x";
    }
    // What a start has written when the last of its parts fails.
    void write_all() const {
        const DataPaths paths = this->paths();
        write(paths.identity_file);
        write(paths.engine_dir + "/CURRENT");
        write(paths.engine_dir + "/lost/000001.log");
        write(paths.wal_dir + "/0.wal");
        write(paths.snapshot_dir + "/1");
        write(paths.certificate_dir + "/peer/key.pem");
    }
    std::set<std::string> tree() const {
        std::set<std::string> all;
        for (const auto& entry : disk::recursive_directory_iterator(dir_)) {
            all.insert(entry.path().string().substr(dir_.size() + 1));
        }
        return all;
    }

    const std::unique_ptr<FileSystem> fs_;
    std::string dir_;
    config::Config config_;
};

TEST_F(DataDirGuardTest, AFirstStartThatFailsLeavesNothing) {
    config_.member.wal_dir = dir_ + "/log/here";
    {
        const auto guard = enter();
        ASSERT_TRUE(guard.has_value()) << guard.error().message();
        write_all();
    }
    EXPECT_EQ(tree(), std::set<std::string>());
    // What was there stays, in the folders that a start uses as well.
    write(dir_ + "/a/b/data/certificate.pem");
    write(dir_ + "/a/b/data/member/notes");
    disk::create_directories(dir_ + "/log/here");
    const auto before = tree();
    {
        const auto guard = enter();
        ASSERT_TRUE(guard.has_value());
        write_all();
    }
    EXPECT_EQ(tree(), before);
}

TEST_F(DataDirGuardTest, AStartThatSucceedsLeavesAll) {
    {
        const auto guard = enter();
        ASSERT_TRUE(guard.has_value());
        write_all();
        (*guard)->keep();
    }
    const auto before = tree();
    EXPECT_TRUE(before.contains("a/b/data/member/leveldb/lost/000001.log"));
    // And a later one that fails touches nothing.
    {
        const auto guard = enter();
        ASSERT_TRUE(guard.has_value());
    }
    EXPECT_EQ(tree(), before);
}

TEST_F(DataDirGuardTest, WhatIsThereWithoutAnIdentityStays) {
    write(paths().engine_dir + "/CURRENT");
    write(paths().wal_dir + "/0.wal");
    const auto before = tree();
    {
        const auto guard = enter();
        ASSERT_TRUE(guard.has_value());
        write(paths().engine_dir + "/MANIFEST-2");
        write(paths().identity_file);
    }
    auto after = before;
    after.insert("a/b/data/member/leveldb/MANIFEST-2");  // may be what CURRENT now names
    EXPECT_EQ(tree(), after);
}

TEST_F(DataDirGuardTest, OnlyOneProcessHasADirectory) {
    auto first = enter();
    ASSERT_TRUE(first.has_value());
    write_all();
    const auto before = tree();
    const auto in_use = [this] {
        const auto second = enter();
        EXPECT_TRUE(!second && second.error().is(errors::kIo));
        return second ? "" : second.error().message();
    };
    EXPECT_NE(in_use().find("data/member: in use by another process"), std::string::npos);
    // A log of its own, in the place of the other's.
    const std::string wal_dir = paths().wal_dir;
    config_.member.data_dir = dir_ + "/other";
    config_.member.wal_dir = wal_dir;
    EXPECT_NE(in_use().find("wal: in use by another process"), std::string::npos);
    EXPECT_EQ(tree(), before);
    (*first)->keep();
    first->reset();
    {
        const auto second = enter();
        ASSERT_TRUE(second.has_value());
        write(paths().identity_file);
    }
    EXPECT_EQ(tree(), before);  // the log had been begun
}

TEST_F(DataDirGuardTest, ALogInTheMembersOwnFolder) {
    config_.member.wal_dir = config_.member.data_dir + "/member";
    const auto guard = enter();
    EXPECT_TRUE(guard.has_value()) << guard.error().message();
}

TEST_F(DataDirGuardTest, FoldersThatCouldNotAllBeMadeGoAgain) {
    write(dir_ + "/file");
    config_.member.wal_dir = dir_ + "/file/wal";
    const auto before = tree();
    EXPECT_FALSE(enter().has_value());
    config_.member.wal_dir = dir_ + "/log/here";
    config_.plugins.storage.name = std::string(300, 'x');  // longer than a name may be
    EXPECT_FALSE(enter().has_value());
    EXPECT_EQ(tree(), before);
}

}  // namespace
}  // namespace quorate::node
