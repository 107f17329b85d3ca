// SPDX-License-Identifier: Apache-2.0
//
// What a snapshot tells besides records, leases, users and alarms: where in the log it stands and
// whose it is. The log's entries up to `applied` are in it and no others. Values, any thread.
#pragma once

#include "cluster/member.h"
#include "raft/types.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::snapshot {

struct ClusterInfo {
    uint64_t cluster_id = 0;  // 0: not known, as in a file of etcd's
    uint64_t member_id = 0;   // who wrote it; 0: not known
    raft::EntryId applied;
    // All as of `applied`. The configuration is empty in a file of etcd 3.4's.
    raft::Configuration configuration;
    std::vector<cluster::Member> members;   // by id
    std::vector<uint64_t> removed_members;  // by id; such an id never comes back
    std::string cluster_version;            // "3.6.0"; may be empty
    std::string downgrade_target;           // "3.6.0"; empty: no downgrade is under way
    uint64_t state_hash = 0;                // over the records up to `applied`
    uint64_t conf_floor = 0;                // log index up to which changes of members don't count
};

}  // namespace quorate::snapshot
