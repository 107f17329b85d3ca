// SPDX-License-Identifier: Apache-2.0
#include "wal/segment.h"

#include "base/crc32c.h"
#include "base/errors.h"

#include <charconv>
#include <cinttypes>
#include <cstdio>

namespace quorate::wal {
namespace {

constexpr ByteView kMagic("\x89QUOWAL\n", 8);  // the first byte keeps it from looking like text
constexpr size_t kChecksummedFrom = 12;

bool parse_hex(std::string_view text, uint64_t& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Bytes encode_segment_header(const SegmentHeader& header) {
    Bytes block(kSegmentHeaderBytes, '\0');
    char* raw = block.data();
    kMagic.copy(raw, kMagic.size());
    store_le32(raw + 12, header.version);
    store_le64(raw + 16, header.identity.cluster_id);
    store_le64(raw + 24, header.identity.member_id);
    store_le64(raw + 32, header.sequence);
    store_le64(raw + 40, header.salt);
    store_le64(raw + 48, header.capacity);
    store_le32(raw + 8, crc32c(ByteView(block).substr(kChecksummedFrom)));
    return block;
}

Result<SegmentHeader> decode_segment_header(ByteView block) {
    if (block.size() < kSegmentHeaderBytes) {
        return Status(errors::kDamaged, "the file ends inside its header");
    }
    block = block.substr(0, kSegmentHeaderBytes);
    if (block.substr(0, kMagic.size()) != kMagic) {
        return Status(errors::kDamaged, "no log segment of quorate begins like this");
    }
    const char* raw = block.data();
    if (load_le32(raw + 8) != crc32c(block.substr(kChecksummedFrom))) {
        return Status(errors::kDamaged, "checksum mismatch in the header");
    }
    SegmentHeader header;
    header.version = load_le32(raw + 12);
    if (header.version > kFormatVersion) {
        return Status(errors::kNewerFormat, "log format " + std::to_string(header.version) +
                                                ", this version reads up to " +
                                                std::to_string(kFormatVersion));
    }
    header.identity.cluster_id = load_le64(raw + 16);
    header.identity.member_id = load_le64(raw + 24);
    header.sequence = load_le64(raw + 32);
    header.salt = load_le64(raw + 40);
    header.capacity = load_le64(raw + 48);
    if (header.capacity < kSegmentBytesMin || header.capacity % kBlockBytes != 0) {
        return Status(errors::kDamaged, "impossible capacity " + std::to_string(header.capacity));
    }
    return header;
}

std::string segment_file_name(const SegmentName& name) {
    char raw[48];
    std::snprintf(raw, sizeof raw, "%016" PRIx64 "-%016" PRIx64, name.sequence, name.first_index);
    return std::string(raw).append(kSegmentSuffix);
}

std::optional<SegmentName> parse_segment_file_name(std::string_view name) {
    if (name.size() != 33 + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix) ||
        name[16] != '-') {
        return std::nullopt;
    }
    SegmentName out;
    if (!parse_hex(name.substr(0, 16), out.sequence) ||
        !parse_hex(name.substr(17, 16), out.first_index)) {
        return std::nullopt;
    }
    return out;
}

}  // namespace quorate::wal
