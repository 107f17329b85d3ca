// SPDX-License-Identifier: Apache-2.0
//
// The buckets that say whose the data are and where in the log they stand: meta, cluster, members,
// members_removed and our own. Made of a ClusterInfo and read back into one. Small: all in memory.
// Any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "snapshot/cluster_info.h"
#include "snapshot/reader.h"
#include "snapshot/tables.h"
#include "storage/backend.h"

#include <cstdint>
#include <map>
#include <vector>

namespace quorate::snapshot {

// The compaction marks of a store; -1: none.
struct CompactionMarks {
    int64_t scheduled = -1;
    int64_t finished = -1;
};

Result<CompactionMarks> read_marks(storage::View& view);
Result<CompactionMarks> read_marks(const Reader& reader);
// From the tables of an engine. The configuration is that of the members.
Result<ClusterInfo> read_cluster_info(storage::View& view);
// From the buckets of a file. errors::kDamaged, errors::kNewerFormat.
Result<ClusterInfo> read_cluster_info(const Reader& reader);
// The rows of an engine's tables that say the same, but for the ids.
void put_cluster_info(const ClusterInfo& info, storage::WriteBatch& batch);

// Sorted rows by bucket. Buckets without rows are in it, too.
std::map<Bytes, std::vector<Row>> cluster_rows(const ClusterInfo& info,
                                               const CompactionMarks& marks);

}  // namespace quorate::snapshot
