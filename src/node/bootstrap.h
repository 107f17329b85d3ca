// SPDX-License-Identifier: Apache-2.0
//
// From the data directory to the pieces a node runs on: the log of the last run, the engine's
// state, and the proof that the two belong together and to this member. Start-stop thread.
//
//   <data-dir>/member/wal/        the log (or --wal-dir)
//   <data-dir>/member/<engine>/   the engine's own files
//   <data-dir>/member/identity    who this is (identity.h)
//   <data-dir>/member/snapshot/   states that the leader sent, until the engine has them
//   <data-dir>/fixtures/          certificates that auto-tls made
//
// Everything that does not fit is refused with what was found, where, and what mends it; nothing is
// changed then.
#pragma once

#include "apply/alarm_store.h"
#include "auth/auth_store.h"
#include "base/file.h"
#include "base/status.h"
#include "cluster/membership.h"
#include "config/config.h"
#include "lease/lessor.h"
#include "mvcc/store.h"
#include "node/identity.h"
#include "raft/config.h"
#include "storage/backend.h"
#include "wal/wal.h"

#include <memory>
#include <string>
#include <vector>

namespace quorate::node {

struct DataPaths {
    std::string data_dir;
    std::string wal_dir;
    std::string engine_dir;
    std::string identity_file;
    std::string snapshot_dir;     // of snapshots that peers have sent
    std::string fence_file;       // why this member must not start
    std::string certificate_dir;  // of auto-tls
};

DataPaths data_paths(const config::Config& config);

// Creates the folders that are missing. Refuses a directory that etcd wrote, or another engine than
// the chosen one.
Status prepare_data_dir(FileSystem& fs, const DataPaths& paths);

struct Booted {
    Identity identity;
    std::unique_ptr<wal::Wal> wal;
    raft::Restored restored;
    raft::EntryId applied;  // what the engine holds
    std::unique_ptr<mvcc::Store> store;
    std::unique_ptr<lease::Lessor> lessor;
    apply::AlarmStore alarms;
    cluster::Membership membership;
    auth::AuthStore auth;
    uint32_t state_hash = 0;
};

struct BootOptions {
    wal::Options wal;
    mvcc::StoreOptions store;
    lease::LessorOptions lessor;
    // Keeps this member alone, with the state it has (--force-new-cluster).
    bool force_new_cluster = false;
    bool engine_is_durable = true;
};

Result<Booted> boot(FileSystem& fs, const DataPaths& paths, const Identity& identity,
                    storage::Backend& backend, const BootOptions& options);

}  // namespace quorate::node
