// SPDX-License-Identifier: Apache-2.0
//
// What a leader knows about one follower's log, and how much it may send it. Thread: raft loop.
//
//              accepted
//   +-------+ ----------> +-----------+
//   | probe |             | replicate |
//   +-------+ <---------- +-----------+
//     |   ^    rejected,        |
//     |   |    unreachable      | needs what
//     |   |                     | was compacted
//     |   | delivered, failed   |
//     |   +--------- +----------+
//     +------------> | snapshot |
//                    +----------+
#pragma once

#include "raft/inflights.h"
#include "raft/types.h"

#include <cstdint>

namespace quorate::raft {

enum class ProgressState : uint8_t {
    kProbe = 0,      // one AppendRequest at a time, to find where the logs agree
    kReplicate = 1,  // a stream: `next` moves when an entry is sent
    kSnapshot = 2,   // nothing until the snapshot is installed
};

class Progress {
  public:
    Progress(uint64_t next, Inflights::Limits limits) : next_(next), inflights_(limits) {}

    ProgressState state() const { return state_; }
    uint64_t match() const { return match_; }  // known to be on its disk
    uint64_t next() const { return next_; }    // the first entry that was not sent
    uint64_t pending_snapshot() const { return pending_snapshot_; }
    const Inflights& inflights() const { return inflights_; }

    // Whether entries may be sent now. A probe or a full window waits for an answer.
    bool may_send() const;
    // Whether an AppendRequest is wanted even if there is nothing new to put into it.
    bool probe_is_due() const { return probe_is_due_ && state_ != ProgressState::kSnapshot; }
    // Whether the follower could move its commit index but was not told.
    bool commit_is_due(uint64_t committed) const;

    // An AppendRequest leaves: the last index it reaches, what it costs, and the commit index in
    // it.
    struct Sent {
        uint64_t last_index = 0;
        uint64_t bytes = 0;
        uint64_t commit = 0;
    };
    void sent(const Sent& sent);
    void snapshot_sent(uint64_t index);

    // Returns false when the answer tells nothing new.
    bool accepted(uint64_t match);
    // `agreed` is the last index where the logs may agree. False: an old answer, ignored.
    struct Rejected {
        uint64_t previous_index = 0;
        uint64_t agreed = 0;
    };
    bool rejected(const Rejected& rejected);
    // The answer to a heartbeat shows that the follower is there, so an append that is not answered
    // may be lost: one more is sent. Once per heartbeat interval: reads make many more heartbeats.
    void heartbeat_is_due() { may_probe_again_ = true; }
    void heartbeat_answered(uint64_t last_index);
    void unreachable();
    void snapshot_delivered();
    void snapshot_failed();
    // The entries from `first` on are in the leader's log: a follower whose log reaches there needs
    // no snapshot any more.
    void leave_snapshot_from(uint64_t first);
    // Something new is known about the follower that is the leader itself.
    void self_persisted(uint64_t match, uint64_t last_index);

    // Heard of since the last check of the quorum.
    bool recently_active() const { return recently_active_; }
    void set_active() { recently_active_ = true; }
    void forget_activity() { recently_active_ = false; }

    void check_invariants() const;

  private:
    void become_probe(uint64_t next);

    ProgressState state_ = ProgressState::kProbe;
    bool recently_active_ = false;
    bool paused_ = false;  // probe: one is on its way
    bool probe_is_due_ = true;
    bool may_probe_again_ = true;
    uint64_t match_ = 0;
    uint64_t next_;
    uint64_t sent_commit_ = 0;
    uint64_t pending_snapshot_ = 0;
    Inflights inflights_;
};

}  // namespace quorate::raft
