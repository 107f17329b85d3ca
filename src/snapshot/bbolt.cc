// SPDX-License-Identifier: Apache-2.0
#include "snapshot/bbolt.h"

#include "base/assert.h"

namespace quorate::snapshot::bbolt {
namespace {

constexpr uint32_t kMagic = 0xED0CDAED;
constexpr uint32_t kVersion = 2;
constexpr size_t kChecksumOffset = kMetaBytes - 8;

void append_le16(Bytes& out, uint16_t value) {
    out.push_back(static_cast<char>(value & 0xff));
    out.push_back(static_cast<char>(value >> 8));
}

void append_le32(Bytes& out, uint32_t value) {
    char raw[4];
    store_le32(raw, value);
    out.append(raw, sizeof raw);
}

void append_le64(Bytes& out, uint64_t value) {
    char raw[8];
    store_le64(raw, value);
    out.append(raw, sizeof raw);
}

uint16_t load_le16(const char* raw) {
    return static_cast<uint16_t>(static_cast<unsigned char>(raw[0]) |
                                 (static_cast<unsigned char>(raw[1]) << 8));
}

// FNV-1a with 64 bits.
uint64_t checksum(ByteView bytes) {
    uint64_t hash = 0xcbf29ce484222325;
    for (const char byte : bytes) {
        hash = (hash ^ static_cast<unsigned char>(byte)) * 0x100000001b3;
    }
    return hash;
}

}  // namespace

void append(Bytes& out, const PageHeader& header) {
    append_le64(out, header.id);
    append_le16(out, header.flags);
    append_le16(out, header.count);
    append_le32(out, header.overflow);
}

void append(Bytes& out, const LeafElement& element) {
    append_le32(out, element.flags);
    append_le32(out, element.position);
    append_le32(out, element.key_bytes);
    append_le32(out, element.value_bytes);
}

void append(Bytes& out, const BranchElement& element) {
    append_le32(out, element.position);
    append_le32(out, element.key_bytes);
    append_le64(out, element.page);
}

void append(Bytes& out, const BucketRoot& root) {
    append_le64(out, root.root);
    append_le64(out, root.sequence);
}

void append(Bytes& out, const Meta& meta) {
    const size_t begin = out.size();
    append_le32(out, kMagic);
    append_le32(out, kVersion);
    append_le32(out, meta.page_bytes);
    append_le32(out, 0);  // flags
    append(out, meta.root);
    append_le64(out, meta.freelist);
    append_le64(out, meta.page_count);
    append_le64(out, meta.transaction);
    append_le64(out, checksum(ByteView(out).substr(begin)));
    QUORATE_ASSERT(out.size() == begin + kMetaBytes);
}

PageHeader load_page_header(ByteView bytes) {
    QUORATE_ASSERT(bytes.size() >= kPageHeaderBytes);
    return {.id = load_le64(bytes.data()),
            .flags = load_le16(bytes.data() + 8),
            .count = load_le16(bytes.data() + 10),
            .overflow = load_le32(bytes.data() + 12)};
}

LeafElement load_leaf_element(ByteView bytes) {
    QUORATE_ASSERT(bytes.size() >= kElementBytes);
    return {.flags = load_le32(bytes.data()),
            .position = load_le32(bytes.data() + 4),
            .key_bytes = load_le32(bytes.data() + 8),
            .value_bytes = load_le32(bytes.data() + 12)};
}

BranchElement load_branch_element(ByteView bytes) {
    QUORATE_ASSERT(bytes.size() >= kElementBytes);
    return {.position = load_le32(bytes.data()),
            .key_bytes = load_le32(bytes.data() + 4),
            .page = load_le64(bytes.data() + 8)};
}

BucketRoot load_bucket_root(ByteView bytes) {
    QUORATE_ASSERT(bytes.size() >= kBucketRootBytes);
    return {.root = load_le64(bytes.data()), .sequence = load_le64(bytes.data() + 8)};
}

LoadedMeta load_meta(ByteView bytes) {
    QUORATE_ASSERT(bytes.size() >= kMetaBytes);
    const char* raw = bytes.data();
    if (load_le32(raw) != kMagic) {
        return {MetaFault::kNoDatabase, {}};
    }
    if (load_le32(raw + 4) != kVersion) {
        return {MetaFault::kOtherVersion, {}};
    }
    if (load_le64(raw + kChecksumOffset) != checksum(bytes.substr(0, kChecksumOffset))) {
        return {MetaFault::kWrongChecksum, {}};
    }
    return {MetaFault::kNone,
            {.page_bytes = load_le32(raw + 8),
             .root = load_bucket_root(bytes.substr(16)),
             .freelist = load_le64(raw + 32),
             .page_count = load_le64(raw + 40),
             .transaction = load_le64(raw + 48)}};
}

}  // namespace quorate::snapshot::bbolt
