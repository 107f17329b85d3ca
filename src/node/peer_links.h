// SPDX-License-Identifier: Apache-2.0
//
// The raft loop's view of the other members: where messages go. Peers (peers.h) implements it over
// the transport, the simulation over a network of its own. Thread: raft loop.
//
// What arrives from peers reaches the raft loop through its mailbox. Raft's own messages may be
// lost, repeated, delayed and reordered; Proposals may be lost, but never arrive twice.
#pragma once

#include "cluster/membership.h"
#include "raft/message.h"
#include "wire/peer_message.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>

namespace quorate::node {

class PeerLinks {
  public:
    virtual ~PeerLinks() = default;

    // Who may be sent to; the others' links end.
    virtual void set_members(std::shared_ptr<const cluster::List> members) = 0;
    // A member that calls and is not known here: it may have joined, and even come to lead, while
    // this one was away. It has to be answered before this one can learn from it who the members
    // are (scenario in peers.cc). Kept until they are known to include it, or to have removed it.
    virtual void meet(cluster::Member stranger) = 0;

    // Never blocks. False: dropped, because the link is down or has more waiting than it may.
    virtual bool send(const raft::Message& message) = 0;
    virtual bool send(const wire::Proposals& proposals) = 0;
    virtual bool send(const wire::ProposalsRefused& refused) = 0;

    // Sends the newest state this member has, in place of the one that `request` names.
    // SnapshotSent follows, and until then entries behind `request`'s are kept in the log.
    virtual void send_snapshot(const raft::Message& request) = 0;

    // One request that only that member can answer. `done` may run on any thread, before this
    // returns, too.
    using Done = std::function<void(Result<Bytes>)>;
    virtual void call(raft::MemberId member, ByteView path, ByteView request, uint64_t timeout_ms,
                      Done done) = 0;

    // Since when messages to this member get through; nothing while they don't.
    virtual std::optional<int64_t> connected_since_ns(raft::MemberId member) const = 0;

    // The end of a turn: what was sent is on its way when this returns.
    virtual void flush() = 0;
    virtual void tick(int64_t now_ns) = 0;
};

}  // namespace quorate::node
