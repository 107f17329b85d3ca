// SPDX-License-Identifier: Apache-2.0
#include "wal/segment.h"

#include "base/crc32c.h"
#include "base/errors.h"

#include <gtest/gtest.h>

namespace quorate::wal {
namespace {

SegmentHeader sample() {
    return {.identity = {.cluster_id = 1, .member_id = 2},
            .sequence = 3,
            .salt = 4,
            .capacity = 64 * kBlockBytes};
}

TEST(SegmentTest, HeaderComesBack) {
    const Bytes block = encode_segment_header(sample());
    ASSERT_EQ(block.size(), kSegmentHeaderBytes);
    const auto header = decode_segment_header(block);
    ASSERT_TRUE(header.has_value());
    EXPECT_EQ(header->version, kFormatVersion);
    EXPECT_EQ(header->identity, sample().identity);
    EXPECT_EQ(header->sequence, 3u);
    EXPECT_EQ(header->salt, 4u);
    EXPECT_EQ(header->capacity, 64 * kBlockBytes);
}

TEST(SegmentTest, EveryFlippedBitOfTheHeaderIsDamage) {
    const Bytes block = encode_segment_header(sample());
    for (size_t bit = 0; bit < block.size() * 8; ++bit) {
        Bytes flipped = block;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        ASSERT_TRUE(decode_segment_header(flipped).error().is(errors::kDamaged)) << bit;
    }
    EXPECT_TRUE(decode_segment_header(block.substr(0, 100)).error().is(errors::kDamaged));
}

TEST(SegmentTest, ANewerFormatIsToldFromDamage) {
    SegmentHeader newer = sample();
    newer.version = kFormatVersion + 1;
    const Status error = decode_segment_header(encode_segment_header(newer)).error();
    EXPECT_TRUE(error.is(errors::kNewerFormat));
    EXPECT_EQ(error.message(),
              "written by a newer version: log format 2, this version reads up to 1");
}

TEST(SegmentTest, ACapacityThatNothingFitsIntoIsDamage) {
    SegmentHeader header = sample();
    header.capacity = kSegmentBytesMin + 1;
    EXPECT_TRUE(decode_segment_header(encode_segment_header(header)).error().is(errors::kDamaged));
    header.capacity = kSegmentBytesMin - kBlockBytes;
    EXPECT_TRUE(decode_segment_header(encode_segment_header(header)).error().is(errors::kDamaged));
}

TEST(SegmentTest, NamesSortAsSegmentsFollow) {
    const SegmentName name{.sequence = 0x1f, .first_index = UINT64_MAX};
    const std::string text = segment_file_name(name);
    EXPECT_EQ(text, "000000000000001f-ffffffffffffffff.wal");
    EXPECT_EQ(parse_segment_file_name(text), name);
    EXPECT_LT(segment_file_name({.sequence = 9, .first_index = 7}),
              segment_file_name({.sequence = 10, .first_index = 1}));
    for (const char* wrong :
         {"", ".wal", "000000000000001f-fffffffffffffffg.wal", "000000000000001f-ffff.wal",
          "000000000000001f_ffffffffffffffff.wal", "000000000000001f-ffffffffffffffff.spare",
          "0x0000000000001f-ffffffffffffffff.wal", "000000000000001f-ffffffffffffffff.wal.wal"}) {
        EXPECT_FALSE(parse_segment_file_name(wrong).has_value()) << wrong;
    }
}

}  // namespace
}  // namespace quorate::wal
