// SPDX-License-Identifier: Apache-2.0
//
// The members of a cluster to be, as --initial-cluster and the registry of discovery write them.
// Any thread.
#pragma once

#include "base/status.h"
#include "config/config.h"

#include <string>
#include <string_view>
#include <vector>

namespace quorate::config {

// "name=url,name=url"; a name may come several times. errors::kConfig with etcd's texts.
Result<std::vector<InitialMember>> parse_initial_cluster(std::string_view text);

// What parse_initial_cluster reads.
std::string format_initial_cluster(const std::vector<InitialMember>& members);

}  // namespace quorate::config
