// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.Maintenance: alarms, status, hashes, defragmentation, snapshots. Transport threads
// and the read pool.
#pragma once

#include "node/node.h"
#include "rpc.pb.h"
#include "rpc/router.h"
#include "rpc/snapshot_stream.h"

namespace quorate::rpc {

class MaintenanceService {
  public:
    explicit MaintenanceService(node::Node& node);

    void register_methods(Router& router);

  private:
    void alarm(const CallContext& context, ByteView message, transport::Reply reply);
    void status(const CallContext& context, ByteView message, transport::Reply reply);
    void defragment(const CallContext& context, ByteView message, transport::Reply reply);
    void hash(const CallContext& context, ByteView message, transport::Reply reply);
    void hash_kv(const CallContext& context, ByteView message, transport::Reply reply);
    void downgrade(const CallContext& context, ByteView message, transport::Reply reply);
    void downgrade_now(const etcdserverpb::DowngradeRequest& request, const auth::Caller& caller,
                       const apply::State& state, transport::Reply& to);
    void move_leader(const CallContext& context, ByteView message, transport::Reply reply);

    node::Node& node_;
    metrics::Histogram& defrag_seconds_;
    metrics::Gauge& defrags_;
    metrics::Histogram& hash_seconds_;
    metrics::Histogram& hash_rev_seconds_;
    SnapshotStreams snapshots_;
};

}  // namespace quorate::rpc
