// SPDX-License-Identifier: Apache-2.0
//
// Which of our tables becomes which of etcd's buckets, and how a row of one becomes a row of the
// other. A new table is one line in tables.cc. Constant, any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "snapshot/bucket_cursor.h"
#include "storage/backend.h"
#include "storage/schema.h"

#include <cstdint>
#include <optional>
#include <span>

namespace quorate::snapshot {

struct Row {
    Bytes key;
    Bytes value;
};

enum class RowOrder : uint8_t {
    kSame,   // the rows come in the same order in both
    kOther,  // they must be sorted, so all are in memory at once: small tables alone
};

struct TableMapping {
    ByteView bucket;
    storage::Table table;
    RowOrder order;
    // errors::kDamaged.
    Result<Row> (*to_etcd)(const storage::Pair& ours);
    // `number` is the row's place in the bucket, from 1. Nothing: a row that means nothing to us.
    // errors::kDamaged, whose detail does not tell where.
    Result<std::optional<Row>> (*from_etcd)(const BucketRow& theirs, uint64_t number);
};

// By bucket.
std::span<const TableMapping> table_mappings();

}  // namespace quorate::snapshot
