// SPDX-License-Identifier: Apache-2.0
//
// The raft loop: gives Raft everything that arrived as one step and carries its Readys out. It owns
// the consensus state and who waits for which proposal; it never touches a disk or a socket itself.
// Thread: the node's core thread (see node.h). Logic only: no locks, no clock.
//
// A log write goes to the wal loop's thread, so that the next batch collects while this one syncs.
// In a cluster of one, where nothing else is queued or under way, handing over would only cost the
// wake-ups, and the write is done in place (measured: 0.15 against 0.21 ms for a single client).
// With peers a slow disk must never keep heartbeats waiting.
//
// Every step of a leader costs each member a message, a write and several wake-ups, however much it
// carries. Many clients at once would cause a step for every few of their puts; so when much is
// under way already, what comes meanwhile is proposed in one go when the log write has ended or a
// quorum has caught up. What it would gain by leaving earlier it would lose in the queues behind.
//
// A follower hands its clients' proposals to the leader and answers them when it has applied them
// itself; see pending.h for what becomes of them when the leader changes.
#pragma once

#include "base/mailbox.h"
#include "node/messages.h"
#include "node/peer_links.h"
#include "node/pending.h"
#include "node/status.h"
#include "raft/raft.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace quorate::node {

// Where log writes go. The wal loop implements it in production, a simulated disk in tests.
class LogWriter {
  public:
    virtual ~LogWriter() = default;
    // Writes and syncs all, in order. Does not return when that fails: a member whose log can't be
    // written has nothing left that it may answer.
    virtual void write_and_sync(std::vector<LogWrite>& writes) = 0;
};

struct RaftLoopOptions {
    int64_t request_timeout_ns = 7'000'000'000;
    int64_t election_timeout_ns = 1'000'000'000;
    int64_t read_retry_ns = 500'000'000;
    uint64_t apply_backlog_max = 5000;  // committed but not applied entries
    uint64_t catchup_entries = 5000;    // kept in memory for peers that are a little behind
    // What is kept for a peer that was sent a snapshot, so that it can go on where that ends.
    uint64_t held_entries_max = 1'000'000;
    uint64_t forward_bytes = 1 << 20;  // of proposals in one message, but at least one
    // With so many entries uncommitted and a log write under way, a leader with peers lets new
    // proposals gather. Well above what a few clients have under way, who would only wait.
    uint64_t gather_entries = 64;
    uint32_t election_ticks = 10;
    // Differs from start to start: the answer to a read of the life before may still be on its way,
    // and must not confirm one of this life, which may come behind writes that it knows nothing of.
    uint64_t first_read_id = 1;
};

class RaftLoop {
  public:
    struct Ports {
        Mailbox<ApplyInput>& apply;
        Mailbox<LogWrite>& wal;
        Mailbox<Task<>>& read_pool;
        LogWriter& inline_writer;  // used only while the wal loop has nothing of ours
        NodeStatus& status;
        PeerLinks& peers;
        // A snapshot has replaced the log: the state on disk has to be replaced by it, too, and
        // this loop does nothing more.
        std::function<void()> on_snapshot_installed;
    };

    RaftLoop(const raft::Config& config, raft::Restored restored, const RaftLoopOptions& options,
             Ports ports);

    // One turn. `more_waiting`: the inbox has filled again meanwhile.
    void handle(std::vector<RaftInput>& inputs, int64_t now_ns, bool more_waiting);
    void tick(int64_t now_ns);
    // Sole voters need not wait for an election timeout.
    void campaign() { raft_.campaign(); }
    // Until a leader of this moment has answered a read, nothing is known of the time before.
    void advance_election_timeout();
    // Answers everything that waits; nothing is accepted afterwards.
    void stop();

    void set_members(std::shared_ptr<const cluster::List> members) {
        ports_.peers.set_members(std::move(members));
    }
    PeerLinks& peers() { return ports_.peers; }
    // For RaftTasks that have to wait: a stop runs them, too.
    void at_next_tick(RaftTask task) { at_next_tick_.push_back(std::move(task)); }
    bool stopped() const { return stopped_; }

    // For RaftTasks. The answer is given once the target leads, or with why it does not.
    void transfer_leadership(raft::MemberId target, transport::Reply reply, int64_t deadline_ns);
    // The voter that would lose the least by becoming leader now; kNobody when there is none.
    raft::MemberId best_successor() const;

    // A write to the log has been under way for an election timeout, which costs a leader its
    // office.
    bool disk_stalls(int64_t now_ns) const {
        return writes_under_way_ > 0 && now_ns - oldest_write_ns_ >= options_.election_timeout_ns;
    }

    const raft::Raft& raft() const { return raft_; }
    size_t pending() const { return pending_.size() + parked_.size(); }

  private:
    struct SnapshotToPeer {
        uint64_t index;  // of its last entry
        bool delivered;
    };
    struct WaitingReads {
        std::vector<ReadRequest> reads;
        int64_t asked_ns;
    };

    void take(Proposal& proposal);
    void take(ReadRequest& read);
    void take(const Persisted& persisted);
    void take(const Applied& applied);
    void take(const EngineSynced& synced);
    void take(ConfChanged& changed);
    void take(wire::PeerMessage& message);
    void take(raft::Message& message);
    void take(wire::Proposals& proposals);
    void take(wire::ProposalsRefused& refused);
    void take(const SnapshotSent& sent);
    void take(SnapshotArrived& arrived);
    void take(RaftTask& task) { task(*this); }

    bool must_gather() const;
    bool is_out_of_date(const Proposal& proposal) const;
    void propose_collected();
    void propose_member_change(Proposal&& proposal);
    Status append_member_change(const raft::Payload& payload);
    void forward_parked();
    void send(std::vector<raft::Message>& messages);
    void send_persisted(uint64_t ready_number);
    void compact_log();
    void follow_transfer();
    void run_waiting_tasks();
    void hand_over_if_stalled();
    void write_log(LogWrite&& write);
    void ask_again();
    bool is_alone() const;
    void ask_for_reads();
    void carry_out_readys(bool more_waiting);
    void persist(raft::Ready& ready, bool more_waiting);
    void hand_to_apply(std::vector<raft::Entry>& committed);
    void take_confirmed(const raft::ReadState& state);
    void release_reads();
    void publish(const raft::Ready& ready);
    void update_reads_confirmed();
    Status timeout_status() const;

    const RaftLoopOptions options_;
    Ports ports_;
    raft::Raft raft_;
    Pending pending_;

    std::vector<Proposal> collected_;  // of this turn
    // Arrived while there was no leader, or gather.
    std::deque<Proposal> parked_;
    std::vector<ReadRequest> new_reads_;                    // of this turn
    std::map<uint64_t, WaitingReads> asked_reads_;          // by request id of the round
    std::multimap<uint64_t, ReadRequest> confirmed_reads_;  // by the index they wait for
    uint64_t next_read_id_ = options_.first_read_id;

    // To be sent once the Ready's write is synced.
    struct HeldMessages {
        uint64_t ready_number;
        std::vector<raft::Message> messages;
    };
    std::deque<HeldMessages> held_messages_;

    // Peers that were sent a snapshot and have not caught up since.
    std::map<raft::MemberId, SnapshotToPeer> snapshots_sent_;
    struct Transfer {
        raft::MemberId target;
        transport::Reply reply;
        int64_t deadline_ns;
    };
    std::optional<Transfer> transfer_;
    std::vector<RaftTask> at_next_tick_;
    bool installing_snapshot_ = false;

    uint64_t writes_under_way_ = 0;  // at the wal loop
    int64_t oldest_write_ns_ = 0;    // when the wal loop was last idle or done with a write
    uint64_t first_index_of_term_ = 0;
    int64_t now_ns_ = 0;
    bool stopped_ = false;
};

}  // namespace quorate::node
