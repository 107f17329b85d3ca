// SPDX-License-Identifier: Apache-2.0
//
// The applier: from committed entries to state, the only writer there is. It decodes an entry's
// command, asks the gates and whether its maker may, carries the command out and gives back the
// encoded answer. The same entries give the same state on every member. Apply loop.
#pragma once

#include "apply/state.h"
#include "base/metrics.h"
#include "base/status.h"
#include "cluster/membership.h"
#include "command.pb.h"
#include "raft/types.h"
#include "wire/header.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace quorate::apply {

// What became of one entry. An error is the client's answer, too: the entry counts as applied.
struct Outcome {
    Status status;
    Bytes response;  // the encoded answer when status is ok()
    // Answer only once the compaction this entry asked for has removed everything.
    bool after_compaction = false;
    // The membership change that was carried out.
    std::optional<cluster::Change> member_change = std::nullopt;
};

// Who this member is, for the header of answers.
struct HeaderIdentity {
    uint64_t cluster_id = 0;
    uint64_t member_id = 0;
};

class Applier {
  public:
    Applier(HeaderIdentity identity, metrics::Registry& metrics);
    ~Applier();

    // What was restored, before the first entry.
    void show_alarms(const AlarmStore& alarms);

    // `raft_term` is only shown in the answer's header.
    Outcome apply(State& state, const raft::Entry& entry, uint64_t raft_term);

    // What the entry that was applied last holds.
    wire::Command::RequestCase operation() const { return operation_; }

    // A transaction that only reads, outside the log.
    Outcome read_only_txn(State& state, const etcdserverpb::TxnRequest& request,
                          const auth::Caller& caller, uint64_t raft_term);

  private:
    struct Counters;

    Outcome run(State& state, const wire::Command& command);
    Outcome put(State& state, const etcdserverpb::PutRequest& request);
    Outcome delete_range(State& state, const etcdserverpb::DeleteRangeRequest& request);
    Outcome txn(State& state, const etcdserverpb::TxnRequest& request);
    Outcome compact(State& state, const etcdserverpb::CompactionRequest& request);
    Outcome lease_grant(State& state, const etcdserverpb::LeaseGrantRequest& request);
    Outcome lease_revoke(State& state, const etcdserverpb::LeaseRevokeRequest& request);
    Outcome lease_checkpoint(State& state, const etcdserverpb::LeaseCheckpointRequest& request);
    Outcome expired_leases(State& state, const wire::ExpiredLeases& request);
    Outcome alarm(State& state, const etcdserverpb::AlarmRequest& request);
    Outcome member_change(State& state, const wire::MemberChange& request);
    Outcome cluster_version(State& state, const wire::ClusterVersion& request);
    Outcome downgrade(State& state, const wire::Downgrade& request);
    Outcome auth(State& state, const wire::Command& command);
    static Outcome member_attributes(State& state, const wire::MemberAttributes& request);

    Status revoke(State& state, int64_t lease);
    void show_alarm(const Alarm& alarm, bool raised);
    Bytes header(int64_t revision) const;

    const HeaderIdentity identity_;
    uint64_t raft_term_ = 0;
    uint64_t index_ = 0;  // of the entry in hand
    wire::Command::RequestCase operation_ = wire::Command::REQUEST_NOT_SET;
    metrics::Registry& metrics_;
    std::unique_ptr<Counters> counters_;
};

}  // namespace quorate::apply
