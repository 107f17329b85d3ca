// SPDX-License-Identifier: Apache-2.0
//
// The frame: one append, one write, atomic by its checksum. Little endian:
//
//    0  u32 tag        low half of the segment's salt
//    4  u32 crc        CRC-32C over salt, offset of the frame, and everything behind this field
//    8  u32 length     bytes of payload
//   12  u16 kind       FrameKind
//   14  u16 parts      bit set of the parts that follow
//   16  u64 synced     all before this offset of the segment was synced when this was written
//   24  u32 previous   crc of the frame before, across segments; 0 in the first frame of a log
//   28  u32 zero
//   32  payload: the parts in the order of their bits, then zeros up to a block boundary
//
// Frames start at multiples of kBlockBytes: a write never touches a block that was synced, and a
// search for frames looks at block starts only. The padding costs nothing on the way to the disk,
// where a page is the least that is written anyway.
//
// Parts, by bit:
//   0 carry       u64 mark term, mark index, last term, last index: the log before this frame. In
//                 the first frame of every segment, together with hard state and mark, so that the
//                 segments before it can go.
//   1 hard state  u64 term, vote, commit
//   2 mark        u64 term, index; four lists of u32 count and u64 each: voters, outgoing voters,
//                 learners, learners next
//   3 entries     u64 first index, u32 count; each u64 term, u8 type, u32 length, bytes
//
// Pure functions and values, any thread.
#pragma once

#include "base/bytes.h"
#include "base/file.h"
#include "base/status.h"
#include "wal/aligned_buffer.h"
#include "wal/types.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::wal {

inline constexpr size_t kBlockBytes = 4096;
static_assert(kBlockBytes % kDirectBytes == 0);
inline constexpr size_t kFrameHeaderBytes = 32;
// Never written nor believed above this; checked before memory is taken for it.
inline constexpr size_t kFrameBytesMax = 64 * 1024 * 1024;
// Larger batches are split; only a single entry makes a larger frame.
inline constexpr size_t kFrameBytesTarget = 8 * 1024 * 1024;
static_assert(kFrameBytesTarget < kFrameBytesMax);
static_assert(kFrameBytesMax % kBlockBytes == 0);

enum class FrameKind : uint16_t {
    kBatch = 1,
    kSeal = 2,   // the last of a segment that has a successor
    kClose = 3,  // the last of an orderly stop
};

// Where the next frame goes and what it follows.
struct SegmentPosition {
    uint64_t offset = 0;
    uint64_t synced = 0;
    uint32_t previous_crc = 0;
};

struct Carry {
    raft::EntryId mark;
    raft::EntryId last;

    friend bool operator==(const Carry&, const Carry&) = default;
};

struct FrameHeader {
    uint32_t tag = 0;
    uint32_t crc = 0;
    uint32_t length = 0;
    FrameKind kind = FrameKind::kBatch;
    uint16_t parts = 0;
    uint64_t synced = 0;
    uint32_t previous_crc = 0;

    // What the frame takes in the file, padding included.
    uint64_t total_bytes() const;
};

// A frame read back.
struct FrameContent {
    std::optional<Carry> carry;
    std::optional<raft::HardState> hard_state;
    std::optional<Mark> mark;
    std::vector<raft::Entry> entries;
};

// Bytes of one entry inside a frame.
uint64_t encoded_entry_bytes(const raft::Entry& entry);
// What a frame of this batch takes in the file, header and padding included.
uint64_t encoded_frame_bytes(const Batch& batch, bool with_carry);

// The bytes of one frame, aligned for direct writes; the memory is reused for the next.
class FrameBuffer {
  public:
    struct Place {
        uint64_t salt = 0;
        SegmentPosition position;
    };

    // Borrowed until the next call. kSeal and kClose have no content.
    ByteView encode(FrameKind kind, const Place& place, const std::optional<Carry>& carry,
                    const Batch& batch);
    // Of the frame that was encoded last.
    uint32_t crc() const { return crc_; }

  private:
    AlignedBuffer memory_;
    uint32_t crc_ = 0;
};

// From the first kFrameHeaderBytes of a block. Nothing when the tag is not this salt's, or a number
// is none that encode() writes.
std::optional<FrameHeader> decode_frame_header(ByteView block, uint64_t salt);

// `frame` is all of total_bytes().
bool frame_checksum_matches(ByteView frame, const FrameHeader& header, uint64_t salt,
                            uint64_t offset);

// Entries at or below `entries_above` come without their bytes. Fails (errors::kDamaged, with the
// reason alone) on anything that encode() does not write.
Result<FrameContent> decode_frame_content(ByteView frame, const FrameHeader& header,
                                          uint64_t entries_above);

}  // namespace quorate::wal
