// SPDX-License-Identifier: Apache-2.0
//
// etcdserverpb.Watch: turns a stream's requests into messages for the watch loop and the hub's
// answers into bytes. Transport threads and the watch loop.
#pragma once

#include "node/node.h"
#include "rpc/login.h"
#include "rpc/router.h"

#include <atomic>

namespace quorate::rpc {

class WatchService {
  public:
    WatchService(node::Node& node, const Login& login) : node_(node), login_(login) {}

    void register_methods(Router& router);

  private:
    node::Node& node_;
    const Login& login_;
    std::atomic<node::WatchKey> next_key_{1};
};

}  // namespace quorate::rpc
