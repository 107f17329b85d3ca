// SPDX-License-Identifier: Apache-2.0
//
// A segment file: its name and its first block. The block is written and synced before the file
// gets its name, and never again while it is a segment, so a bad one is damage and nothing else.
// Pure functions and values, any thread.
//
//    0  magic       8 bytes
//    8  u32 crc     CRC-32C over what follows up to the end of the block
//   12  u32 version
//   16  u64 cluster id
//   24  u64 member id
//   32  u64 sequence
//   40  u64 salt
//   48  u64 capacity, bytes of the file: a shorter file was cut
//   56  zeros
//
// Magic, checksum and version keep their places in every later version, so that a newer format
// can be told from damage.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "wal/frame.h"
#include "wal/types.h"

#include <cstdint>
#include <optional>
#include <string>

namespace quorate::wal {

inline constexpr uint32_t kFormatVersion = 1;
inline constexpr size_t kSegmentHeaderBytes = kBlockBytes;
// Room that is kept behind the frames for the one that seals the segment.
inline constexpr uint64_t kSealBytes = kBlockBytes;
// The least that holds a header, a frame and a seal.
inline constexpr uint64_t kSegmentBytesMin = 4 * kBlockBytes;

struct SegmentHeader {
    uint32_t version = kFormatVersion;
    Identity identity;
    uint64_t sequence = 0;
    uint64_t salt = 0;
    uint64_t capacity = 0;
};

Bytes encode_segment_header(const SegmentHeader& header);
// Errors: kDamaged, kNewerFormat, with a reason but without the file.
Result<SegmentHeader> decode_segment_header(ByteView block);

// Both in 16 hexadecimal digits, so that names sort as segments follow.
struct SegmentName {
    uint64_t sequence = 0;
    uint64_t first_index = 0;  // of the entry that was to come when the segment was begun

    friend bool operator==(const SegmentName&, const SegmentName&) = default;
};

inline constexpr std::string_view kSegmentSuffix = ".wal";
inline constexpr std::string_view kSpareSuffix = ".spare";
inline constexpr std::string_view kLockName = "lock";

std::string segment_file_name(const SegmentName& name);
std::optional<SegmentName> parse_segment_file_name(std::string_view name);

}  // namespace quorate::wal
