// SPDX-License-Identifier: Apache-2.0
//
// Asking a running cluster who its members are, before this member has anything of its own.
// Start-stop thread; waits for the answer.
#pragma once

#include "base/status.h"
#include "base/url.h"
#include "config/config.h"
#include "node/identity.h"
#include "transport/client.h"

#include <functional>
#include <memory>
#include <vector>

namespace quorate::node {

using MakeTls = std::function<std::unique_ptr<transport::Tls>()>;

// Asks the other members of --initial-cluster, one after the other, until one answers.
// errors::kConfig names each with its reason when none does. The transport runs.
Result<RunningCluster> ask_running_cluster(transport::Transport& transport,
                                           const config::Config& config, const MakeTls& tls);

}  // namespace quorate::node
