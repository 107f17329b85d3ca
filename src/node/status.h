// SPDX-License-Identifier: Apache-2.0
//
// What the loops publish of themselves for everybody else to read. Each field is written by the one
// loop named beside it; the fields are not one snapshot.
#pragma once

#include <atomic>
#include <cstdint>

namespace quorate::node {

struct NodeStatus {
    // raft loop
    std::atomic<uint64_t> leader{0};  // 0: none known
    std::atomic<uint64_t> term{0};
    std::atomic<uint64_t> committed{0};
    std::atomic<uint64_t> led_term{0};  // whose leader this member is; 0: it leads none
    // Leases that this leader renews before then, by the monotonic clock, live as long with the
    // next one: an election timeout ago a quorum still followed this one, and by an election
    // timeout the next one extends them all.
    std::atomic<int64_t> may_renew_until_ms{0};
    std::atomic<bool> is_learner{false};  // apply loop
    // This member leads alone and has committed in its term: whatever it has applied is the newest
    // state there is, so a linearizable read needs no round.
    std::atomic<bool> reads_confirmed{false};
    std::atomic<uint64_t> leader_changes{0};
    std::atomic<uint64_t> proposals_failed{0};
    std::atomic<uint64_t> read_indexes_failed{0};
    std::atomic<uint64_t> read_indexes_slow{0};  // asked for once more
    std::atomic<uint64_t> heartbeats_failed{0};  // no link took them
    std::atomic<bool> takes_snapshot{false};     // a peer's is to replace the state
    // A peer says that this member was removed from the cluster; set by a thread of the transport.
    std::atomic<bool> refused_as_removed{false};
    // What is to be proposed may wait in the inbox: the loop comes for it when a log write ends.
    std::atomic<bool> gathers_proposals{false};
    // When a leader was last lost, steady clock; 0: never.
    std::atomic<int64_t> leader_lost_ns{0};

    // apply loop
    std::atomic<uint64_t> applied{0};
    std::atomic<uint64_t> stored_bytes{0};  // what the quota is about
    std::atomic<bool> alarm_no_space{false};
    std::atomic<bool> alarm_corrupt{false};
    std::atomic<bool> auth_enabled{false};
    std::atomic<uint64_t> auth_revision{1};

    bool leads() const { return led_term.load() != 0; }
};

}  // namespace quorate::node
