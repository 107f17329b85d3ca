// SPDX-License-Identifier: Apache-2.0
//
// What the lmdb engine adds to LMDB, from inside: what a power cut may leave of a file whose pages
// the system wrote back in any order, and what the check of a state finds.
#include "check.h"
#include "engine.h"
#include "recover.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <random>
#include <string>

namespace quorate::lmdb_engine {

namespace {

namespace fs = std::filesystem;
using Model = std::map<std::string, std::string>;

const quorate_host kQuietHost = {
    sizeof(quorate_host),
    nullptr,
    [](void*, int32_t, quorate_bytes, const quorate_log_field*, size_t) noexcept {},
    [](void*, quorate_bytes, uint64_t) noexcept {},
    [](void*) noexcept -> int64_t { return 0; },
    [](void*) noexcept -> int64_t { return 0; }};

constexpr size_t kPageBytes = 4096;
constexpr const char* kSeqRow = "seq";

std::string read_file(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const fs::path& path, const std::string& content) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
}

plugin::Result<std::unique_ptr<Engine>> open_engine(const std::string& dir) {
    return Engine::open({dir, nullptr, 0, kQuietHost});
}

// Batch number `seq`: some new rows, one overwritten, one removed, now and then a large one.
Model::value_type row_of(uint64_t seq, uint64_t index) {
    std::minstd_rand random(static_cast<uint32_t>(seq * 10 + index));  // cheap to make
    const std::string key = (random() % 2 == 0 ? "K" : "m") + std::to_string(random() % 300);
    return {key, std::string(seq % 17 == 0 && index == 0 ? 9000 : random() % 900,
                             static_cast<char>('a' + seq % 26))};
}
std::string removed_by(uint64_t seq) {
    return "K" + std::to_string(std::minstd_rand(static_cast<uint32_t>(seq))() % 300);
}

void write_batch(Engine& engine, uint64_t seq, bool sync) {
    std::vector<Model::value_type> rows;
    for (uint64_t i = 0; i < 5; ++i) {
        rows.push_back(row_of(seq, i));
    }
    rows.emplace_back(kSeqRow, std::to_string(seq));
    const std::string gone = removed_by(seq);
    std::vector<quorate_storage_op> ops = {{QUORATE_STORAGE_DELETE, 0, plugin::bytes(gone), {}}};
    for (const auto& [key, value] : rows) {
        ops.push_back({QUORATE_STORAGE_PUT, 0, plugin::bytes(key), plugin::bytes(value)});
    }
    const plugin::Status status = engine.write(ops, sync);
    ASSERT_TRUE(status.ok()) << status.text();
}

Model model_at(uint64_t seq) {
    Model model;
    for (uint64_t n = 1; n <= seq; ++n) {
        model.erase(removed_by(n));
        for (uint64_t i = 0; i < 5; ++i) {
            const auto [key, value] = row_of(n, i);
            model[key] = value;
        }
        model[kSeqRow] = std::to_string(n);
    }
    return model;
}

Model contents(Engine& engine) {
    Model model;
    auto view = engine.view();
    auto cursor = (*view)->scan({"", "", false});
    plugin::Pair pair;
    while (true) {
        plugin::Result<bool> more = (*cursor)->next(pair);
        EXPECT_TRUE(more) << more.error().text();
        if (!more || !*more) {
            return model;
        }
        model.emplace(pair.key, pair.value);
    }
}

// A store synced at kSynced, and written on to kLast.
class PowerCutTest : public ::testing::Test {
  protected:
    static constexpr uint64_t kSynced = 150;
    static constexpr uint64_t kLast = 220;

    void SetUp() override {
        dir_ = (fs::temp_directory_path() / "quorate-test-XXXXXX").string();
        ASSERT_NE(::mkdtemp(dir_.data()), nullptr);
        const std::string live = dir_ + "/live";
        fs::create_directory(live);
        auto engine = open_engine(live);
        ASSERT_TRUE(engine) << engine.error().text();
        for (uint64_t seq = 1; seq <= kLast; ++seq) {
            ASSERT_NO_FATAL_FAILURE(write_batch(**engine, seq, seq == kSynced));
            if (seq == kSynced) {
                synced_data_ = read_file(live + kDataFile);
            }
        }
        last_data_ = read_file(live + kDataFile);
        note_ = read_file(live + "/SYNCED");
    }
    void TearDown() override { fs::remove_all(dir_); }

    std::string make_store(const std::string& data, const std::string& note) {
        const std::string store = dir_ + "/store" + std::to_string(stores_++);
        fs::create_directory(store);
        write_file(store + kDataFile, data);
        write_file(store + "/SYNCED", note);
        return store;
    }

    // The batch that a store comes back with, and that it is whole and can be written on; 0 when it
    // is refused as damaged.
    uint64_t reached(const std::string& store) {
        auto engine = open_engine(store);
        if (!engine) {
            EXPECT_EQ(engine.error().code(), QUORATE_DATA_LOSS) << engine.error().text();
            return 0;
        }
        const Model found = contents(**engine);
        const auto row = found.find(kSeqRow);
        const uint64_t seq = row == found.end() ? 0 : std::stoull(row->second);
        EXPECT_TRUE(found == model_at(seq)) << "not the state at " << seq;
        for (uint64_t next = seq + 1; next < seq + 20; ++next) {
            write_batch(**engine, next, next % 7 == 0);
        }
        EXPECT_TRUE(contents(**engine) == model_at(seq + 19)) << "went wrong after " << seq;
        return seq;
    }

    std::string dir_;
    std::string synced_data_;
    std::string last_data_;
    std::string note_;
    int stores_ = 0;
};

TEST_F(PowerCutTest, AnyMixtureOfPagesComesBackWhole) {
    EXPECT_EQ(reached(make_store(last_data_, note_)), kLast);
    EXPECT_EQ(reached(make_store(synced_data_, note_)), kSynced);
    std::mt19937_64 random(1);
    int fell_back = 0;
    for (int round = 0; round < 60; ++round) {
        // From nearly none to nearly all of the pages that were written after the sync.
        const uint64_t percent = random() % 101;
        std::string data = synced_data_;
        data.resize(last_data_.size(), '\0');
        for (size_t at = 0; at < data.size(); at += kPageBytes) {
            // Both metas are often among them, which is what makes it hard.
            if (random() % 100 < percent || (at < 2 * kPageBytes && round % 2 == 0)) {
                data.replace(at, kPageBytes, last_data_, at, kPageBytes);
            }
        }
        if (random() % 2 == 0) {
            data.resize(std::max(synced_data_.size(), data.size() / kPageBytes / 2 * kPageBytes));
        }
        const uint64_t seq = reached(make_store(data, note_));
        EXPECT_GE(seq, kSynced) << "round " << round;
        fell_back += seq < kLast ? 1 : 0;
    }
    EXPECT_GT(fell_back, 20);
}

TEST_F(PowerCutTest, WithoutTheNoteTheNewestStateIsTaken) {
    EXPECT_EQ(reached(make_store(last_data_, "")), kLast);
    EXPECT_EQ(reached(make_store(synced_data_, "")), kSynced);
}

TEST_F(PowerCutTest, LessThanWasSyncedIsDamage) {
    std::string without_metas = synced_data_;
    without_metas.replace(0, 2 * kPageBytes, 2 * kPageBytes, '\0');
    EXPECT_EQ(reached(make_store(without_metas, note_)), kSynced);
    EXPECT_EQ(reached(make_store(without_metas, "")), 0U);
    EXPECT_EQ(reached(make_store("", note_)), 0U);
    EXPECT_EQ(reached(make_store(synced_data_.substr(0, synced_data_.size() / 2), note_)), 0U);
}

TEST_F(PowerCutTest, NoFlippedByteGoesUnseen) {
    std::mt19937_64 random(1);
    const Model expected = model_at(kSynced);
    int refused = 0;  // most of the file are pages that are free
    for (int round = 0; round < 300; ++round) {
        std::string data = synced_data_;
        const size_t place = random() % data.size();
        data[place] = static_cast<char>(data[place] ^ (1 << random() % 8));
        const std::string store = make_store(data, note_);
        auto engine = open_engine(store);
        if (engine) {
            EXPECT_TRUE(contents(**engine) == expected) << "byte " << place;
        } else {
            EXPECT_EQ(engine.error().code(), QUORATE_DATA_LOSS) << engine.error().text();
            EXPECT_NE(engine.error().text().find(store), std::string::npos);
            ++refused;
        }
        engine = plugin::Status(QUORATE_INTERNAL, "");
        fs::remove_all(store);
    }
    EXPECT_GT(refused, 5);
}

TEST(LmdbFileTest, StoreThatWasNeverFinishedIsMadeAnew) {
    std::string dir = (fs::temp_directory_path() / "quorate-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    for (const size_t bytes : {size_t{0}, size_t{100}, 2 * kPageBytes}) {
        write_file(dir + kDataFile, std::string(bytes, '\0'));
        fs::remove(dir + "/SYNCED");
        auto engine = open_engine(dir);
        ASSERT_TRUE(engine) << engine.error().text();
        EXPECT_TRUE(contents(**engine).empty());
    }
    fs::remove_all(dir);
}

TEST(LmdbFileTest, FullMapIsSaidWithTheOptionToRaise) {
    std::string dir = (fs::temp_directory_path() / "quorate-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(dir.data()), nullptr);
    const quorate_option option = {plugin::bytes("map_bytes"), plugin::bytes("16MiB")};
    {
        auto engine = Engine::open({dir, &option, 1, kQuietHost});
        ASSERT_TRUE(engine) << engine.error().text();
        const std::string value(1 << 20, 'v');
        plugin::Status status;
        for (int i = 0; i < 20 && status.ok(); ++i) {
            const std::string key = "K" + std::to_string(i);
            const quorate_storage_op op = {QUORATE_STORAGE_PUT, 0, plugin::bytes(key),
                                           plugin::bytes(value)};
            status = (*engine)->write({&op, 1}, false);
        }
        EXPECT_EQ(status.code(), QUORATE_RESOURCE_EXHAUSTED);
        EXPECT_NE(status.text().find("map_bytes"), std::string::npos) << status.text();
    }
    auto engine = open_engine(dir);
    ASSERT_TRUE(engine) << engine.error().text();
    EXPECT_GT(contents(**engine).size(), 10U);
    engine = plugin::Status(QUORATE_INTERNAL, "");
    fs::remove_all(dir);
}

}  // namespace

}  // namespace quorate::lmdb_engine
