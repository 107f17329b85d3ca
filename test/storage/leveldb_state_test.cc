// SPDX-License-Identifier: Apache-2.0
//
// The rows that the leveldb engine keeps beside LevelDB's tables: what readers see of them, what a
// crash leaves, what damage does, and what they are good for.
#include "leveldb_fixture.h"
#include "state_files.h"
#include "state_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace quorate::leveldb_engine {

namespace {

namespace fs = std::filesystem;
using Model = std::map<std::string, std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

std::optional<std::string> get(const StateRows& rows, uint64_t write, std::string_view key) {
    std::string value;
    return rows.get(write, key, value) ? std::optional(value) : std::nullopt;
}

TEST(StateRows, ReadersSeeTheWriteThatTheyHold) {
    StateRows rows;
    rows.put("a", "1");
    rows.put("b", "1");
    const uint64_t before = rows.hold();
    EXPECT_EQ(get(rows, before, "a"), std::nullopt);
    rows.publish();
    const uint64_t first = rows.hold();
    rows.put("a", "2");
    rows.put("a", "3");
    rows.erase("b");
    EXPECT_TRUE(rows.has("a"));
    EXPECT_FALSE(rows.has("b"));
    rows.publish();
    const uint64_t second = rows.hold();
    EXPECT_EQ(get(rows, before, "a"), std::nullopt);
    EXPECT_EQ(get(rows, first, "a"), "1");
    EXPECT_EQ(get(rows, first, "b"), "1");
    EXPECT_EQ(get(rows, second, "a"), "3");
    EXPECT_EQ(get(rows, second, "b"), std::nullopt);
    StateRow row;
    EXPECT_TRUE(rows.last(first, {"", ""}, nullptr, row));
    EXPECT_EQ(row.key, "b");
    EXPECT_TRUE(rows.last(second, {"", ""}, nullptr, row));
    EXPECT_EQ(row.key, "a");
    for (const uint64_t write : {before, first, second}) {
        rows.release(write);
    }
}

TEST(StateRows, AWriteThatIsAbandonedNeverWas) {
    StateRows rows;
    rows.put("a", "1");
    rows.publish();
    rows.put("a", std::string(1000, 'x'));
    rows.put("b", "2");
    rows.erase_range({"a", "b"});
    rows.abandon();
    EXPECT_TRUE(rows.has("a"));
    EXPECT_FALSE(rows.has("b"));
    rows.logged();
    rows.publish();
    const StoredState state = rows.stored();
    ASSERT_EQ(state.rows.size(), 1U);
    EXPECT_EQ(state.rows[0].value, "1");
    // What it would have taken is free again.
    EXPECT_TRUE(rows.has_room("c", std::string(StateRows::kBytesMax - 3, 'x')));
    EXPECT_FALSE(rows.has_room("c", std::string(StateRows::kBytesMax - 2, 'x')));
}

TEST(StateRows, RowsThatDieTogetherDoNotGather) {
    StateRows rows;
    uint64_t newest = rows.hold();
    const auto publish = [&] {
        rows.publish();
        rows.release(std::exchange(newest, rows.hold()));
    };
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 1000; ++i) {
            const std::string key = std::to_string(round * 1000 + i);
            ASSERT_TRUE(rows.has_room(key, std::string(100, 'x'))) << key;
            rows.put(key, std::string(100, 'x'));
        }
        publish();
        rows.erase_range({"", ""});
        publish();
    }
    rows.release(newest);
}

// While another thread makes the file of a log.
TEST(StateRows, WhatIsStoredIsWhole) {
    StateRows rows;
    rows.put("a", "0");
    rows.put("b", "0");
    rows.logged();
    rows.publish();
    std::atomic<bool> done{false};
    std::thread log([&] {
        while (!done.load()) {
            const StoredState state = rows.stored();
            ASSERT_EQ(state.rows.size(), 2U);
            ASSERT_EQ(state.rows[0].value, state.rows[1].value);
        }
    });
    for (int i = 1; i <= 30'000; ++i) {
        rows.put("a", std::to_string(i));
        rows.put("b", std::to_string(i));
        rows.logged();
        rows.publish();
    }
    done = true;
    log.join();
}

TEST(StateRows, AReaderThatStaysKeepsOnlyWhatItReads) {
    StateRows rows;
    const auto write = [&](const auto& change) {
        change();
        rows.publish();
    };
    write([&] { rows.put("old", "1"); });
    const uint64_t stays = rows.hold();
    uint64_t leaves = rows.hold();
    for (int i = 0; i < 20'000; ++i) {
        const std::string name = "new" + std::to_string(i);
        write([&] {
            rows.put("old", std::to_string(i));
            rows.put(name, "x");
        });
        const uint64_t next = rows.hold();
        rows.release(std::exchange(leaves, next));
        write([&] { rows.erase(name); });
    }
    write([&] { rows.erase("old"); });
    for (int i = 0; i < 100; ++i) {
        rows.publish();
    }
    EXPECT_EQ(get(rows, stays, "old"), "1");
    StateRow row;
    EXPECT_TRUE(rows.first(stays, {"", ""}, nullptr, row));
    EXPECT_FALSE(rows.first(stays, {"", ""}, &row.key, row));
    EXPECT_TRUE(rows.has_room("", std::string(StateRows::kBytesMax - 100, 'x')));
    rows.release(stays);
    rows.release(leaves);
    for (int i = 0; i < 100; ++i) {
        rows.publish();
    }
    EXPECT_TRUE(rows.has_room("", std::string(StateRows::kBytesMax, 'x')));
}

StoredState some_state() {
    return {true, {{"", "of no key"}, {"key", ""}, {std::string("\0\xff", 2), "value"}}};
}

bool same(const StoredState& a, const StoredState& b) {
    const auto equal = [](const StateRow& x, const StateRow& y) {
        return x.key == y.key && x.value == y.value;
    };
    return a.spilled == b.spilled &&
           std::equal(a.rows.begin(), a.rows.end(), b.rows.begin(), b.rows.end(), equal);
}

class StateFilesTest : public LevelDbTest {};

TEST_F(StateFilesTest, AChangedOneIsDamagedAndSaysWhichItIs) {
    ASSERT_TRUE(StateFiles(dir_).save(7, some_state()).ok());
    const std::string path = dir_ + "/000007.state";
    const std::string content = read(path);
    {
        auto state = StateFiles(dir_).open(7, true);
        ASSERT_TRUE(state) << state.error().text();
        EXPECT_TRUE(same(*state, some_state()));
    }
    const auto refused = [&](const std::string& changed) {
        write(path, changed);
        auto state = StateFiles(dir_).open(7, true);
        return !state && state.error().code() == QUORATE_DATA_LOSS &&
               state.error().text() == path + ": not whole";
    };
    for (size_t i = 0; i < content.size(); ++i) {
        std::string changed = content;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        EXPECT_TRUE(refused(changed)) << i;
        EXPECT_TRUE(refused(content.substr(0, i))) << i;
    }
    EXPECT_TRUE(refused(content + "x"));
    // That of another log is not taken for it.
    write(dir_ + "/000008.state", content);
    EXPECT_FALSE(StateFiles(dir_).open(8, true));
}

TEST_F(StateFilesTest, WhatWasPromisedIsMissed) {
    {
        auto state = StateFiles(dir_).open(7, true);
        ASSERT_FALSE(state);
        EXPECT_EQ(state.error().text(), dir_ + "/000007.state: missing");
    }
    // An older store has none, and one from there on.
    auto state = StateFiles(dir_).open(7, false);
    ASSERT_TRUE(state);
    EXPECT_TRUE(state->spilled);
    auto again = StateFiles(dir_).open(7, true);
    ASSERT_TRUE(again);
    EXPECT_TRUE(again->spilled);
    auto fresh = StateFiles(dir_).open(0, true);
    ASSERT_TRUE(fresh);
    EXPECT_FALSE(fresh->spilled);
}

TEST_F(StateFilesTest, TheLastTwoAreKeptAndOneBehindAStart) {
    StateFiles files(dir_);
    ASSERT_TRUE(files.open(0, false));
    for (const uint64_t log : {3, 5, 8, 9}) {
        ASSERT_TRUE(files.save(log, some_state()).ok());
    }
    EXPECT_FALSE(fs::exists(dir_ + "/000005.state"));
    EXPECT_TRUE(fs::exists(dir_ + "/000008.state"));
    EXPECT_TRUE(fs::exists(dir_ + "/000009.state"));
    // The manifest has not heard of the newest.
    ASSERT_TRUE(StateFiles(dir_).open(8, true));
    EXPECT_TRUE(fs::exists(dir_ + "/000008.state"));
    EXPECT_FALSE(fs::exists(dir_ + "/000009.state"));
}

class StateTest : public LevelDbTest {
  protected:
    using Ops = std::vector<quorate_storage_op>;

    static quorate_storage_op op(uint32_t kind, uint32_t hints, std::string_view key,
                                 std::string_view value = {}) {
        return {kind, hints, plugin::bytes(key), plugin::bytes(value)};
    }

    static Pairs scan(View& view, const plugin::Scan& range) {
        auto cursor = view.scan(range);
        EXPECT_TRUE(cursor);
        Pairs pairs;
        plugin::Pair pair;
        for (auto more = (*cursor)->next(pair); more && *more; more = (*cursor)->next(pair)) {
            pairs.emplace_back(pair.key, pair.value);
        }
        return pairs;
    }

    static Pairs expected(const Model& model, const plugin::Scan& range) {
        Pairs pairs;
        for (const auto& [key, value] : model) {
            if (key >= range.lo && (range.hi.empty() || key < range.hi)) {
                pairs.emplace_back(key, value);
            }
        }
        if (range.reverse) {
            std::reverse(pairs.begin(), pairs.end());
        }
        return pairs;
    }

    // Random writes of few keys of both kinds, values so large that not all rows of state have
    // room; readers of earlier moments, and reopening.
    void compare(uint64_t seed);
    void write_some(std::mt19937_64& random, Engine& engine, Model& model);
};

void StateTest::write_some(std::mt19937_64& random, Engine& engine, Model& model) {
    const auto key = [&] {
        return std::string(1, "abKz"[random() % 4]) + std::to_string(random() % 30);
    };
    std::vector<std::pair<std::string, std::string>> texts;
    std::vector<std::pair<uint32_t, uint32_t>> kinds;
    for (uint64_t count = 1 + random() % 6; count > 0; --count) {
        const uint64_t what = random() % 20;
        const std::string one = key();
        if (what < 15) {
            const size_t bytes = random() % 10 == 0 ? 150'000 : random() % 2000;
            kinds.emplace_back(QUORATE_STORAGE_PUT, one[0] == 'K' ? 0 : QUORATE_STORAGE_STATE);
            texts.emplace_back(one, std::string(bytes, static_cast<char>('a' + random() % 26)));
            model[one] = texts.back().second;
        } else if (what < 19) {
            kinds.emplace_back(QUORATE_STORAGE_DELETE, 0);
            texts.emplace_back(one, "");
            model.erase(one);
        } else {
            const std::string end = random() % 8 == 0 ? "" : one + "9";
            kinds.emplace_back(QUORATE_STORAGE_DELETE_RANGE, 0);
            texts.emplace_back(one, end);
            std::erase_if(model, [&](const auto& row) {
                return row.first >= one && (end.empty() || row.first < end);
            });
        }
    }
    Ops ops;
    for (size_t i = 0; i < kinds.size(); ++i) {
        ops.push_back(op(kinds[i].first, kinds[i].second, texts[i].first, texts[i].second));
    }
    ASSERT_TRUE(engine.write(ops, random() % 10 == 0).ok());
}

void StateTest::compare(uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::string dir = dir_ + "/store" + std::to_string(seed);
    fs::create_directory(dir);
    auto engine = open_engine(dir, "128KiB");
    ASSERT_TRUE(engine) << engine.error().text();
    Model model;
    std::vector<std::pair<std::unique_ptr<View>, Model>> readers;
    for (int round = 0; round < 300; ++round) {
        ASSERT_NO_FATAL_FAILURE(write_some(random, **engine, model));
        if (random() % 20 == 0) {
            auto view = (*engine)->view();
            ASSERT_TRUE(view);
            readers.emplace_back(std::move(*view), model);
        }
        if (random() % 60 == 0) {
            readers.clear();
            *engine = nullptr;
            engine = open_engine(dir, "128KiB");
            ASSERT_TRUE(engine) << engine.error().text();
            readers.emplace_back(std::move(*(*engine)->view()), model);
        }
        if (random() % 10 == 0 && !readers.empty()) {
            const auto& [view, then] = readers[random() % readers.size()];
            const std::string lo = random() % 2 == 0 ? "" : "K";
            const std::string hi = random() % 2 == 0 ? "" : "b2";
            for (const bool reverse : {false, true}) {
                const plugin::Scan range{lo, hi, reverse};
                ASSERT_TRUE(scan(*view, range) == expected(then, range)) << round;
            }
        }
    }
    const plugin::Scan all{"", "", false};
    ASSERT_TRUE(scan(**(*engine)->view(), all) == expected(model, all));
}

TEST_F(StateTest, BothKindsOfRowsAreOneStore) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
        ASSERT_NO_FATAL_FAILURE(compare(seed));
    }
}

// A crash between any two steps: what is in the folder while nothing is under way.
TEST_F(StateTest, MemtablesThatOthersBeginKeepThePrefix) {
    const std::string live = dir_ + "/live";
    fs::create_directory(live);
    auto engine = open_engine(live);
    ASSERT_TRUE(engine) << engine.error().text();
    uint64_t seq = 0;
    int64_t reached = 0;
    for (int round = 0; round < 60; ++round) {
        std::atomic<bool> done{false};
        // Compactions begin memtables as well, on their callers' threads.
        std::thread compactor([&] {
            while (!done.load()) {
                EXPECT_TRUE((*engine)->compact_range("x", "y").ok());
            }
        });
        for (int i = 0; i < 15; ++i) {
            ASSERT_TRUE(put(**engine, ++seq, false).ok());
        }
        done = true;
        compactor.join();
        const std::string copy = dir_ + "/copy";
        fs::remove_all(copy);
        fs::copy(live, copy, fs::copy_options::recursive);
        auto crashed = open_engine(copy);
        ASSERT_TRUE(crashed) << crashed.error().text();
        const int64_t prefix = prefix_of(**crashed);
        EXPECT_GE(prefix, reached) << round;
        reached = std::max(reached, prefix);
    }
    EXPECT_GT(reached, 100);
}

TEST_F(StateTest, AnOlderStoreKeepsItsRows) {
    const std::string dir = dir_ + "/store";
    fs::create_directory(dir);
    const auto counted = [](Engine& engine, uint64_t seq, uint32_t hints) {
        const std::string key = "key" + std::to_string(seq);
        const std::string number = std::to_string(seq);
        const quorate_storage_op ops[] = {op(QUORATE_STORAGE_PUT, 0, key, "v"),
                                          op(QUORATE_STORAGE_PUT, hints, "seq", number)};
        return engine.write(ops, false);
    };
    {
        auto engine = open_engine(dir);
        ASSERT_TRUE(engine);
        for (uint64_t seq = 1; seq <= 20; ++seq) {
            ASSERT_TRUE(counted(**engine, seq, 0).ok());
        }
    }
    // As a version without such files has left it.
    fs::remove(dir + "/SYNCED");
    for (const auto& entry : fs::directory_iterator(dir)) {
        if (entry.path().extension() == ".state") {
            fs::remove(entry.path());
        }
    }
    for (uint64_t seq = 21; seq <= 60; ++seq) {
        auto engine = open_engine(dir);
        ASSERT_TRUE(engine) << engine.error().text();
        EXPECT_EQ(prefix_of(**engine), static_cast<int64_t>(seq) - 1);
        ASSERT_TRUE(counted(**engine, seq, QUORATE_STORAGE_STATE).ok());
        EXPECT_EQ(prefix_of(**engine), static_cast<int64_t>(seq));
    }
}

// Counts the merges that LevelDB tells of.
struct MergeCount {
    std::atomic<int> merges{0};

    quorate_host host() {
        quorate_host made = kQuietHost;
        made.ctx = this;
        made.log = [](void* self, int32_t, quorate_bytes, const quorate_log_field* fields,
                      size_t count) noexcept {
            for (size_t i = 0; i < count; ++i) {
                const bool merge = plugin::view(fields[i].value).starts_with("Compacting");
                static_cast<MergeCount*>(self)->merges += merge ? 1 : 0;
            }
        };
        return made;
    }
};

// What they are for.
TEST_F(StateTest, RecordsInTheirOrderAreWrittenOnce) {
    for (const bool hinted : {true, false}) {
        const std::string dir = dir_ + (hinted ? "/hinted" : "/plain");
        fs::create_directory(dir);
        MergeCount count;
        const quorate_host host = count.host();
        const quorate_option option = {plugin::bytes("write_buffer_bytes"), plugin::bytes("64KiB")};
        auto engine = Engine::open({dir, &option, 1, host});
        ASSERT_TRUE(engine) << engine.error().text();
        for (uint64_t seq = 10'000; seq < 15'000; ++seq) {
            const std::string key = "K" + std::to_string(seq);
            const std::string value(1000, static_cast<char>(seq));
            const quorate_storage_op ops[] = {
                op(QUORATE_STORAGE_PUT, 0, key, value),
                op(QUORATE_STORAGE_PUT, hinted ? QUORATE_STORAGE_STATE : 0, "mapplied", key)};
            ASSERT_TRUE((*engine)->write(ops, false).ok());
        }
        ASSERT_TRUE((*engine)->sync().ok());
        EXPECT_EQ(count.merges == 0, hinted) << count.merges;
    }
}

}  // namespace

}  // namespace quorate::leveldb_engine
