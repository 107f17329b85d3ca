// SPDX-License-Identifier: Apache-2.0
#include "snapshot/stream_check.h"

#include "fixture.h"
#include "snapshot/page_file.h"
#include "storage/mem_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace quorate::snapshot {
namespace {

Bytes good_file() {
    storage::MemBackend from;
    fill(from, 3, {.revisions = 100, .value_bytes_max = 500});
    return write_all(from, {.page_bytes = 1024});
}

// Whether `content` fits when it comes in pieces of 1 .. `piece_bytes_max` bytes, `announced` in
// all.
bool fits(ByteView content, size_t announced, size_t piece_bytes_max) {
    std::mt19937_64 random(piece_bytes_max);
    StreamCheck check(announced);
    for (size_t at = 0; at < content.size();) {
        const size_t bytes = std::min(content.size() - at, 1 + random() % piece_bytes_max);
        check.add(content.substr(at, bytes));
        at += bytes;
    }
    return check.fits();
}

TEST(StreamCheckTest, AGoodFileFitsInPiecesOfAnySize) {
    const Bytes good = good_file();
    for (const size_t most : {1U, 7U, 31U, 32U, 33U, 1000U, 4096U, 1U << 20}) {
        EXPECT_TRUE(fits(good, good.size(), most)) << most;
    }
}

TEST(StreamCheckTest, AFlippedBitDoesNotFit) {
    const Bytes good = good_file();
    for (size_t at = 3; at < good.size(); at += good.size() / 50) {
        Bytes bad = good;
        bad[at] = static_cast<char>(bad[at] ^ 4);
        EXPECT_FALSE(fits(bad, good.size(), 1000)) << at;
    }
    Bytes bad_hash = good;
    bad_hash.back() = static_cast<char>(bad_hash.back() ^ 1);
    EXPECT_FALSE(fits(bad_hash, good.size(), 1000));
}

TEST(StreamCheckTest, AnotherLengthThanAnnouncedDoesNotFit) {
    const Bytes good = good_file();
    const ByteView image = ByteView(good).substr(0, good.size() - PageFile::kHashBytes);
    EXPECT_FALSE(fits(image, good.size(), 1000));
    EXPECT_FALSE(fits(image, image.size(), 1000));  // no hash at all
    EXPECT_FALSE(fits(ByteView(good).substr(0, good.size() - 1), good.size(), 1000));
    EXPECT_FALSE(fits(good + "x", good.size(), 1000));
    EXPECT_FALSE(fits(good + good, good.size(), 1000));
    EXPECT_FALSE(fits("", 0, 1000));
}

}  // namespace
}  // namespace quorate::snapshot
