// SPDX-License-Identifier: Apache-2.0
//
// LMDB's file (data version 1), as far as the check of it needs: a file of pages, of which the
// first two are metas, written in turn, each the root of one state of the store. All else is two
// B-trees: of free pages, and of the data. Pages are never changed in place: a write makes new ones
// and lists those that it replaced as free. In the machine's own byte order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace quorate::lmdb_engine {

inline constexpr uint64_t kNoPage = UINT64_MAX;
inline constexpr uint64_t kMetaPages = 2;

inline constexpr uint16_t kBranchPage = 0x01;
inline constexpr uint16_t kLeafPage = 0x02;
inline constexpr uint16_t kOverflowPage = 0x04;
inline constexpr uint16_t kMetaPage = 0x08;

struct PageHeader {
    uint64_t number;
    uint16_t padding;
    uint16_t flags;
    uint16_t lower;  // end of the node offsets behind this header
    uint16_t upper;  // begin of the nodes
};
static_assert(sizeof(PageHeader) == 16);

// Behind it the key, and in a leaf the value, or the page of one that has pages of its own.
struct NodeHeader {
    uint16_t low;  // size of the value; in a branch, with `flags`, the child's page
    uint16_t high;
    uint16_t flags;
    uint16_t key_bytes;
};
static_assert(sizeof(NodeHeader) == 8);
inline constexpr uint16_t kValueOnOwnPages = 0x01;

struct Tree {
    uint32_t page_bytes;  // of the free pages' tree; else unused
    uint16_t flags;
    uint16_t depth;
    uint64_t branch_pages;
    uint64_t leaf_pages;
    uint64_t overflow_pages;
    uint64_t entries;
    uint64_t root;
};
static_assert(sizeof(Tree) == 48);
inline constexpr uint16_t kIntegerKeys = 0x08;

struct Meta {
    uint32_t magic;
    uint32_t version;
    uint64_t address;
    uint64_t map_bytes;
    Tree free_pages;
    Tree data;
    uint64_t last_page;
    uint64_t transaction;
};
static_assert(sizeof(Meta) == 136);
static_assert(std::is_trivially_copyable_v<Meta>);
inline constexpr uint32_t kMagic = 0xbeefc0de;
inline constexpr uint32_t kDataVersion = 1;

}  // namespace quorate::lmdb_engine
