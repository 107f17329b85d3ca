// SPDX-License-Identifier: Apache-2.0
//
// What a store must still be after its process was killed, and after its files were damaged.
#include "conformance_fixture.h"
#include "crash_writer.h"
#include "store_reader.h"

#include <sys/mount.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>

namespace quorate::storage::testing {

namespace {

namespace fs = std::filesystem;

// What a writer left behind must be: all that was synced, and whole batches in their order.
// `reached` is the number that the store had before, and becomes the one it has.
void expect_prefix(const EngineUnderTest& engine, const std::string& dir, const Acknowledged& said,
                   uint64_t* reached) {
    const Result<std::unique_ptr<Backend>> backend = open_engine(engine, dir);
    ASSERT_TRUE(backend) << backend.error().message();
    const Result<uint64_t> seq = reached_seq(**backend);
    ASSERT_TRUE(seq) << seq.error().message();
    ASSERT_GE(*seq, std::max(said.synced, *reached));
    Model model;
    for (uint64_t number = 1; number <= *seq; ++number) {
        apply_to_model(numbered_batch(number), model);
    }
    const Result<Pairs> pairs = scan(**backend);
    ASSERT_TRUE(pairs) << pairs.error().message();
    ASSERT_TRUE(*pairs == pairs_of(model)) << "not a prefix of whole batches at " << *seq;
    *reached = *seq;
}

// Halts a writer after each of its first writes, and looks at a copy of what is there; then kills
// writers now and then, over and over on the same store.
void crash_and_compare(const EngineUnderTest& engine, const std::string& dir,
                       const std::string& job) {
    constexpr uint64_t kLooks = 25;
    uint64_t looks = 0;
    const Acknowledged first =
        write_and_look(engine, dir + "/store", job, kLooks, [&](const Acknowledged& said) {
            SCOPED_TRACE("look " + std::to_string(looks));
            const std::string copy = dir + "/copy" + std::to_string(looks++);
            fs::copy(dir + "/store", copy, fs::copy_options::recursive);
            uint64_t reached = 0;
            expect_prefix(engine, copy, said, &reached);
        });
    ASSERT_FALSE(::testing::Test::HasFatalFailure());
    ASSERT_TRUE(first.killed) << "the writer ended by itself";
    EXPECT_EQ(looks, kLooks);
    std::mt19937_64 random(job.size());
    uint64_t reached = 0;
    ASSERT_NO_FATAL_FAILURE(expect_prefix(engine, dir + "/store", first, &reached));
    for (int round = 0; round < 4; ++round) {
        SCOPED_TRACE("round " + std::to_string(round));
        const Acknowledged said = write_and_kill(engine, dir + "/store", job, random() % 150);
        ASSERT_TRUE(said.killed) << "the writer ended by itself";
        ASSERT_NO_FATAL_FAILURE(expect_prefix(engine, dir + "/store", said, &reached));
    }
    EXPECT_GT(reached, 0U);
}

TEST_P(PersistentConformance, CrashLeavesAPrefixOfWholeBatches) {
    close();
    crash_and_compare(GetParam(), dir_.path() + "/crash", kWriteToEngineJob);
}

TEST_P(PersistentConformance, CrashBehindTheWriteBehindLayerLeavesAPrefix) {
    close();
    crash_and_compare(GetParam(), dir_.path() + "/crash", kWriteBehindJob);
}

// A file system of a few megabytes, for as long as it lives.
class SmallDisk {
  public:
    SmallDisk(std::string path, int mib) : path_(std::move(path)) {
        fs::create_directory(path_);
        mounted_ = mount(mib, 0);
    }
    ~SmallDisk() {
        if (mounted_) {
            ::umount2(path_.c_str(), MNT_DETACH);
        }
    }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    bool mounted() const { return mounted_; }
    bool grow(int mib) { return mount(mib, MS_REMOUNT); }

  private:
    bool mount(int mib, unsigned long flags) {
        const std::string size = "size=" + std::to_string(mib) + "m";
        return ::mount("tmpfs", path_.c_str(), "tmpfs", flags, size.c_str()) == 0;
    }

    const std::string path_;
    bool mounted_ = false;
};

TEST_P(PersistentConformance, FullDiskIsSaidAndLosesNothing) {
    close();
    SmallDisk disk(dir_.path() + "/disk", 24);
    if (!disk.mounted()) {
        GTEST_SKIP() << "mounting a small file system is not allowed here";
    }
    const std::string dir = dir_.path() + "/disk/store";
    const Acknowledged said = write_and_kill(GetParam(), dir, kFillJob, 1'000'000);
    EXPECT_FALSE(said.killed) << "a million writes and no end of the disk";
    EXPECT_TRUE(said.disk_full) << "the failure was not that the disk is full";
    EXPECT_GT(said.synced, 0U);
    ASSERT_TRUE(disk.grow(200));
    const Result<std::unique_ptr<Backend>> backend = open_engine(GetParam(), dir);
    ASSERT_TRUE(backend) << backend.error().message();
    const Result<uint64_t> seq = reached_seq(**backend);
    ASSERT_TRUE(seq) << seq.error().message();
    EXPECT_GE(*seq, said.synced);
    Model model;
    for (uint64_t number = 1; number <= *seq; ++number) {
        apply_to_model(filling_batch(number), model);
    }
    const Result<Pairs> pairs = scan(**backend);
    ASSERT_TRUE(pairs) << pairs.error().message();
    EXPECT_TRUE(*pairs == pairs_of(model)) << "not a prefix of whole batches at " << *seq;
    EXPECT_TRUE((*backend)->write(filling_batch(*seq + 1), Durability::kSynced).ok());
}

Bytes read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, const Bytes& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

class DamageConformance : public PersistentConformance {
  protected:
    // A store with files of every kind that the engine makes: merged, fresh and written last.
    void fill() {
        for (uint64_t seq = 1; seq <= 120; ++seq) {
            write(numbered_batch(seq));
            apply_to_model(numbered_batch(seq), model_);
            if (seq == 60) {
                ASSERT_TRUE(backend_->compact({}).ok());
                reopen();
            }
        }
        ASSERT_TRUE(backend_->sync().ok());
        close();
    }

    // The store's files, without those that hold no data of the engine's.
    std::vector<fs::path> files() const {
        std::vector<fs::path> list;
        for (const auto& entry : fs::recursive_directory_iterator(store_dir())) {
            const std::string name = entry.path().filename();
            if (entry.is_regular_file() && entry.file_size() > 0 && name != "ENGINE" &&
                name != "LOCK") {
                list.push_back(entry.path());
            }
        }
        std::sort(list.begin(), list.end());
        return list;
    }

    // A copy of the store with `change` made to one of its files: right, or refused as damaged with
    // the store named; never wrong and never short.
    template <typename Change>
    void with_damage(const fs::path& file, const std::string& what, const Change& change) {
        const std::string copy = dir_.path() + "/copy" + std::to_string(copies_++);
        fs::copy(store_dir(), copy, fs::copy_options::recursive);
        change(copy + file.string().substr(store_dir().size()));
        const ReadOutcome outcome = reader_.read(copy);
        std::error_code error;  // a damaged store that is still open may remove files as well
        fs::remove_all(copy, error);
        if (outcome.kind == ReadOutcome::Kind::kRead) {
            EXPECT_EQ(outcome.text, digest(pairs_of(model_))) << what << " is served";
            return;
        }
        ++refused_;
        EXPECT_TRUE(outcome.kind == ReadOutcome::Kind::kDamaged) << what << ": " << outcome.text;
        EXPECT_NE(outcome.text.find(copy), std::string::npos)
            << what << ": " << outcome.text << " does not name " << file;
    }

    StoreReader reader_{GetParam()};
    int copies_ = 0;
    Model model_;
    int refused_ = 0;
};

TEST_P(DamageConformance, FlippedBytesAreNeverServed) {
    ASSERT_NO_FATAL_FAILURE(fill());
    std::mt19937_64 random(3);
    for (const fs::path& file : files()) {
        const Bytes content = read_file(file);
        std::vector<size_t> places = {0, 1, content.size() / 2, content.size() - 1};
        for (int i = 0; i < 8; ++i) {
            places.push_back(random() % content.size());
        }
        for (const size_t place : places) {
            with_damage(file, file.filename().string() + " byte " + std::to_string(place),
                        [&](const fs::path& path) {
                            Bytes changed = content;
                            changed[place] =
                                static_cast<char>(changed[place] ^ (1 << random() % 8));
                            write_file(path, changed);
                        });
        }
    }
    EXPECT_GT(refused_, 0);
}

TEST_P(DamageConformance, ShortenedFilesAreNeverServed) {
    ASSERT_NO_FATAL_FAILURE(fill());
    for (const fs::path& file : files()) {
        const uintmax_t bytes = fs::file_size(file);
        for (const uintmax_t left : {bytes - 1, bytes / 2, uintmax_t{0}}) {
            with_damage(file, file.filename().string() + " cut to " + std::to_string(left),
                        [&](const fs::path& path) { fs::resize_file(path, left); });
        }
    }
    EXPECT_GT(refused_, 0);
}

TEST_P(DamageConformance, MissingFilesAreNeverServed) {
    ASSERT_NO_FATAL_FAILURE(fill());
    for (const fs::path& file : files()) {
        with_damage(file, file.filename().string() + " removed",
                    [](const fs::path& path) { fs::remove(path); });
    }
}

TEST_P(DamageConformance, ZeroedStretchesAreNeverServed) {
    ASSERT_NO_FATAL_FAILURE(fill());
    for (const fs::path& file : files()) {
        const Bytes content = read_file(file);
        for (size_t place = 0; place < content.size(); place += content.size() / 8 + 1) {
            with_damage(file, file.filename().string() + " zeros at " + std::to_string(place),
                        [&](const fs::path& path) {
                            Bytes changed = content;
                            const size_t length = std::min<size_t>(4096, changed.size() - place);
                            changed.replace(place, length, length, '\0');
                            write_file(path, changed);
                        });
        }
    }
    EXPECT_GT(refused_, 0);
}

std::string test_name(const ::testing::TestParamInfo<EngineUnderTest>& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Engine, DamageConformance, ::testing::ValuesIn(engines_under_test()),
                         test_name);

}  // namespace

}  // namespace quorate::storage::testing
