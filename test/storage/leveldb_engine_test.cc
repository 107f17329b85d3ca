// SPDX-License-Identifier: Apache-2.0
//
// What the leveldb engine adds to LevelDB, from inside: the check of the manifest, the mark of what
// was synced, and what a power cut leaves.
#include "leveldb_fixture.h"
#include "manifest_check.h"
#include "plugin/cxx/crc32c.h"
#include "state_files.h"
#include "state_rows.h"
#include "store_env.h"
#include "sync_mark.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace quorate::leveldb_engine {

namespace {

namespace fs = std::filesystem;

RecordScan scan(const std::string& path) {
    auto file = plugin::PosixFile::open(path, O_RDONLY);
    EXPECT_TRUE(file);
    auto scan = scan_records(*file);
    EXPECT_TRUE(scan);
    return *scan;
}

// Writes records as LevelDB's logs and manifests have them.
class RecordWriter {
  public:
    void add(std::string_view record) {
        bool first = true;
        do {
            const size_t left = kBlock - content_.size() % kBlock;
            if (left < 7) {
                content_.append(left, '\0');
                continue;
            }
            const size_t length = std::min(record.size(), left - 7);
            const bool last = length == record.size();
            append(static_cast<char>(first ? (last ? 1 : 2) : (last ? 4 : 3)),
                   record.substr(0, length));
            record.remove_prefix(length);
            first = false;
            if (last) {
                break;
            }
        } while (true);
        ends_.push_back(content_.size());
    }
    const std::string& content() const { return content_; }
    // Where the last record that ends at or before `bytes` ends.
    size_t whole(size_t bytes) const {
        size_t whole = 0;
        for (const size_t end : ends_) {
            whole = end <= bytes ? end : whole;
        }
        return whole;
    }

  private:
    static constexpr size_t kBlock = 32 << 10;

    void append(char type, std::string_view data) {
        const std::string checked = type + std::string(data);
        const uint32_t crc = plugin::crc32c(checked);
        const uint32_t masked = ((crc >> 15) | (crc << 17)) + 0xa282ead8U;
        const auto length = static_cast<uint16_t>(data.size());
        content_.append(reinterpret_cast<const char*>(&masked), sizeof masked);
        content_.append(reinterpret_cast<const char*>(&length), sizeof length);
        content_ += checked;
    }

    std::string content_;
    std::vector<size_t> ends_;
};

TEST_F(LevelDbTest, ScanEndsAtTheLastWholeRecord) {
    RecordWriter writer;
    constexpr size_t kBlockBytes = 32 << 10;
    // Small ones, one that ends 3 bytes before a block does, one over three blocks.
    for (const size_t bytes : {5UL, 0UL, 700UL, kBlockBytes - 726 - 7 - 3, 80'000UL, 12UL}) {
        writer.add(std::string(bytes, 'r'));
    }
    const std::string& content = writer.content();
    const std::string path = dir_ + "/MANIFEST-000003";
    std::vector<size_t> lengths = {kBlockBytes - 4, kBlockBytes - 3, kBlockBytes - 1,
                                   kBlockBytes,     kBlockBytes + 1, content.size()};
    for (size_t bytes = 0; bytes < content.size(); bytes += bytes < 800 ? 7 : 397) {
        lengths.push_back(bytes);
    }
    for (const size_t bytes : lengths) {
        write(path, content.substr(0, bytes));
        const RecordScan found = scan(path);
        EXPECT_EQ(found.file_bytes, bytes);
        // The padding of a block belongs to the record before it, once it is all there.
        const size_t whole = writer.whole(bytes);
        const bool padded = whole == kBlockBytes - 3 && bytes >= kBlockBytes;
        EXPECT_EQ(found.whole_bytes, padded ? kBlockBytes : whole) << bytes;
    }
    std::mt19937_64 random(1);
    for (int i = 0; i < 100; ++i) {
        std::string changed = content;
        const size_t place = random() % changed.size();
        changed[place] = static_cast<char>(changed[place] ^ (1 << random() % 8));
        write(path, changed);
        const uint64_t whole = scan(path).whole_bytes;
        const bool in_padding = place >= kBlockBytes - 3 && place < kBlockBytes;
        const bool harmless = in_padding && whole == content.size();
        const bool padded = whole == kBlockBytes && place >= kBlockBytes;
        EXPECT_TRUE(harmless || padded || whole <= writer.whole(place)) << place;
    }
}

TEST_F(LevelDbTest, MarkComesBackAndOldManifestsDoNotMoveIt) {
    {
        SyncMark mark;
        ASSERT_TRUE(mark.open(dir_).ok());
        EXPECT_EQ(mark.manifest().number, 0U);
        ASSERT_TRUE(mark.synced({5, 100}).ok());
        ASSERT_TRUE(mark.synced({4, 999}).ok());
    }
    {
        SyncMark mark;
        ASSERT_TRUE(mark.open(dir_).ok());
        EXPECT_EQ(mark.manifest().number, 5U);
        EXPECT_EQ(mark.manifest().bytes, 100U);
        ASSERT_TRUE(mark.forget(4).ok());
        EXPECT_EQ(mark.manifest().number, 5U);
        ASSERT_TRUE(mark.forget(5).ok());
    }
    SyncMark mark;
    ASSERT_TRUE(mark.open(dir_).ok());
    EXPECT_EQ(mark.manifest().number, 0U);
}

TEST_F(LevelDbTest, UnreadableMarkIsNone) {
    {
        SyncMark mark;
        ASSERT_TRUE(mark.open(dir_).ok());
        ASSERT_TRUE(mark.synced({5, 100}).ok());
    }
    const std::string content = read(dir_ + "/SYNCED");
    size_t unread = 0;
    for (size_t place = 0; place < content.size(); ++place) {
        std::string changed = content;
        changed[place] = static_cast<char>(changed[place] ^ 1);
        write(dir_ + "/SYNCED", changed);
        SyncMark mark;
        ASSERT_TRUE(mark.open(dir_).ok());
        const SyncedManifest found = mark.manifest();
        ASSERT_TRUE(found.number == 0 || (found.number == 5 && found.bytes == 100)) << place;
        unread += found.number == 0 ? 1 : 0;
    }
    EXPECT_GE(unread, sizeof(SyncedManifest));
}

TEST_F(LevelDbTest, LogsAreNotKept) {
    StateRows rows;
    StoreEnv env(dir_, rows);
    leveldb::FileLock* lock = nullptr;
    ASSERT_TRUE(env.LockFile(dir_ + "/LOCK", &lock).ok());
    leveldb::WritableFile* raw = nullptr;
    ASSERT_TRUE(env.NewWritableFile(dir_ + "/000007.log", &raw).ok());
    const std::unique_ptr<leveldb::WritableFile> log(raw);
    EXPECT_TRUE(log->Append("some record").ok());
    EXPECT_TRUE(log->Sync().ok());
    EXPECT_FALSE(fs::exists(dir_ + "/000007.log"));
    ASSERT_TRUE(env.UnlockFile(lock).ok());
}

// LevelDB may begin a log between two of the writer's steps, on another thread.
TEST_F(LevelDbTest, ALogsRowsAreThoseOfTheRecordsBeforeIt) {
    StateRows rows;
    StoreEnv env(dir_, rows);
    leveldb::FileLock* lock = nullptr;
    ASSERT_TRUE(env.LockFile(dir_ + "/LOCK", &lock).ok());
    const auto begin = [&](uint64_t number) {
        leveldb::WritableFile* log = nullptr;
        EXPECT_TRUE(env.NewWritableFile(dir_ + '/' + std::to_string(number) + ".log", &log).ok());
        return std::unique_ptr<leveldb::WritableFile>(log);
    };
    const auto kept = [&](uint64_t number) {
        auto state = StateFiles(dir_).open(number, true);
        EXPECT_TRUE(state) << state.error().text();
        return state ? state->rows.size() : 99;
    };
    const auto first = begin(3);
    EXPECT_EQ(kept(3), 0U);
    rows.put("a", "1");
    const auto before_it_is_logged = begin(5);
    EXPECT_EQ(kept(5), 0U);
    ASSERT_TRUE(before_it_is_logged->Append("a record").ok());
    const auto before_it_is_published = begin(7);
    EXPECT_EQ(kept(7), 1U);
    rows.publish();
    const auto afterwards = begin(9);
    EXPECT_EQ(kept(9), 1U);
    ASSERT_TRUE(env.UnlockFile(lock).ok());
}

TEST_F(LevelDbTest, AManifestIsNotedWhenItIsSynced) {
    StateRows rows;
    StoreEnv env(dir_, rows);
    leveldb::FileLock* lock = nullptr;
    ASSERT_TRUE(env.LockFile(dir_ + "/LOCK", &lock).ok());
    leveldb::WritableFile* raw = nullptr;
    ASSERT_TRUE(env.NewWritableFile(dir_ + "/MANIFEST-000007", &raw).ok());
    const std::unique_ptr<leveldb::WritableFile> manifest(raw);
    const auto noted = [this] {
        SyncMark mark;
        EXPECT_TRUE(mark.open(dir_).ok());
        return mark.manifest();
    };
    ASSERT_TRUE(manifest->Append("some record").ok());
    EXPECT_EQ(noted().number, 0U);
    ASSERT_TRUE(manifest->Sync().ok());
    EXPECT_EQ(noted().number, 7U);
    EXPECT_EQ(noted().bytes, 11U);
    ASSERT_TRUE(env.RemoveFile(dir_ + "/MANIFEST-000007").ok());
    EXPECT_EQ(noted().number, 0U);
    ASSERT_TRUE(env.UnlockFile(lock).ok());
}

constexpr int64_t kRefused = -2;
constexpr int64_t kSynced = 260;
constexpr int64_t kWritten = 300;

class PowerCutTest : public LevelDbTest {
  protected:
    // A store with synced writes and 40 unsynced ones behind them, as the disk would show it if the
    // system had written all of it back.
    void fill(std::string_view write_buffer) {
        const std::string live = dir_ + "/live";
        image_ = dir_ + "/image";
        fs::create_directory(live);
        auto engine = open_engine(live, write_buffer);
        ASSERT_TRUE(engine) << engine.error().text();
        for (int64_t seq = 1; seq <= kWritten; ++seq) {
            ASSERT_TRUE(put(**engine, static_cast<uint64_t>(seq), seq == kSynced).ok());
            if (seq == kSynced) {
                // A sync leaves a memtable of nothing to be written; this waits for it, too.
                ASSERT_TRUE((*engine)->compact_range("x", "y").ok());
            }
        }
        fs::copy(live, image_, fs::copy_options::recursive);
        manifest_ = read(image_ + "/CURRENT");
        manifest_.pop_back();
        synced_bytes_ = fs::file_size(image_ + '/' + manifest_);
    }

    // Opens a copy of the image, changed by `change`, and gives how long a prefix it holds.
    template <typename Change>
    int64_t after(const Change& change) {
        const std::string copy = dir_ + "/copy";
        fs::remove_all(copy);
        fs::copy(image_, copy, fs::copy_options::recursive);
        change(copy);
        auto engine = open_engine(copy);
        if (!engine) {
            EXPECT_EQ(engine.error().code(), QUORATE_DATA_LOSS) << engine.error().text();
            return kRefused;
        }
        const int64_t found = prefix_of(**engine);
        EXPECT_TRUE(put(**engine, 1000, true).ok());
        return found;
    }

    std::string image_;
    std::string manifest_;
    uint64_t synced_bytes_ = 0;  // of the manifest
};

TEST_F(PowerCutTest, WhatWasSyncedIsThereAndTheRestIsWhole) {
    ASSERT_NO_FATAL_FAILURE(fill("1MiB"));
    EXPECT_EQ(after([](const std::string&) {}), kSynced);
    for (const auto& entry : fs::directory_iterator(image_)) {
        EXPECT_NE(entry.path().extension(), ".log");
    }
}

TEST_F(PowerCutTest, AMemtableThatWasFullIsThereToo) {
    const std::string live = dir_ + "/live";
    fs::create_directory(live);
    auto engine = open_engine(live, "64KiB");
    ASSERT_TRUE(engine) << engine.error().text();
    for (uint64_t seq = 1; seq <= 1000; ++seq) {
        ASSERT_TRUE(put(**engine, seq, false).ok());
    }
    ASSERT_TRUE((*engine)->sync().ok());
    image_ = dir_ + "/image";
    fs::copy(live, image_, fs::copy_options::recursive);
    EXPECT_EQ(after([](const std::string&) {}), 1000);
}

TEST_F(PowerCutTest, TornTailOfTheManifestIsCutAndDamageIsNot) {
    ASSERT_NO_FATAL_FAILURE(fill("1MiB"));
    std::mt19937_64 random(1);
    for (int i = 0; i < 20; ++i) {
        // Behind what was synced stands what a power cut has left of the next change.
        EXPECT_EQ(after([&](const std::string& copy) {
                      std::string content = read(copy + '/' + manifest_);
                      for (uint64_t bytes = 1 + random() % 100; bytes > 0; --bytes) {
                          content += static_cast<char>(random());
                      }
                      write(copy + '/' + manifest_, content);
                  }),
                  kSynced);
        EXPECT_EQ(after([&](const std::string& copy) {
                      std::string content = read(copy + '/' + manifest_);
                      const size_t at = random() % synced_bytes_;
                      content[at] = static_cast<char>(content[at] ^ 0x10);
                      write(copy + '/' + manifest_, content);
                  }),
                  kRefused);
    }
    EXPECT_EQ(after([&](const std::string& copy) {
                  fs::resize_file(copy + '/' + manifest_, synced_bytes_ - 1);
              }),
              kRefused);
}

TEST_F(PowerCutTest, MissingFilesAreDamage) {
    ASSERT_NO_FATAL_FAILURE(fill("1MiB"));
    EXPECT_EQ(after([](const std::string& copy) { fs::remove(copy + "/CURRENT"); }), kRefused);
    EXPECT_EQ(after([&](const std::string& copy) { fs::remove(copy + '/' + manifest_); }),
              kRefused);
    EXPECT_EQ(after([](const std::string& copy) {
                  for (const auto& entry : fs::directory_iterator(copy)) {
                      if (entry.path().extension() == ".ldb") {
                          fs::remove(entry.path());
                          return;
                      }
                  }
              }),
              kRefused);
    EXPECT_EQ(after([](const std::string& copy) {
                  for (const auto& entry : fs::directory_iterator(copy)) {
                      if (entry.path().filename() != "SYNCED") {
                          fs::remove(entry.path());
                      }
                  }
              }),
              kRefused);
}

TEST_F(PowerCutTest, AMissingMarkHarmsNothing) {
    ASSERT_NO_FATAL_FAILURE(fill("1MiB"));
    EXPECT_EQ(after([](const std::string& copy) { fs::remove(copy + "/SYNCED"); }), kSynced);
}

}  // namespace

}  // namespace quorate::leveldb_engine
