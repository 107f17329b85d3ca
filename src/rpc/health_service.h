// SPDX-License-Identifier: Apache-2.0
//
// grpc.health.v1.Health: this server is SERVING under the name "" from its start to its end.
// Transport threads.
#pragma once

#include "rpc/router.h"

namespace quorate::rpc {

class HealthService {
  public:
    static void register_methods(Router& router);
};

}  // namespace quorate::rpc
