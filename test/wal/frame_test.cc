// SPDX-License-Identifier: Apache-2.0
#include "wal/frame.h"

#include "base/errors.h"
#include "wal/log_twin.h"

#include <gtest/gtest.h>

#include <random>

namespace quorate::wal {
namespace {

constexpr uint64_t kSalt = 0x1122334455667788;

struct Written {
    Bytes raw;
    FrameHeader header;
};

Written write(const Batch& batch, const std::optional<Carry>& carry,
              const SegmentPosition& position = {
                  .offset = 8192, .synced = 4096, .previous_crc = 7}) {
    FrameBuffer buffer;
    Written out;
    out.raw = buffer.encode(FrameKind::kBatch, {.salt = kSalt, .position = position}, carry, batch);
    out.header = decode_frame_header(out.raw, kSalt).value();
    EXPECT_EQ(out.header.crc, buffer.crc());
    return out;
}

TEST(FrameTest, AllPartsComeBack) {
    const std::vector<raft::Entry> entries = {
        make_entry(3, 10, "normal"), make_entry(3, 11, ""),
        make_entry(4, 12, Bytes(10'000, 'x'), raft::EntryType::kConfChange)};
    const Batch batch{.hard_state = raft::HardState{.term = 4, .vote = 2, .commit = 9},
                      .mark = Mark{.id = {.term = 2, .index = 8},
                                   .configuration = {.voters = {1, 2, 3},
                                                     .voters_outgoing = {1},
                                                     .learners = {7, 8},
                                                     .learners_next = {2}}},
                      .entries = entries};
    const Carry carry{.mark = {.term = 1, .index = 5}, .last = {.term = 3, .index = 9}};
    const Written frame = write(batch, carry);
    EXPECT_EQ(frame.raw.size(), encoded_frame_bytes(batch, true));
    EXPECT_EQ(frame.raw.size(), frame.header.total_bytes());
    EXPECT_EQ(frame.raw.size() % kBlockBytes, 0u);
    EXPECT_EQ(frame.header.synced, 4096u);
    EXPECT_EQ(frame.header.previous_crc, 7u);
    EXPECT_TRUE(frame_checksum_matches(frame.raw, frame.header, kSalt, 8192));

    const auto content = decode_frame_content(frame.raw, frame.header, 0);
    ASSERT_TRUE(content.has_value()) << content.error().message();
    EXPECT_EQ(content->carry, carry);
    EXPECT_EQ(content->hard_state, batch.hard_state);
    EXPECT_EQ(content->mark, batch.mark);
    ASSERT_EQ(content->entries.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(content->entries[i].id, entries[i].id);
        EXPECT_EQ(content->entries[i].type, entries[i].type);
        EXPECT_EQ(content->entries[i].data(), entries[i].data());
    }
}

TEST(FrameTest, EachPartAloneAndNone) {
    const std::vector<raft::Entry> entries = {make_entry(1, 1, "x")};
    EXPECT_FALSE(decode_frame_content(write({}, {}).raw, write({}, {}).header, 0)->hard_state);
    const Batch state{.hard_state = raft::HardState{.term = 1}};
    EXPECT_EQ(decode_frame_content(write(state, {}).raw, write(state, {}).header, 0)->hard_state,
              state.hard_state);
    const Batch only_entries{.entries = entries};
    const Written frame = write(only_entries, {});
    EXPECT_EQ(decode_frame_content(frame.raw, frame.header, 0)->entries.size(), 1u);
    EXPECT_EQ(frame.raw.size(), kBlockBytes);
}

TEST(FrameTest, EntriesThatAreNotWantedComeWithoutBytes) {
    const std::vector<raft::Entry> entries = {make_entry(1, 5, "five"), make_entry(1, 6, "six")};
    const Written frame = write({.entries = entries}, {});
    const auto content = decode_frame_content(frame.raw, frame.header, 5);
    EXPECT_EQ(content->entries[0].payload, nullptr);
    EXPECT_EQ(content->entries[1].data(), "six");
}

TEST(FrameTest, AFrameIsValidAtItsPlaceWithItsSaltOnly) {
    const Written frame = write({.hard_state = raft::HardState{.term = 1}}, {});
    EXPECT_FALSE(frame_checksum_matches(frame.raw, frame.header, kSalt, 4096));
    EXPECT_FALSE(decode_frame_header(frame.raw, kSalt + 1).has_value());
    // A salt with the same low half gets past the tag and no further.
    const uint64_t alike = kSalt ^ (uint64_t{1} << 40);
    EXPECT_TRUE(decode_frame_header(frame.raw, alike).has_value());
    EXPECT_FALSE(frame_checksum_matches(frame.raw, frame.header, alike, 8192));
}

TEST(FrameTest, EveryFlippedBitIsSeen) {
    const std::vector<raft::Entry> entries = {make_entry(1, 1, Bytes(100, 'a'))};
    const Written frame = write({.entries = entries}, {});
    for (size_t bit = 0; bit < frame.raw.size() * 8; ++bit) {
        Bytes flipped = frame.raw;
        flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << (bit % 8)));
        const auto header = decode_frame_header(flipped, kSalt);
        ASSERT_FALSE(header && frame_checksum_matches(flipped, *header, kSalt, 8192)) << bit;
    }
}

TEST(FrameTest, AnImpossibleLengthIsNoFrame) {
    Written frame = write({}, {});
    store_le32(frame.raw.data() + 8, static_cast<uint32_t>(kFrameBytesMax));
    EXPECT_FALSE(decode_frame_header(frame.raw, kSalt).has_value());
}

// What a frame with a right checksum could still say wrongly must not get through.
TEST(FrameTest, MalformedContentIsRefused) {
    const std::vector<raft::Entry> entries = {make_entry(1, 1, "abc"), make_entry(1, 2, "def")};
    const Written good =
        write({.mark = Mark{.configuration = {.voters = {1, 2}}}, .entries = entries}, {});
    ASSERT_TRUE(decode_frame_content(good.raw, good.header, 0).has_value());
    const auto refused = [&](const Bytes& raw, const FrameHeader& header) {
        const auto content = decode_frame_content(raw, header, 0);
        return !content && content.error().is(errors::kDamaged);
    };
    FrameHeader header = good.header;
    --header.length;
    EXPECT_TRUE(refused(good.raw, header)) << "the last entry is cut";
    header.length += 2;
    EXPECT_TRUE(refused(good.raw, header)) << "a byte too many";
    header = good.header;
    header.parts = 15;
    EXPECT_TRUE(refused(good.raw, header)) << "parts that are not there";
    Bytes raw = good.raw;
    store_le32(raw.data() + kFrameHeaderBytes + 16, UINT32_MAX);
    EXPECT_TRUE(refused(raw, good.header)) << "more voters than bytes";
    EXPECT_TRUE(refused(good.raw.substr(0, kFrameHeaderBytes + 5), good.header)) << "cut";
}

TEST(FrameTest, RandomContentNeverCrashesTheDecoder) {
    std::mt19937_64 random(1);
    for (int i = 0; i < 20'000; ++i) {
        Bytes raw(kFrameHeaderBytes + random() % 200, '\0');
        for (char& c : raw) {
            c = static_cast<char>(random() % 4 == 0 ? random() : random() % 3);
        }
        FrameHeader header;
        header.length = static_cast<uint32_t>(raw.size() - kFrameHeaderBytes);
        header.parts = static_cast<uint16_t>(random() % 16);
        static_cast<void>(decode_frame_content(raw, header, random() % 10));
    }
}

TEST(FrameTest, TheBufferServesSmallAndLargeFrames) {
    FrameBuffer buffer;
    for (const size_t bytes : {size_t{10}, size_t{20} * 1024 * 1024, size_t{10}, size_t{5000}}) {
        const std::vector<raft::Entry> entries = {make_entry(1, 1, Bytes(bytes, 'z'))};
        const Bytes raw(buffer.encode(FrameKind::kBatch, {.salt = kSalt, .position = {}}, {},
                                      {.entries = entries}));
        const auto header = decode_frame_header(raw, kSalt);
        ASSERT_TRUE(header && frame_checksum_matches(raw, *header, kSalt, 0));
        EXPECT_EQ(decode_frame_content(raw, *header, 0)->entries[0].data().size(), bytes);
    }
}

}  // namespace
}  // namespace quorate::wal
