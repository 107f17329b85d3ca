// SPDX-License-Identifier: Apache-2.0
//
// Links for a member that has no way to others: whatever is sent is lost. Raft loop.
#pragma once

#include "base/errors.h"
#include "node/peer_links.h"

namespace quorate::node {

class NoPeers final : public PeerLinks {
  public:
    void set_members(std::shared_ptr<const cluster::List>) override {}
    void meet(cluster::Member) override {}
    bool send(const raft::Message&) override { return false; }
    bool send(const wire::Proposals&) override { return false; }
    bool send(const wire::ProposalsRefused&) override { return false; }
    void send_snapshot(const raft::Message&) override {}
    void call(raft::MemberId, ByteView, ByteView, uint64_t, Done done) override {
        done(Status(errors::kNoLeader));
    }
    std::optional<int64_t> connected_since_ns(raft::MemberId) const override { return {}; }
    void flush() override {}
    void tick(int64_t) override {}
};

}  // namespace quorate::node
