// SPDX-License-Identifier: Apache-2.0
//
// A member that answers to a leader, known or not (Raft §5.2, §5.3). Also what a learner is,
// always. Thread: raft loop.
#pragma once

#include "base/status.h"
#include "raft/core.h"
#include "raft/message.h"

#include <cstdint>

namespace quorate::raft {

class Follower {
  public:
    Follower(Core& core, MemberId leader) : leader_(leader), timer_(core.config, core.random) {}

    MemberId leader() const { return leader_; }

    // Ticks; true when it is time to campaign. Whoever may not must still not take the silent
    // leader for one that is heard: it would refuse its vote to everybody.
    bool tick();
    // A leader was heard in the last election timeout: this member helps nobody to replace it.
    bool hears_leader(const Core& core) const {
        return leader_ != kNobody && timer_.elapsed() < core.config.election_ticks;
    }
    void granted_vote() { timer_.reset(); }

    // TimeoutNow came. A member that has yet to apply a membership change remembers it until then,
    // or until its election timeout.
    void told_to_campaign() { must_campaign_ = true; }
    bool must_campaign() const { return must_campaign_; }

    // The requests of the leader of this term. kDamaged: they contradict what is committed here,
    // and nothing was changed.
    Status append(Core& core, MemberId from, AppendRequest&& request);
    Status heartbeat(Core& core, MemberId from, const HeartbeatRequest& request);
    Status install(Core& core, MemberId from, const SnapshotRequest& request);

    Status read_index(Core& core, uint64_t request_id);

  private:
    Status heard(MemberId from);

    MemberId leader_;
    ElectionTimer timer_;
    bool must_campaign_ = false;
};

}  // namespace quorate::raft
