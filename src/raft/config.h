// SPDX-License-Identifier: Apache-2.0
//
// What a Raft object is made from: the fixed settings, and what the member remembers.
#pragma once

#include "raft/types.h"

#include <cstdint>
#include <utility>
#include <vector>

namespace quorate::raft {

struct Config {
    MemberId self = kNobody;

    // A follower campaigns after election_ticks to 2 * election_ticks - 1 ticks of silence.
    uint32_t election_ticks = 10;
    uint32_t heartbeat_ticks = 1;
    uint64_t seed = 0;  // of the randomized timeout; members should differ

    // Ask before disturbing the term (Raft thesis §9.6).
    bool pre_vote = true;
    // A leader that hears no quorum for an election timeout steps down, and a member that hears its
    // leader takes part in no election (Raft thesis §6.2, §4.2.3).
    bool check_quorum = true;

    // Bounds in bytes count kEntryOverheadBytes (raft/log.h) per entry besides its payload.
    // One AppendRequest carries at most this much, but at least one entry.
    uint64_t append_bytes_max = 1024 * 1024;
    // Sent to one follower and not yet answered.
    uint32_t inflight_messages_max = 256;
    uint64_t inflight_bytes_max = 16 * 1024 * 1024;
    // Proposed and not yet committed; a proposal above it is refused.
    uint64_t uncommitted_bytes_max = 64 * 1024 * 1024;
    // Handed out to be applied and not yet applied; at least one entry is always handed out.
    uint64_t applying_bytes_max = 16 * 1024 * 1024;
    // ReadIndex requests that wait for their round, local and forwarded.
    uint32_t pending_reads_max = 64 * 1024;
};

// The state after the last run. A member that joins an existing cluster starts with all of it empty
// and learns the configuration from its leader's snapshot.
struct Restored {
    HardState hard_state;         // commit <= the last entry's index
    EntryId log_start;            // the entry before `entries`: what was compacted or in a snapshot
    std::vector<Entry> entries;   // consecutive
    Configuration configuration;  // as of `applied`
    uint64_t applied = 0;         // log_start.index <= applied <= the last entry's index
};

// What every first member of a new cluster starts from, each with the same configuration. The log
// starts behind an entry 1 that nobody has: whoever joins later, with an empty log, needs a
// snapshot and with it gets the configuration, which is in no entry.
inline Restored new_cluster(Configuration configuration) {
    Restored restored;
    restored.hard_state = HardState{1, kNobody, 1};
    restored.log_start = EntryId{1, 1};
    restored.configuration = std::move(configuration);
    restored.applied = 1;
    return restored;
}

}  // namespace quorate::raft
