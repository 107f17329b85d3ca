// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.Lease. Grants and revocations go through the log; everything that asks about time is
// answered by the apply loop, which owns the leases. Transport threads.
#pragma once

#include "node/node.h"
#include "rpc/login.h"
#include "rpc/quota.h"
#include "rpc/router.h"

#include <memory>
#include <mutex>
#include <vector>

namespace quorate::rpc {

class PeerService;
struct KeepAliveStream;

class LeaseService {
  public:
    LeaseService(node::Node& node, Quota& quota, const Login& login);

    void register_methods(Router& router);
    // What other members ask a leader for.
    void register_peer_methods(PeerService& peers);

  private:
    void grant(const CallContext& context, ByteView message, transport::Reply reply);
    void revoke(const CallContext& context, ByteView message, transport::Reply reply);
    void time_to_live(const CallContext& context, ByteView message, transport::Reply reply);
    // On the leader.
    void time_to_live_here(const etcdserverpb::LeaseTimeToLiveRequest& request,
                           const Result<auth::Caller>& caller, transport::Reply reply);
    void renew_for_peer(apply::State& state, const auth::Caller& caller,
                        const etcdserverpb::LeaseKeepAliveRequest& request, transport::Reply& to);
    void leases(const CallContext& context, ByteView message, transport::Reply reply);
    void reply_with_header(const apply::State& state, const Result<Bytes>& rest,
                           transport::Reply& to) const;
    void end_without_leader(const std::shared_ptr<KeepAliveStream>& stream);
    void leader_lost();

    node::Node& node_;
    Quota& quota_;
    const Login& login_;
    metrics::Counter& renewed_;
    // Of clients that want to be told when there is no leader.
    std::mutex streams_mutex_;
    std::vector<std::weak_ptr<KeepAliveStream>> streams_;
    size_t streams_swept_at_ = 0;  // how long the list may grow before it is looked through
};

}  // namespace quorate::rpc
