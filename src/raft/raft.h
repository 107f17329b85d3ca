// SPDX-License-Identifier: Apache-2.0
//
// One member's Raft (Ongaro's thesis, with pre-vote, check quorum, leadership transfer, learners,
// joint consensus, ReadIndex, snapshots and asynchronous persistence). A pure machine: inputs are
// the methods below, the only output is take_ready(), time is tick(), and nothing blocks.
// Thread: raft loop. The same inputs give the same outputs, on any machine.
//
//                   silence                pre-vote won             vote won
//   follower ------------------> pre-candidate -----> candidate --------------> leader
//      ^   ^                         |  |  ^             |  |                     |
//      |   +--------- lost ----------+  +--+-- silence --+  |                     |
//      +---- newer term, or a leader of this term ----------+--- no quorum -------+
//
// Without pre_vote, and on TimeoutNow, a follower becomes a candidate at once.
#pragma once

#include "base/status.h"
#include "raft/candidate.h"
#include "raft/confchange.h"
#include "raft/config.h"
#include "raft/core.h"
#include "raft/follower.h"
#include "raft/leader.h"
#include "raft/message.h"
#include "raft/progress.h"
#include "raft/ready.h"
#include "raft/types.h"

#include <cstdint>
#include <variant>
#include <vector>

namespace quorate::raft {

class Raft {
  public:
    Raft(const Config& config, Restored restored);
    Raft(const Raft&) = delete;
    Raft& operator=(const Raft&) = delete;

    // Appends to the leader's log, at least one; sent with the next Ready. Returns the id of the
    // first, the others follow it. All or nothing. Errors: kNotLeader; kLeaderChanged while
    // leadership is handed over; kRequestTooManyRequests when uncommitted_bytes_max would be
    // exceeded.
    Result<EntryId> propose(Payload payload);
    Result<EntryId> propose(std::vector<Payload> payloads);

    // `encoded` is what the host wants to find in the entry; it is not looked into. One change at a
    // time: kConfChangeRefused while one is not yet applied, or when it does not fit.
    Result<EntryId> propose_conf_change(const ConfChange& change, Payload encoded);

    // To be called for each committed kConfChange entry before applied() of its index, unless the
    // host refuses the change (as every member's host then must). Returns the new configuration, or
    // the one that a newer snapshot has already brought. A leader that is no voter any more names a
    // successor and steps down.
    Result<Configuration> apply_conf_change(uint64_t index, const ConfChange& change);

    // A message from a peer. Not ok: it was dropped, nothing has changed but perhaps the term, and
    // something is wrong with the sender (kBadRaftMessage) or with either one's data (kDamaged).
    Status step(Message&& message);

    void tick();

    // Asks for the index that a linearizable read has to wait for; the answer is a ReadState. All
    // requests between two Readys share one round. Ids are the host's and should not repeat.
    // A request may be lost with a message or a leader: the host asks again with another id.
    // Errors: kNoLeader when none is known, kRequestTooManyRequests at pending_reads_max.
    Status read_index(uint64_t request_id);

    // Starts an election now. Without effect on a leader and on a member without a vote.
    void campaign();

    // Makes `target` leader once it has the whole log; given up after an election timeout, seen by
    // transfer_target(). Errors: kNotLeader, kBadLeaderTransferee when it is no voter.
    Status transfer_leadership(MemberId target);

    // The write of this Ready, and with it every earlier one, is synced.
    void persisted(uint64_t ready_number);

    // The state machine holds everything up to `index` (a snapshot included).
    void applied(uint64_t index);

    // The last message to this peer was probably lost.
    void report_unreachable(MemberId peer);

    // A SnapshotRequest to this peer was delivered, or failed.
    struct SnapshotOutcome {
        bool delivered = false;
    };
    void report_snapshot(MemberId peer, SnapshotOutcome outcome);

    // Forgets entries up to `index`, which is at most applied(); a peer that needs them will get
    // a snapshot.
    void compact_log(uint64_t index);

    // Whether there may be something to do; after that the Ready can still be empty.
    bool has_ready() const;
    Ready take_ready();

    MemberId self() const { return core_.config.self; }
    Role role() const { return soft_state().role; }
    MemberId leader() const { return soft_state().leader; }  // kNobody when unknown
    uint64_t term() const { return core_.term; }
    MemberId vote() const { return core_.vote; }
    uint64_t committed() const { return core_.log.committed(); }
    uint64_t applied() const { return core_.log.applied(); }
    uint64_t stable_index() const { return core_.persistence.stable(); }  // persisted here
    EntryId log_start() const { return core_.log.start(); }  // the last compacted entry
    uint64_t last_index() const { return core_.log.last_index(); }
    // 0 when the entry is not in the log.
    uint64_t term_at(uint64_t index) const { return core_.log.term_at(index); }
    uint64_t uncommitted_bytes() const;
    const Configuration& configuration() const { return core_.configuration; }
    MemberId transfer_target() const;                 // kNobody when none is under way
    const Progress* progress(MemberId member) const;  // null when not leader, or not a member

    void check_invariants() const;

  private:
    Status receive(const Message& message, VoteRequest& request);
    Status receive(const Message& message, VoteResponse& response);
    Status receive(const Message& message, AppendRequest& request);
    Status receive(const Message& message, AppendResponse& response);
    Status receive(const Message& message, AppendReject& reject);
    Status receive(const Message& message, HeartbeatRequest& request);
    Status receive(const Message& message, HeartbeatResponse& response);
    Status receive(const Message& message, SnapshotRequest& request);
    Status receive(const Message& message, TimeoutNow& timeout);
    Status receive(const Message& message, ReadIndexRequest& request);
    Status receive(const Message& message, ReadIndexResponse& response);
    Status receive(const Message& message, TermNotice& notice);

    // False: the message is of no interest and changes nothing.
    bool enter_term_of(const Message& message);
    void answer_older_term(const Message& message);
    Result<Follower*> follower_of(MemberId leader);
    bool hears_leader() const;

    void become_follower(uint64_t term, MemberId leader);
    void become_leader();
    void campaign(Candidate::Election election);
    void count_ballot(Ballot ballot);
    void election_timeout();
    void campaign_if_told();
    void learn_committed(EntryId id);

    SoftState soft_state() const;
    void fill_writes(Ready& ready);
    std::vector<Entry> take_applicable();
    uint64_t next_applicable() const;

    Core core_;
    std::variant<Follower, Candidate, Leader> role_;

    // What the last Ready told.
    SoftState told_soft_state_;
    HardState told_hard_state_;
};

}  // namespace quorate::raft
