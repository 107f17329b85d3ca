// SPDX-License-Identifier: Apache-2.0
//
// From a snapshot file into a storage engine. Rows arrive in batches of bounded size between two
// synced ones: the first leaves storage::kRestoringKey behind, the last takes it away and writes
// the format version. So an engine that holds kRestoringKey was left in the middle and holds
// nothing of use; restoring again with kReplace begins anew.
// One thread, no other writer meanwhile. Errors: the reader's; the engine's; errors::kConfig when
// the engine holds something already, or for options that don't fit the file.
#pragma once

#include "base/status.h"
#include "snapshot/cluster_info.h"
#include "snapshot/reader.h"
#include "storage/backend.h"

#include <cstddef>
#include <cstdint>

namespace quorate::snapshot {

enum class Existing : uint8_t {
    kRefuse,   // the engine must be empty
    kReplace,  // what the engine holds goes away first
};

// What becomes of index, term, configuration, members and raised alarms.
enum class Membership : uint8_t {
    kKeep,  // a member of the same cluster catches up
    kDrop,  // a new cluster begins with the data
};

struct RestoreOptions {
    Existing existing = Existing::kRefuse;
    Membership membership = Membership::kKeep;
    // The newest revision is raised by so many. Needs mark_compacted, and the other way round.
    int64_t bump_revision = 0;
    // Everything up to the newest revision counts as compacted, so that watchers from before the
    // restore learn that they missed something.
    bool mark_compacted = false;
    size_t batch_bytes_max = 4 << 20;
    // Rows that go with the last, synced batch: the member's identity and the like.
    storage::WriteBatch last_rows;
};

struct RestoreReport {
    ClusterInfo info;
    int64_t revision = 0;          // the newest
    int64_t compact_revision = 0;  // -1: never compacted
    uint64_t records = 0;
    uint64_t leases = 0;
    uint64_t users = 0;
};

Result<RestoreReport> restore(Reader& reader, storage::Backend& backend,
                              const RestoreOptions& options);

}  // namespace quorate::snapshot
