// SPDX-License-Identifier: Apache-2.0
//
// A start on a state that a peer has sent (snapshot_receiver.h): the log begins behind the
// snapshot, and the engine is filled from its file. Start-stop thread.
#pragma once

#include "base/file.h"
#include "node/bootstrap.h"
#include "raft/types.h"
#include "storage/backend.h"

namespace quorate::node {

// Replaces all that the engine holds by the file that ends with the entry `mark`, and returns that
// entry. errors::kDamaged when there is no such file; whatever the reader and the engine say.
Result<raft::EntryId> fill_from_snapshot(FileSystem& fs, const DataPaths& paths,
                                         const Identity& identity, const raft::EntryId& mark,
                                         storage::Backend& backend);

// Files of snapshots that no start will look for any more. `keep`: the index of one that is the
// only durable form of the state, for an engine in memory; 0: none.
Status remove_old_snapshots(FileSystem& fs, const DataPaths& paths, uint64_t keep);

}  // namespace quorate::node
