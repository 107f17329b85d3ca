// SPDX-License-Identifier: Apache-2.0
//
// Frames, segment headers and whole logs made of arbitrary bytes: no read beyond its input, no
// memory that a number in the input asked for, and whatever opens can be written to and opened
// again. The first byte of the input picks which.
#include "base/assert.h"
#include "base/fault_file_system.h"
#include "wal/frame.h"
#include "wal/segment.h"
#include "wal/wal.h"

#include <cstdint>
#include <cstdlib>

namespace quorate::wal {
namespace {

constexpr uint64_t kSalt = 0x0123456789abcdef;
constexpr Identity kIdentity{.cluster_id = 1, .member_id = 2};
constexpr uint64_t kCapacity = 8 * kBlockBytes;

// A payload behind a header that fits it, decoded, encoded and decoded once more.
void fuzz_payload(ByteView input) {
    if (input.empty()) {
        return;
    }
    FrameHeader header;
    header.parts = static_cast<uint16_t>(input[0] & 15);
    input.remove_prefix(1);
    header.length = static_cast<uint32_t>(input.size());
    const Bytes frame = Bytes(kFrameHeaderBytes, '\0').append(input);
    auto content = decode_frame_content(frame, header, 0);
    if (!content) {
        return;
    }
    FrameBuffer buffer;
    const Bytes again(buffer.encode(
        FrameKind::kBatch, {.salt = kSalt, .position = {}}, content->carry,
        {.hard_state = content->hard_state, .mark = content->mark, .entries = content->entries}));
    const auto header_again = decode_frame_header(again, kSalt);
    QUORATE_ASSERT(header_again.has_value());
    QUORATE_ASSERT(ByteView(again).substr(kFrameHeaderBytes, header_again->length) == input);
}

void fuzz_headers(ByteView input) {
    static_cast<void>(decode_frame_header(input, kSalt));
    static_cast<void>(decode_segment_header(input));
    Bytes block(input.substr(0, kSegmentHeaderBytes));
    block.resize(kSegmentHeaderBytes, '\0');
    static_cast<void>(decode_segment_header(block));
}

// A segment with a good header and pieces of good and bad frames behind it. Input: pieces of one
// byte of kind, two of length, then the bytes.
Bytes build_segment(ByteView input) {
    Bytes content = encode_segment_header(
        {.identity = kIdentity, .sequence = 1, .salt = kSalt, .capacity = kCapacity});
    SegmentPosition position{.offset = kSegmentHeaderBytes, .synced = kSegmentHeaderBytes};
    FrameBuffer buffer;
    while (input.size() >= 3 && content.size() < kCapacity) {
        const auto kind = static_cast<uint8_t>(input[0]);
        const size_t length =
            static_cast<uint8_t>(input[1]) | (size_t{static_cast<uint8_t>(input[2])} << 8);
        input.remove_prefix(3);
        const ByteView data = input.substr(0, std::min(length, input.size()));
        input.remove_prefix(data.size());
        if (kind < 128) {
            // As it is, from a block boundary on.
            content.append(data);
            content.resize((content.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes, '\0');
            continue;
        }
        FrameHeader header;
        header.parts = kind & 15;
        header.length = static_cast<uint32_t>(data.size());
        auto parts = decode_frame_content(Bytes(kFrameHeaderBytes, '\0').append(data), header, 0);
        if (!parts) {
            continue;
        }
        position.offset = content.size();
        position.synced = (kind & 64) != 0 ? position.offset : kSegmentHeaderBytes;
        const auto frame_kind = (kind & 48) == 48  ? FrameKind::kSeal
                                : (kind & 32) != 0 ? FrameKind::kClose
                                                   : FrameKind::kBatch;
        const Batch batch{
            .hard_state = parts->hard_state, .mark = parts->mark, .entries = parts->entries};
        content.append(
            buffer.encode(frame_kind, {.salt = kSalt, .position = position}, parts->carry, batch));
        position.previous_crc = buffer.crc();
    }
    content.resize(kCapacity, '\0');
    return content;
}

void fuzz_log(ByteView input) {
    FaultFileSystem fs;
    QUORATE_ASSERT(fs.create_dirs("/w").ok());
    {
        auto file = fs.open("/w/" + segment_file_name({.sequence = 1, .first_index = 1}),
                            OpenMode::kCreateNew);
        QUORATE_ASSERT((*file)->write_at(0, build_segment(input)).ok());
    }
    Options options;
    options.segment_bytes = kCapacity;
    auto opened = Wal::open(fs, "/w", kIdentity, options);
    if (!opened) {
        return;
    }
    // Indexes at the very end of the number range leave no room for another entry.
    const raft::EntryId last = opened->wal->last();
    if (last.index > UINT64_MAX / 2) {
        return;
    }
    const std::vector<raft::Entry> entries = {{.id = {.term = last.term, .index = last.index + 1}}};
    QUORATE_ASSERT(opened->wal->append_and_sync({.entries = entries}).ok());
    opened->wal.reset();
    auto again = Wal::open(fs, "/w", kIdentity, options);
    QUORATE_ASSERT(again.has_value());
    QUORATE_ASSERT(again->recovered.last() == entries[0].id);
    QUORATE_ASSERT(again->recovered.torn_bytes == 0);
}

}  // namespace
}  // namespace quorate::wal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) {
        return 0;
    }
    const quorate::ByteView input(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 3) {
        case 0:
            quorate::wal::fuzz_payload(input);
            break;
        case 1:
            quorate::wal::fuzz_headers(input);
            break;
        default:
            quorate::wal::fuzz_log(input);
            break;
    }
    return 0;
}
