// SPDX-License-Identifier: Apache-2.0
//
// Commands that go to one endpoint after the other: those of --endpoints, or with --cluster those
// of all members. The command's thread.
#pragma once

#include "base/status.h"
#include "ctl/job.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace quorate::ctl {

// --cluster.
extern const std::span<const FlagSpec> kClusterFlags;

Result<std::vector<std::string>> chosen_endpoints(Job& job);
Result<std::unique_ptr<Client>> client_for(Job& job, const std::string& endpoint);

}  // namespace quorate::ctl
