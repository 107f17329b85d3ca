// SPDX-License-Identifier: Apache-2.0
//
// The member that orders the entries of its term (Raft §5.3, §5.4). It counts itself only for what
// is on its own disk, and commits only what a quorum has in an entry of its own term.
// Messages are made in flush(), so that everything proposed in one turn travels together.
// Thread: raft loop.
#pragma once

#include "base/status.h"
#include "raft/confchange.h"
#include "raft/core.h"
#include "raft/message.h"
#include "raft/progress.h"
#include "raft/quorum.h"
#include "raft/read_index.h"

#include <cstdint>
#include <map>
#include <vector>

namespace quorate::raft {

class Leader {
  public:
    // Appends the empty entry that makes the entries of older terms committable.
    explicit Leader(Core& core);

    Result<EntryId> propose(Core& core, EntryType type, std::vector<Payload>&& payloads);
    Result<EntryId> propose_conf_change(Core& core, const ConfChange& change, Payload&& encoded);
    Status read_index(ReadRequest request, const Config& config);
    Status transfer(Core& core, MemberId target);
    MemberId transfer_target() const { return transfer_target_; }

    // False when no quorum was heard for an election timeout: somebody else may lead by now.
    [[nodiscard]] bool tick(Core& core);

    // Answers of followers; from strangers they are ignored. kDamaged: the follower claims to have
    // what this log does not.
    Status on(Core& core, MemberId from, const AppendResponse& response);
    void on(Core& core, MemberId from, const AppendReject& reject);
    void on(Core& core, MemberId from, const HeartbeatResponse& response);

    void persisted(Core& core);
    void applied(Core& core);
    void configuration_changed(Core& core);
    // This leader will step down: a voter that has the whole log is told to campaign at once.
    void name_successor(Core& core) const;
    void unreachable(MemberId peer);
    void snapshot_delivered(MemberId peer);
    void snapshot_failed(MemberId peer);

    // Sends what may be sent now.
    bool must_flush(const Core& core) const;
    void flush(Core& core);

    const Progress* progress(MemberId member) const;

    void check_invariants(const Core& core) const;

  private:
    Progress* find(MemberId member);
    EntryId append(Core& core, EntryType type, Payload payload);
    void advance_commit(Core& core);
    bool quorum_is_active(const Core& core);
    bool has_committed_in_term(const Core& core) const;

    void send_heartbeats(Core& core) const;
    void replicate(Core& core, MemberId to, Progress& progress) const;
    void send_snapshot(Core& core, MemberId to, Progress& progress) const;
    void start_read_round(Core& core);
    void answer_reads(Core& core);
    void finish_transfer(Core& core, MemberId target);

    std::map<MemberId, Progress> progress_;  // of all members, this one included
    std::vector<Ack> acks_;                  // scratch of advance_commit
    ReadIndex reads_;

    uint32_t heartbeat_elapsed_ = 0;
    uint32_t quorum_elapsed_ = 0;
    uint64_t quorum_round_ = 0;  // began with the count of quorum_elapsed_

    MemberId transfer_target_ = kNobody;
    uint32_t transfer_elapsed_ = 0;

    // No membership change may be proposed until this index is applied. At first that is the empty
    // entry: changes of older terms are before it.
    uint64_t conf_change_index_ = 0;

    bool replication_is_due_ = true;
};

}  // namespace quorate::raft
