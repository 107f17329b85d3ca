// SPDX-License-Identifier: Apache-2.0
//
// v3lockpb.Lock and v3electionpb.Election: what etcd's concurrency recipes do, done by the server
// for clients that have no library for it. All calls run in the recipe loop.
#pragma once

#include "rpc/recipe_loop.h"
#include "rpc/router.h"

#include <functional>

namespace quorate::rpc {

class LockService {
  public:
    // `router` outlives the service and has the methods of KV, Watch and Lease.
    explicit LockService(Router& router) : loop_(router) {}

    void register_methods(Router& router);

    // See RecipeLoop.
    void start(std::function<void()> flush) { loop_.start(std::move(flush)); }
    void stop() { loop_.stop(); }

  private:
    RecipeLoop loop_;
};

}  // namespace quorate::rpc
