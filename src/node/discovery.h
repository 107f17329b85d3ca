// SPDX-License-Identifier: Apache-2.0
//
// Finding the other founders at a registry (--discovery-endpoints, discovery_registry.h), which any
// etcd or Quorate cluster can be. Start-stop thread; waits for the registry and for the others.
#pragma once

#include "base/status.h"
#include "config/config.h"
#include "transport/transport.h"

#include <functional>
#include <vector>

namespace quorate::node {

// Registers this member and returns once the cluster has as many as it is to have. A registry that
// can't be reached at first is an error that names each endpoint with its reason; one that is lost
// later is waited for. `give_up` is asked now and then. The transport runs.
Result<std::vector<config::InitialMember>> discover_founders(transport::Transport& transport,
                                                             const config::Config& config,
                                                             const std::function<bool()>& give_up);

}  // namespace quorate::node
