// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include "base/errors.h"
#include "base/fault_file_system.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

namespace quorate {
namespace {

// What every FileSystem keeps, the real one and the one that simulates faults.
class FileSystemTest : public ::testing::TestWithParam<bool> {
  protected:
    void SetUp() override {
        if (GetParam()) {
            char name[] = "/tmp/quorate-file-test-XXXXXX";
            ASSERT_NE(::mkdtemp(name), nullptr);
            root_ = name;
            fs_ = make_posix_file_system();
        } else {
            root_ = "/root";
            fs_ = std::make_unique<FaultFileSystem>();
            ASSERT_TRUE(fs_->create_dirs(root_).ok());
        }
    }
    void TearDown() override {
        if (GetParam()) {
            std::filesystem::remove_all(root_);
        }
    }

    std::string path(const std::string& name) const { return root_ + "/" + name; }
    std::unique_ptr<File> open(const std::string& name, OpenMode mode) {
        auto file = fs_->open(path(name), mode);
        EXPECT_TRUE(file.has_value()) << file.error().message();
        return file ? std::move(file).value() : nullptr;
    }

    std::string root_;
    std::unique_ptr<FileSystem> fs_;
};

INSTANTIATE_TEST_SUITE_P(All, FileSystemTest, ::testing::Values(true, false),
                         [](const auto& info) { return info.param ? "Posix" : "Fault"; });

TEST_P(FileSystemTest, ReadsBackWhatWasWritten) {
    auto file = open("a", OpenMode::kCreateNew);
    ASSERT_TRUE(file->write_at(0, "hello world").ok());
    ASSERT_TRUE(file->write_at(6, "there").ok());
    EXPECT_EQ(file->read_at(0, 100).value(), "hello there");
    EXPECT_EQ(file->read_at(6, 2).value(), "th");
    EXPECT_EQ(file->read_at(11, 5).value(), "");
    EXPECT_EQ(file->size().value(), 11u);
    EXPECT_TRUE(file->sync_data().ok());
}

TEST_P(FileSystemTest, WritesBeyondTheEndLeaveZeros) {
    auto file = open("a", OpenMode::kCreateNew);
    ASSERT_TRUE(file->write_at(3, "x").ok());
    EXPECT_EQ(file->read_at(0, 10).value(), std::string("\0\0\0x", 4));
}

TEST_P(FileSystemTest, TruncatesBothWays) {
    auto file = open("a", OpenMode::kCreateNew);
    ASSERT_TRUE(file->write_at(0, "abcdef").ok());
    ASSERT_TRUE(file->truncate(2).ok());
    ASSERT_TRUE(file->truncate(4).ok());
    EXPECT_EQ(file->read_at(0, 10).value(), std::string("ab\0\0", 4));
}

TEST_P(FileSystemTest, ModesSayWhatMustExist) {
    EXPECT_TRUE(fs_->open(path("a"), OpenMode::kRead).error().is(errors::kFileNotFound));
    EXPECT_TRUE(fs_->open(path("a"), OpenMode::kReadWrite).error().is(errors::kFileNotFound));
    EXPECT_TRUE(fs_->open(path("a"), OpenMode::kWriteDirect).error().is(errors::kFileNotFound));
    EXPECT_TRUE(fs_->open(path("no/a"), OpenMode::kCreateNew).error().is(errors::kFileNotFound));
    open("a", OpenMode::kCreateNew);
    EXPECT_TRUE(fs_->open(path("a"), OpenMode::kCreateNew).error().is(errors::kIo));
}

TEST_P(FileSystemTest, DirectWritesAreSeenByOtherReaders) {
    open("a", OpenMode::kCreateNew);
    auto direct = open("a", OpenMode::kWriteDirect);
    auto reader = open("a", OpenMode::kRead);
    struct Free {
        void operator()(char* p) const { std::free(p); }
    };
    const std::unique_ptr<char, Free> block(
        static_cast<char*>(std::aligned_alloc(kDirectBytes, 2 * kDirectBytes)));
    for (const char fill : {'x', 'y'}) {
        std::fill_n(block.get(), 2 * kDirectBytes, fill);
        ASSERT_TRUE(direct->write_at(kDirectBytes, {block.get(), 2 * kDirectBytes}).ok());
        ASSERT_TRUE(direct->sync_data().ok());
        EXPECT_EQ(reader->read_at(kDirectBytes - 1, 2).value(), std::string("\0", 1) + fill);
        EXPECT_EQ(reader->size().value(), 3 * kDirectBytes);
    }
}

TEST_P(FileSystemTest, ListsNamesSorted) {
    for (const char* name : {"b", "c", "a"}) {
        open(name, OpenMode::kCreateNew);
    }
    EXPECT_EQ(fs_->list(root_).value(), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(fs_->list(path("none")).error().is(errors::kFileNotFound));
}

TEST_P(FileSystemTest, RenamesOverAndRemoves) {
    ASSERT_TRUE(open("a", OpenMode::kCreateNew)->write_at(0, "new").ok());
    ASSERT_TRUE(open("b", OpenMode::kCreateNew)->write_at(0, "old").ok());
    ASSERT_TRUE(fs_->rename(path("a"), path("b")).ok());
    EXPECT_FALSE(fs_->exists(path("a")).value());
    EXPECT_EQ(read_whole_file(*fs_, path("b"), 10).value(), "new");
    ASSERT_TRUE(fs_->remove(path("b")).ok());
    EXPECT_FALSE(fs_->exists(path("b")).value());
    EXPECT_TRUE(fs_->remove(path("b")).is(errors::kFileNotFound));
    EXPECT_TRUE(fs_->rename(path("b"), path("c")).is(errors::kFileNotFound));
    EXPECT_TRUE(fs_->sync_dir(root_).ok());
}

TEST_P(FileSystemTest, WritingBackChangesNothing) {
    auto file = open("a", OpenMode::kCreateNew);
    Bytes content;
    for (int i = 0; i < 5; ++i) {
        const Bytes piece(100'000, static_cast<char>('a' + i));
        ASSERT_TRUE(file->write_at(content.size(), piece).ok());
        file->write_back(content.size(), piece.size());
        content += piece;
    }
    EXPECT_TRUE(file->sync_data().ok());
    EXPECT_EQ(file->read_at(0, content.size() + 1).value(), content);
}

TEST_P(FileSystemTest, RemovesPieceByPiece) {
    constexpr uint64_t kMiB = 1 << 20;
    for (const uint64_t bytes : {uint64_t{0}, uint64_t{1}, 16 * kMiB, 40 * kMiB}) {
        ASSERT_TRUE(open("a", OpenMode::kCreateNew)->truncate(bytes).ok());
        EXPECT_TRUE(remove_in_pieces(*fs_, path("a")).ok());
        EXPECT_FALSE(fs_->exists(path("a")).value());
    }
    EXPECT_TRUE(remove_in_pieces(*fs_, path("a")).is(errors::kFileNotFound));
}

TEST_P(FileSystemTest, CreatesFoldersWithTheirParents) {
    ASSERT_TRUE(fs_->create_dirs(path("x/y/z")).ok());
    ASSERT_TRUE(fs_->create_dirs(path("x/y/z")).ok());
    EXPECT_TRUE(fs_->exists(path("x/y")).value());
    EXPECT_TRUE(fs_->open(path("x/y/z/file"), OpenMode::kCreateNew).has_value());
}

TEST_P(FileSystemTest, OneHolderOfALock) {
    auto first = fs_->lock(path("lock"));
    ASSERT_TRUE(first.has_value());
    const Status second = fs_->lock(path("lock")).error();
    EXPECT_NE(second.message().find(path("lock") + ": in use"), std::string::npos)
        << second.message();
    first.value().reset();
    EXPECT_TRUE(fs_->lock(path("lock")).has_value());
}

TEST_P(FileSystemTest, ReplacesAFileWhole) {
    ASSERT_TRUE(write_file_atomically(*fs_, path("a"), "one").ok());
    ASSERT_TRUE(open("a.tmp", OpenMode::kCreateNew)->write_at(0, "left by a crash").ok());
    ASSERT_TRUE(write_file_atomically(*fs_, path("a"), "two").ok());
    EXPECT_EQ(read_whole_file(*fs_, path("a"), 3).value(), "two");
    EXPECT_FALSE(fs_->exists(path("a.tmp")).value());
}

TEST_P(FileSystemTest, DoesNotReadMoreThanAsked) {
    ASSERT_TRUE(write_file_atomically(*fs_, path("a"), "four").ok());
    const Status error = read_whole_file(*fs_, path("a"), 3).error();
    EXPECT_TRUE(error.is(errors::kIo));
    EXPECT_NE(error.message().find("has 4 bytes, more than 3"), std::string::npos);
}

TEST(PosixFileSystemTest, FilesAndFoldersArePrivate) {
    char name[] = "/tmp/quorate-file-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const std::string root = name;
    const auto fs = make_posix_file_system();
    ASSERT_TRUE(fs->create_dirs(root + "/d").ok());
    ASSERT_TRUE(write_file_atomically(*fs, root + "/d/f", "x").ok());
    struct stat info {};
    ASSERT_EQ(::stat((root + "/d").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0700u);
    ASSERT_EQ(::stat((root + "/d/f").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777u, 0600u);
    std::filesystem::remove_all(root);
}

TEST(PosixFileSystemTest, ErrorsNameThePathAndTheReason) {
    const auto fs = make_posix_file_system();
    const std::string missing = "/nonexistent-quorate/x";
    EXPECT_EQ(fs->open(missing, OpenMode::kRead).error().message(),
              "no such file or directory: " + missing + ": open: No such file or directory");
    // The device that is always full.
    auto full = fs->open("/dev/full", OpenMode::kReadWrite);
    ASSERT_TRUE(full.has_value());
    const Status error = full.value()->write_at(0, "x");
    EXPECT_TRUE(error.is(errors::kDiskFull));
    EXPECT_EQ(error.message(),
              "no space left on device: /dev/full: write: No space left on device");
    EXPECT_TRUE(fs->create_dirs("/dev/null/x").is(errors::kIo));
}

TEST(PosixFileSystemTest, CreatesRelativeFolders) {
    char name[] = "/tmp/quorate-file-test-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    const auto before = std::filesystem::current_path();
    std::filesystem::current_path(name);
    const auto fs = make_posix_file_system();
    EXPECT_TRUE(fs->create_dirs("default.etcd/member").ok());
    EXPECT_TRUE(write_file_atomically(*fs, "default.etcd/f", "x").ok());
    EXPECT_TRUE(write_file_atomically(*fs, "f", "x").ok());
    std::filesystem::current_path(before);
    std::filesystem::remove_all(name);
}

}  // namespace
}  // namespace quorate
