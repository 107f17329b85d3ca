// SPDX-License-Identifier: Apache-2.0
#include "node/snapshot_boot.h"

#include "base/errors.h"
#include "base/log.h"
#include "node/snapshot_receiver.h"
#include "snapshot/reader.h"
#include "snapshot/restore.h"
#include "storage/schema.h"

#include <utility>

namespace quorate::node {

Result<raft::EntryId> fill_from_snapshot(FileSystem& fs, const DataPaths& paths,
                                         const Identity& identity, const raft::EntryId& mark,
                                         storage::Backend& backend) {
    const std::string path = snapshot_file(paths.snapshot_dir, mark.index);
    const auto exists = fs.exists(path);
    if (!exists) {
        return exists.error();
    }
    if (!*exists) {
        return Status(
            errors::kDamaged,
            paths.engine_dir + " has not applied index " + std::to_string(mark.index) +
                ", up to which the log in " + paths.wal_dir + " needs it and no file in " +
                paths.snapshot_dir +
                " brings it: the engine's files are older than the log; choose the "
                "storage engine that the member last ran on, remove the member from the "
                "cluster and add it again with an empty --data-dir, or restore it from a snapshot");
    }
    auto reader = snapshot::Reader::open(fs, path, snapshot::HashCheck::kRequired);
    if (!reader) {
        return reader.error();
    }
    snapshot::RestoreOptions options;
    options.existing = snapshot::Existing::kReplace;
    options.last_rows.put(storage::kIdentityKey,
                          storage::encode_u64_pair({identity.cluster_id, identity.member_id}));
    log::info("filling the storage engine from a snapshot",
              {{"path", path}, {"index", mark.index}});
    const auto report = snapshot::restore(**reader, backend, options);
    if (!report) {
        return report.error();
    }
    log::info("filled the storage engine from a snapshot", {{"index", report->info.applied.index},
                                                            {"revision", report->revision},
                                                            {"records", report->records}});
    return report->info.applied;
}

Status remove_old_snapshots(FileSystem& fs, const DataPaths& paths, uint64_t keep) {
    const auto exists = fs.exists(paths.snapshot_dir);
    if (!exists) {
        return exists.error();
    }
    if (!*exists) {
        return {};
    }
    const auto names = fs.list(paths.snapshot_dir);
    if (!names) {
        return names.error();
    }
    for (const std::string& name : *names) {
        const std::string path = paths.snapshot_dir + "/" + name;
        if (keep != 0 && path == snapshot_file(paths.snapshot_dir, keep)) {
            continue;
        }
        if (Status s = remove_in_pieces(fs, path); !s.ok()) {
            return s;
        }
    }
    return {};
}

}  // namespace quorate::node
