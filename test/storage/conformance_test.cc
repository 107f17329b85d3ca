// SPDX-License-Identifier: Apache-2.0
//
// What every engine must do, in the order of plugin/abi/storage.h. conformance_main.cc tells how to
// run it on an engine from outside.
#include "base/errors.h"
#include "conformance_fixture.h"

#include <atomic>
#include <random>
#include <thread>

namespace quorate::storage::testing {

namespace {

using namespace std::string_literals;

KeyRange range(ByteView lo, ByteView hi) {
    return {lo, hi};
}

TEST_P(Conformance, StartsEmpty) {
    EXPECT_TRUE(all().empty());
    EXPECT_TRUE(all({}, Direction::kReverse).empty());
    EXPECT_EQ(get("a"), std::nullopt);
}

TEST_P(Conformance, OrdersKeysByUnsignedBytes) {
    const std::vector<Bytes> ordered = {
        "\0"s,  "\0\0"s,    "\0\x01"s, "\x01"s,   "a",         "a\0"s,  "a\0b"s,   "aa",      "b",
        "\x7f", "\x7f\xff", "\x80"s,   "\x80\0"s, "\x80\x80"s, "\xff"s, "\xff\0"s, "\xff\xff"};
    WriteBatch batch;
    for (auto key = ordered.rbegin(); key != ordered.rend(); ++key) {
        batch.put(*key, "v" + *key);
    }
    write(batch);
    const Pairs pairs = all();
    ASSERT_EQ(pairs.size(), ordered.size());
    for (size_t i = 0; i < ordered.size(); ++i) {
        EXPECT_EQ(pairs[i].first, ordered[i]);
        EXPECT_EQ(pairs[i].second, "v" + ordered[i]);
        EXPECT_EQ(get(ordered[i]), "v" + ordered[i]);
    }
}

TEST_P(Conformance, KeepsValuesOfEverySize) {
    const Bytes long_key(255, '\xff');
    Bytes large(4 << 20, '\0');
    for (size_t i = 0; i < large.size(); ++i) {
        large[i] = static_cast<char>(i * 2654435761U >> 13);
    }
    WriteBatch batch;
    batch.put("empty", "");
    batch.put("zeros", "\0\0\0"s);
    batch.put(long_key, "of a long key");
    batch.put("large", large);
    write(batch);
    if (GetParam().persistent()) {
        reopen();
    }
    EXPECT_EQ(get("empty"), "");
    EXPECT_EQ(get("zeros"), "\0\0\0"s);
    EXPECT_EQ(get(long_key), "of a long key");
    EXPECT_TRUE(get("large") == large);
    EXPECT_EQ(get(ByteView(long_key).substr(1)), std::nullopt);
    const Pairs pairs = all();
    ASSERT_EQ(pairs.size(), 4U);
    EXPECT_EQ(pairs[0], std::pair("empty"s, ""s));
    EXPECT_TRUE(pairs[1].second == large);
}

TEST_P(Conformance, OverwritesAndDeletes) {
    put("a", "1");
    put("a", "2");
    EXPECT_EQ(get("a"), "2");
    WriteBatch batch;
    batch.erase("a");
    batch.erase("never there");
    write(batch);
    EXPECT_EQ(get("a"), std::nullopt);
    EXPECT_TRUE(all().empty());
    put("a", "3");
    EXPECT_EQ(get("a"), "3");
}

TEST_P(Conformance, TakesAnEmptyBatch) {
    put("a", "1");
    write(WriteBatch());
    write(WriteBatch(), Durability::kSynced);
    EXPECT_EQ(all(), (Pairs{{"a", "1"}}));
}

TEST_P(Conformance, AppliesOperationsOfABatchInOrder) {
    put("c", "old");
    WriteBatch batch;
    batch.put("a", "1");
    batch.erase("a");
    batch.erase("b");
    batch.put("b", "2");
    batch.put("b", "3");
    batch.put("cc", "gone");
    batch.erase_range(range("c", "d"));
    batch.put("cd", "after");
    batch.put("x", "1");
    batch.erase_range(range("x", ""));
    batch.put("y", "2");
    write(batch);
    EXPECT_EQ(all(), (Pairs{{"b", "3"}, {"cd", "after"}, {"y", "2"}}));
}

TEST_P(Conformance, DeletesRanges) {
    const auto fill = [&] {
        WriteBatch batch;
        batch.erase_range({});
        for (const char* key : {"a", "b", "b1", "c", "d", "\xff", "\xff\xff"}) {
            batch.put(key, "v");
        }
        write(batch);
    };
    const auto left_after = [&](ByteView lo, ByteView hi) {
        fill();
        WriteBatch batch;
        batch.erase_range(range(lo, hi));
        write(batch);
        Bytes keys;
        for (const auto& [key, value] : all()) {
            keys += key + " ";
        }
        return keys;
    };
    EXPECT_EQ(left_after("b", "c"), "a c d \xff \xff\xff ");
    EXPECT_EQ(left_after("b", "b1"), "a b1 c d \xff \xff\xff ");
    EXPECT_EQ(left_after("b", "b\0"s), "a b1 c d \xff \xff\xff ");
    EXPECT_EQ(left_after("aa", "aaa"), "a b b1 c d \xff \xff\xff ");
    EXPECT_EQ(left_after("b", "b"), "a b b1 c d \xff \xff\xff ");
    EXPECT_EQ(left_after("d", "b"), "a b b1 c d \xff \xff\xff ");
    EXPECT_EQ(left_after("c", ""), "a b b1 ");
    EXPECT_EQ(left_after("\xff", ""), "a b b1 c d ");
    EXPECT_EQ(left_after("\xff\xff\xff", ""), "a b b1 c d \xff \xff\xff ");
    EXPECT_EQ(left_after("", "c"), "c d \xff \xff\xff ");
    EXPECT_EQ(left_after("", ""), "");
}

TEST_P(Conformance, WalksBothWaysWithinBounds) {
    Model model;
    WriteBatch batch;
    for (const char* key : {"b", "d", "f", "h"}) {
        batch.put(key, "v"s + key);
    }
    apply_to_model(batch, model);
    write(batch);
    const std::vector<Bytes> bounds = {"",  "a", "b", "b\0"s, "c",   "d",
                                       "f", "g", "h", "h\0"s, "\xff"};
    for (const Bytes& lo : bounds) {
        for (const Bytes& hi : bounds) {
            Pairs expected = pairs_of(model, range(lo, hi));
            EXPECT_EQ(all(range(lo, hi)), expected) << lo << " to " << hi;
            std::reverse(expected.begin(), expected.end());
            EXPECT_EQ(all(range(lo, hi), Direction::kReverse), expected) << lo << " to " << hi;
        }
    }
}

TEST_P(Conformance, CursorStaysAtItsEnd) {
    put("a", "1");
    Result<std::unique_ptr<View>> view = backend_->view();
    ASSERT_TRUE(view);
    for (const Direction direction : {Direction::kForward, Direction::kReverse}) {
        Result<std::unique_ptr<Cursor>> cursor = (*view)->scan({}, direction);
        ASSERT_TRUE(cursor);
        Result<std::optional<Pair>> pair = (*cursor)->next();
        ASSERT_TRUE(pair && pair->has_value());
        EXPECT_EQ((*pair)->key, "a");
        for (int i = 0; i < 3; ++i) {
            pair = (*cursor)->next();
            ASSERT_TRUE(pair);
            EXPECT_FALSE(pair->has_value());
        }
    }
}

TEST_P(Conformance, ViewsStayAsTheyWere) {
    Model model;
    std::vector<std::pair<std::unique_ptr<View>, Pairs>> views;
    std::vector<std::unique_ptr<Cursor>> cursors;
    for (int round = 0; round < 20; ++round) {
        WriteBatch batch;
        for (int i = 0; i < 50; ++i) {
            batch.put(mixed_key(static_cast<uint64_t>(round * 37 + i * 11) % 300),
                      std::to_string(round));
        }
        batch.erase(mixed_key(static_cast<uint64_t>(round) * 13 % 300));
        if (round % 7 == 6) {
            batch.erase_range(range("K1", "K2"));
            batch.erase_range(range("k1", "k2"));
        }
        apply_to_model(batch, model);
        write(batch);
        Result<std::unique_ptr<View>> view = backend_->view();
        ASSERT_TRUE(view);
        Result<std::unique_ptr<Cursor>> cursor = (*view)->scan({}, Direction::kForward);
        ASSERT_TRUE(cursor);
        views.emplace_back(std::move(view.value()), pairs_of(model));
        cursors.push_back(std::move(cursor.value()));
    }
    const Status compacted = backend_->compact({});
    ASSERT_TRUE(compacted.ok()) << compacted.message();
    for (size_t i = 0; i < views.size(); ++i) {
        const auto& [view, expected] = views[i];
        Result<Pairs> pairs = scan(*view);
        ASSERT_TRUE(pairs);
        EXPECT_EQ(*pairs, expected);
        Result<std::optional<Bytes>> value = view->get("K1");
        ASSERT_TRUE(value);
        const auto in_model = std::find_if(expected.begin(), expected.end(),
                                           [](const auto& pair) { return pair.first == "K1"; });
        EXPECT_EQ(value->has_value(), in_model != expected.end());
        // A cursor that was opened long ago sees the same.
        for (const auto& [key, expected_value] : expected) {
            Result<std::optional<Pair>> pair = cursors[i]->next();
            ASSERT_TRUE(pair && pair->has_value());
            EXPECT_EQ((*pair)->key, key);
            EXPECT_EQ((*pair)->value, expected_value);
        }
    }
    cursors.clear();
}

TEST_P(Conformance, CompactionChangesNothing) {
    Model model;
    for (int round = 0; round < 4; ++round) {
        WriteBatch batch;
        for (int i = 0; i < 500; ++i) {
            batch.put("Key" + std::to_string(i * 7 % 1000), Bytes(200, static_cast<char>(round)));
        }
        apply_to_model(batch, model);
        write(batch);
    }
    WriteBatch batch;
    batch.erase_range(range("Key2", "Key7"));
    apply_to_model(batch, model);
    write(batch);
    for (const KeyRange& part : {range("Key2", "Key7"), range("", ""), range("zz", ""),
                                 range("b", "a"), range("Key5", "")}) {
        const Status status = backend_->compact(part);
        ASSERT_TRUE(status.ok()) << status.message();
        EXPECT_EQ(all(), pairs_of(model));
    }
}

TEST_P(Conformance, StatsArePlausible) {
    const Bytes value = [] {
        Bytes random(1000, '\0');
        std::mt19937_64 engine(7);
        for (char& c : random) {
            c = static_cast<char>(engine());
        }
        return random;
    }();
    for (int i = 0; i < 40; ++i) {
        WriteBatch batch;
        for (int j = 0; j < 100; ++j) {
            batch.put("Key" + std::to_string(i * 100 + j), value);
        }
        write(batch);
    }
    ASSERT_TRUE(backend_->sync().ok());
    Result<Stats> full = backend_->stats();
    ASSERT_TRUE(full) << full.error().message();
    EXPECT_LE(full->live_bytes, full->disk_bytes);
    EXPECT_GT(full->disk_bytes, 0U);
    // What is deleted while an engine still gathers it may stay until a later merge; so it is let
    // go to its files first.
    if (GetParam().persistent()) {
        reopen();
    }
    WriteBatch batch;
    batch.erase_range({});
    write(batch);
    ASSERT_TRUE(backend_->compact({}).ok());
    if (GetParam().persistent()) {
        reopen();
    }
    Result<Stats> empty = backend_->stats();
    ASSERT_TRUE(empty) << empty.error().message();
    EXPECT_LT(empty->live_bytes, full->live_bytes / 4 + 4096);
}

// One seed of the comparison with the naive twin: few keys, so that operations meet.
void compare_with_model(const EngineUnderTest& engine, const std::string& dir, uint64_t seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const auto below = [&](uint64_t bound) { return random() % bound; };
    const auto key = [&] {
        Bytes made(1 + below(3), '\0');
        for (char& c : made) {
            c = "\0aK\x80\xff"[below(5)];
        }
        return made;
    };
    Result<std::unique_ptr<Backend>> opened = open_engine(engine, dir);
    ASSERT_TRUE(opened) << opened.error().message();
    std::unique_ptr<Backend> backend = std::move(opened.value());
    Model model;
    for (int step = 0; step < 150; ++step) {
        WriteBatch batch;
        for (uint64_t ops = below(8); ops-- > 0;) {
            const uint64_t kind = below(10);
            if (kind < 6) {
                batch.put(key(), Bytes(below(50), static_cast<char>(step)));
            } else if (kind < 9) {
                batch.erase(key());
            } else {
                const Bytes lo = key();
                const Bytes hi = below(4) == 0 ? Bytes() : key();
                batch.erase_range({lo, hi});
            }
        }
        apply_to_model(batch, model);
        const Status status =
            backend->write(batch, below(10) == 0 ? Durability::kSynced : Durability::kBuffered);
        ASSERT_TRUE(status.ok()) << status.message();
        if (engine.persistent() && below(40) == 0) {
            backend.reset();
            opened = open_engine(engine, dir);
            ASSERT_TRUE(opened) << opened.error().message();
            backend = std::move(opened.value());
        }
        if (below(30) == 0) {
            const Bytes lo = key();
            ASSERT_TRUE(backend->compact({lo, {}}).ok());
        }
        const Bytes lo = below(2) == 0 ? Bytes() : key();
        const Bytes hi = below(2) == 0 ? Bytes() : key();
        Pairs expected = pairs_of(model, {lo, hi});
        Result<Pairs> forward = scan(*backend, {lo, hi});
        ASSERT_TRUE(forward) << forward.error().message();
        ASSERT_EQ(*forward, expected);
        Result<Pairs> reverse = scan(*backend, {lo, hi}, Direction::kReverse);
        ASSERT_TRUE(reverse) << reverse.error().message();
        std::reverse(expected.begin(), expected.end());
        ASSERT_EQ(*reverse, expected);
        const Bytes one = key();
        Result<std::optional<Bytes>> value = get(*backend, one);
        ASSERT_TRUE(value) << value.error().message();
        const auto found = model.find(one);
        ASSERT_EQ(*value, found == model.end() ? std::nullopt : std::optional(found->second));
    }
}

TEST_P(Conformance, MatchesAMapOnRandomOperations) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
        compare_with_model(GetParam(), dir_.path() + "/" + std::to_string(seed), seed);
    }
}

TEST_P(Conformance, ReadersRunBesideTheWriter) {
    // Every batch sets all keys to one number, so a view that shows two numbers has seen half of
    // one.
    constexpr int kKeys = 20;
    constexpr int kBatches = 300;
    const auto batch_of = [](int number) {
        WriteBatch batch;
        for (int key = 0; key < kKeys; ++key) {
            batch.put(mixed_key(static_cast<uint64_t>(key)), std::to_string(number));
        }
        return batch;
    };
    write(batch_of(0));
    std::atomic<bool> done{false};
    std::atomic<int> torn{0};
    std::atomic<int> went_back{0};
    const auto read = [&](Direction direction) {
        int newest = 0;
        while (!done.load()) {
            Result<Pairs> pairs = scan(*backend_, {}, direction);
            if (!pairs || pairs->size() != kKeys) {
                ++torn;
                return;
            }
            const Bytes first = pairs->front().second;
            for (const auto& pair : *pairs) {
                torn += pair.second == first ? 0 : 1;
            }
            went_back += std::stoi(first) < newest ? 1 : 0;
            newest = std::stoi(first);
        }
    };
    std::thread forward(read, Direction::kForward);
    std::thread reverse(read, Direction::kReverse);
    std::thread counter([&] {
        while (!done.load()) {
            torn += backend_->stats() ? 0 : 1;
            torn += backend_->compact({"K1", "K5"}).ok() ? 0 : 1;
        }
    });
    for (int number = 1; number <= kBatches; ++number) {
        write(batch_of(number));
    }
    done = true;
    forward.join();
    reverse.join();
    counter.join();
    EXPECT_EQ(torn, 0);
    EXPECT_EQ(went_back, 0);
    EXPECT_EQ(get("k0"), std::to_string(kBatches));
}

TEST_P(Conformance, ReadersMayLeaveInTheMiddle) {
    // Cursors are dropped half way, views right behind them, while writes go on; and the store is
    // closed as soon as the last reader has left.
    Model model;
    const auto write_round = [&](int round) {
        WriteBatch batch;
        for (int i = 0; i < 100; ++i) {
            batch.put(mixed_key(static_cast<uint64_t>(round * 31 + i) % 400), Bytes(300, 'v'));
        }
        batch.erase_range(range("K2", "K21"));
        apply_to_model(batch, model);
        write(batch);
    };
    write_round(0);
    std::atomic<bool> done{false};
    std::atomic<int> failed{0};
    std::atomic<int> left{0};
    const auto read = [&](uint64_t seed) {
        std::mt19937_64 random(seed);
        while (!done.load() || left.load() < 50) {
            Result<std::unique_ptr<View>> view = backend_->view();
            const auto direction = random() % 2 == 0 ? Direction::kForward : Direction::kReverse;
            auto cursor = view ? (*view)->scan({}, direction) : view.error();
            if (!cursor) {
                ++failed;
                return;
            }
            for (uint64_t steps = random() % 60; steps > 0; --steps) {
                failed += (*cursor)->next() ? 0 : 1;
            }
            ++left;
        }
    };
    std::thread one(read, 1);
    std::thread two(read, 2);
    for (int round = 1; round <= 40; ++round) {
        write_round(round);
    }
    done = true;
    one.join();
    two.join();
    EXPECT_EQ(failed, 0);
    if (GetParam().persistent()) {
        reopen();
    }
    EXPECT_EQ(all(), pairs_of(model));
}

TEST_P(PersistentConformance, FindsEverythingAgain) {
    Model model;
    for (int round = 0; round < 5; ++round) {
        WriteBatch batch;
        for (int i = 0; i < 100; ++i) {
            batch.put(mixed_key(static_cast<uint64_t>(round * 60 + i)), std::to_string(round));
        }
        batch.erase_range(range("K10", "k12"));
        apply_to_model(batch, model);
        write(batch);
        reopen();
        ASSERT_EQ(all(), pairs_of(model));
    }
}

TEST_P(PersistentConformance, RefusesUnknownOptionsByName) {
    EngineUnderTest engine = GetParam();
    engine.options.emplace_back("no_such_option", "1");
    close();
    const Result<std::unique_ptr<Backend>> opened = open_engine(engine, store_dir());
    ASSERT_FALSE(opened);
    EXPECT_NE(opened.error().message().find("no_such_option"), std::string::npos)
        << opened.error().message();
    reopen();
}

TEST_P(PersistentConformance, RefusesToBeOpenedTwice) {
    const Result<std::unique_ptr<Backend>> second = open_engine(GetParam(), store_dir());
    ASSERT_FALSE(second);
    EXPECT_FALSE(second.error().is(errors::kDamaged)) << second.error().message();
    put("a", "1");
    EXPECT_EQ(get("a"), "1");
}

TEST_P(PersistentConformance, RefusesAFolderItCannotWrite) {
    close();
    const Result<std::unique_ptr<Backend>> opened = open_engine(GetParam(), "/proc/none/store");
    ASSERT_FALSE(opened);
}

}  // namespace

}  // namespace quorate::storage::testing
