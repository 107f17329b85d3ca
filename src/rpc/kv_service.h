// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.KV: checks requests, reads from the store and puts writes into the log.
// Transport threads and the read pool.
#pragma once

#include "node/node.h"
#include "rpc.pb.h"
#include "rpc/quota.h"
#include "rpc/router.h"

#include <memory>

namespace quorate::rpc {

class KvService {
  public:
    KvService(node::Node& node, Quota& quota);

    void register_methods(Router& router);

  private:
    void range(const CallContext& context, ByteView message, transport::Reply reply);
    void put(const CallContext& context, ByteView message, transport::Reply reply);
    void delete_range(const CallContext& context, ByteView message, transport::Reply reply);
    void txn(const CallContext& context, ByteView message, transport::Reply reply);
    void compact(const CallContext& context, ByteView message, transport::Reply reply);

    // The read is confirmed. Small ones are answered here, the others by the read pool.
    void serve_range(std::unique_ptr<etcdserverpb::RangeRequest> request,
                     const Result<auth::Caller>& caller, transport::Reply reply);
    void serve_range_here(const etcdserverpb::RangeRequest& request,
                          const Result<auth::Caller>& caller, transport::Reply reply);

    node::Node& node_;
    Quota& quota_;
    metrics::Counter& ranges_;
    metrics::Histogram& range_seconds_;
    metrics::Histogram& failed_range_seconds_;
};

}  // namespace quorate::rpc
