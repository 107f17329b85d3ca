// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.Cluster: who the members are, and changing them. Transport threads; what depends on
// who is connected is decided on the raft loop.
#pragma once

#include "cluster/membership.h"
#include "node/node.h"
#include "rpc/router.h"

namespace quorate::rpc {

class PeerService;

class ClusterService {
  public:
    explicit ClusterService(node::Node& node);

    void register_methods(Router& router);
    // What other members ask a leader for.
    void register_peer_methods(PeerService& peers);

  private:
    void member_list(const CallContext& context, ByteView message, transport::Reply reply);
    void member_add(const CallContext& context, ByteView message, transport::Reply reply);
    void member_remove(const CallContext& context, ByteView message, transport::Reply reply);
    void member_update(const CallContext& context, ByteView message, transport::Reply reply);
    void member_promote(const CallContext& context, ByteView message, transport::Reply reply);
    void promote_here(uint64_t member, const auth::Caller& caller, transport::Reply reply);

    void propose_checked(cluster::Change change, const Result<auth::Caller>& caller,
                         transport::Reply reply);
    void count_promotion(const Status& outcome);
    Bytes encode_member_list() const;

    class CountedPromotion;

    node::Node& node_;
    metrics::Counter& promotions_;
};

}  // namespace quorate::rpc
