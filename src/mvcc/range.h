// SPDX-License-Identifier: Apache-2.0
//
// The question and the answer of a range request, in etcd's terms. Values, any thread.
#pragma once

#include "base/bytes.h"
#include "mvcc/change_source.h"
#include "mvcc/key_range.h"

#include <cstdint>
#include <vector>

namespace quorate::mvcc {

// Numbers as in etcdserverpb.RangeRequest.
enum class SortOrder : uint8_t { kNone = 0, kAscend = 1, kDescend = 2 };
enum class SortTarget : uint8_t { kKey = 0, kVersion = 1, kCreate = 2, kMod = 3, kValue = 4 };

struct RangeQuery {
    KeyRange range;
    int64_t revision = 0;  // 0 or less: the newest
    int64_t limit = 0;     // 0 or less: none
    SortOrder sort_order = SortOrder::kNone;
    SortTarget sort_target = SortTarget::kKey;
    bool keys_only = false;
    bool count_only = false;
    // Inclusive; 0 is off.
    int64_t min_mod_revision = 0;
    int64_t max_mod_revision = 0;
    int64_t min_create_revision = 0;
    int64_t max_create_revision = 0;

    bool has_filter() const {
        return (min_mod_revision | max_mod_revision | min_create_revision | max_create_revision) !=
               0;
    }
    // Order NONE with another target than KEY applies the limit before it sorts, as etcd does;
    // every other order but this and ASCEND by KEY needs the whole range first.
    bool sorts_everything() const {
        return sort_order == SortOrder::kDescend ||
               (sort_order == SortOrder::kAscend && sort_target != SortTarget::kKey);
    }
};

struct RangeResult {
    int64_t revision = 0;  // the store's newest when the answer was made: the header's
    int64_t count = 0;     // keys in the range, whatever limit and filters say
    bool more = false;
    std::vector<RecordRef> kvs;  // encoded mvccpb.KeyValue each; empty for count_only
};

}  // namespace quorate::mvcc
