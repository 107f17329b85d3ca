// SPDX-License-Identifier: Apache-2.0
//
// What a member answers on its peer address: quorate.peer.Peer, and over plain HTTP /version and
// /members, as etcd does. Every call but the two for strangers says of which cluster and which
// member its maker is and whom it means; what does not fit is refused with both sides' values.
// Transport threads.
#pragma once

#include "base/bytes.h"
#include "node/node.h"
#include "node/snapshot_receiver.h"
#include "transport/transport.h"

#include <functional>
#include <map>
#include <string>

namespace quorate::rpc {

class PeerService final : public transport::Handler {
  public:
    PeerService(node::Node& node, node::SnapshotReceiver& snapshots);

    // Answers a single request of a member. The message is borrowed.
    using UnaryHandler = std::function<void(ByteView message, transport::Reply)>;
    // Before the transport starts. `name` is the method's.
    void add_unary(const std::string& name, UnaryHandler handler);

    std::unique_ptr<transport::Call> on_call(const transport::CallInfo& info,
                                             transport::Reply reply) override;

  private:
    class MessagesCall;
    class UnaryCall;
    class HttpCall;

    // The caller's id, or why it is not let in.
    Result<uint64_t> check_caller(const transport::CallInfo& info) const;
    void meet_stranger(uint64_t from, ByteView urls);
    void members(transport::Reply reply) const;
    void hash(ByteView message, transport::Reply reply);
    void http(ByteView method, ByteView path, transport::Reply reply) const;

    node::Node& node_;
    node::SnapshotReceiver& snapshots_;
    metrics::Counter& rejected_;
    std::map<std::string, UnaryHandler, std::less<>> unary_;
};

}  // namespace quorate::rpc
