// SPDX-License-Identifier: Apache-2.0
//
// The layout of a bbolt database, version 2. Numbers are little endian.
//
//   page 0, 1   meta: one of them is valid and has the higher transaction id
//   page 2      freelist
//   others      the nodes of B+ trees; a node longer than a page goes on over the next ones
//
// A page begins with its header. A leaf or branch goes on with one element per row, then the rows'
// bytes, whose position counts from their element. The tree that the meta page names has one row
// per bucket, whose value is where the bucket's own tree begins; root 0 means that its only leaf
// follows in the value itself. Pure functions, any thread.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace quorate::snapshot::bbolt {

using PageId = uint64_t;

inline constexpr size_t kPageHeaderBytes = 16;
inline constexpr size_t kElementBytes = 16;  // of a leaf and of a branch
inline constexpr size_t kBucketRootBytes = 16;
inline constexpr size_t kMetaBytes = 64;
inline constexpr size_t kPageBytesMin = 1024;
inline constexpr size_t kPageBytesMax = 64 << 10;
inline constexpr size_t kKeyBytesMax = 32768;
inline constexpr PageId kNoFreelist = UINT64_MAX;

enum PageFlag : uint16_t {
    kBranchPage = 0x01,
    kLeafPage = 0x02,
    kMetaPage = 0x04,
    kFreelistPage = 0x10,
};

inline constexpr uint32_t kBucketRow = 0x01;  // a leaf element's flag: the row is a bucket

struct PageHeader {
    PageId id = 0;
    uint16_t flags = 0;
    uint16_t count = 0;     // of elements
    uint32_t overflow = 0;  // pages behind the first
};

struct LeafElement {
    uint32_t flags = 0;
    uint32_t position = 0;
    uint32_t key_bytes = 0;
    uint32_t value_bytes = 0;
};

struct BranchElement {
    uint32_t position = 0;
    uint32_t key_bytes = 0;
    PageId page = 0;
};

struct BucketRoot {
    PageId root = 0;
    uint64_t sequence = 0;
};

struct Meta {
    uint32_t page_bytes = 0;
    BucketRoot root;
    PageId freelist = 0;
    PageId page_count = 0;  // of the file, those behind it are not in use
    uint64_t transaction = 0;
};

void append(Bytes& out, const PageHeader& header);
void append(Bytes& out, const LeafElement& element);
void append(Bytes& out, const BranchElement& element);
void append(Bytes& out, const BucketRoot& root);
// With its checksum.
void append(Bytes& out, const Meta& meta);

// The bytes are there.
PageHeader load_page_header(ByteView bytes);
LeafElement load_leaf_element(ByteView bytes);
BranchElement load_branch_element(ByteView bytes);
BucketRoot load_bucket_root(ByteView bytes);

enum class MetaFault : uint8_t { kNone, kNoDatabase, kOtherVersion, kWrongChecksum };
struct LoadedMeta {
    MetaFault fault = MetaFault::kNone;
    Meta meta;
};
// Of kMetaBytes bytes behind a page header.
LoadedMeta load_meta(ByteView bytes);

}  // namespace quorate::snapshot::bbolt
