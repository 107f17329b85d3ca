// SPDX-License-Identifier: Apache-2.0
//
// Which member of which cluster this process is. Decided once, when a data directory is used for
// the first time, and kept in <data-dir>/member/identity ever after: flags that describe the first
// start
// (--initial-cluster and its relatives) mean nothing to a member that has data. Start-stop thread.
#pragma once

#include "base/file.h"
#include "base/status.h"
#include "cluster/member.h"
#include "config/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace quorate::node {

enum class Origin : uint8_t {
    kFounder,  // the cluster began with this member among others
    kJoined,   // it was added to a running one, whose state it gets from the leader
};

struct Identity {
    uint64_t cluster_id = 0;
    uint64_t member_id = 0;
    Origin origin = Origin::kFounder;
    std::string cluster_token;
    // Founder: the first members, by id; the same on all of them. Joined: the members there were
    // then, as addresses until the state has arrived.
    std::vector<cluster::Member> members;
};

// A founder's, from --initial-cluster. Its ids are etcd's for the same command line.
Result<Identity> derive_identity(const config::Config& config);

// What the members of a running cluster say of it.
struct RunningCluster {
    uint64_t cluster_id = 0;
    std::vector<cluster::Member> members;
};
// For --initial-cluster-state=existing. The members by --initial-cluster must be those of the
// cluster: the error names both sides and what mends it.
Result<Identity> join_identity(const config::Config& config, const RunningCluster& cluster);

// As text, so that an operator can read it. `path` is for errors: kDamaged, kNewerFormat.
Bytes encode_identity(const Identity& identity);
Result<Identity> decode_identity(ByteView text, const std::string& path);

// Nothing when there is none yet. errors::kForeignData when the directory is of a cluster with
// another --initial-cluster-token than the one given.
Result<std::optional<Identity>> load_identity(FileSystem& fs, const std::string& path,
                                              const config::Config& config);
Status save_identity(FileSystem& fs, const std::string& path, const Identity& identity);

}  // namespace quorate::node
