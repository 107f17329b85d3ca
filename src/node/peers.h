// SPDX-License-Identifier: Apache-2.0
//
// PeerLinks over the transport: one link for each other member. Thread: raft loop.
#pragma once

#include "node/node.h"
#include "node/peer_link.h"
#include "node/peer_links.h"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace quorate::node {

class SnapshotSender;

class Peers final : public PeerLinks {
  public:
    struct Options {
        transport::Client& client;
        std::function<void()> flush;
        std::string local_address;  // as in LinkSettings
        std::function<std::unique_ptr<transport::Tls>()> tls;
        metrics::Registry& metrics;
        const Clock& clock;
    };

    Peers(Options options, const PeerContext& context);
    ~Peers() override;

    void set_members(std::shared_ptr<const cluster::List> members) override;
    void meet(cluster::Member stranger) override;
    bool send(const raft::Message& message) override;
    bool send(const wire::Proposals& proposals) override;
    bool send(const wire::ProposalsRefused& refused) override;
    void send_snapshot(const raft::Message& request) override;
    void call(raft::MemberId member, ByteView path, ByteView request, uint64_t timeout_ms,
              Done done) override;
    std::optional<int64_t> connected_since_ns(raft::MemberId member) const override;
    void flush() override;
    void tick(int64_t now_ns) override;

  private:
    // The same entries to another follower are the same bytes but for whom they are to.
    struct EncodedAppend {
        uint64_t term = 0;
        raft::EntryId previous;
        uint64_t commit = 0;
        raft::EntryId last;
        Bytes bytes;  // empty: none
    };

    PeerLink* find(raft::MemberId member);
    const Bytes& encode_append(const raft::Message& message, const raft::AppendRequest& append);
    void follow(const std::vector<cluster::Member>& members);

    const Options options_;
    std::string own_urls_;  // the settings refer to it
    const LinkSettings settings_;
    std::map<raft::MemberId, cluster::Member> strangers_;  // who called and is in no list yet
    std::map<raft::MemberId, std::unique_ptr<PeerLink>> links_;
    // To members that were removed: they are to hear of it before they are left alone.
    struct LeavingLink {
        std::unique_ptr<PeerLink> link;
        int64_t until_ns;
    };
    std::vector<LeavingLink> leaving_;
    std::unique_ptr<SnapshotSender> snapshots_;
    int64_t now_ns_ = 0;
    EncodedAppend append_;
    bool sent_ = false;  // since the last flush
};

}  // namespace quorate::node
