// SPDX-License-Identifier: Apache-2.0
//
// Where a member's calls to other members come from, with the gate SetMemberLocalAddr: the first of
// its advertised peer URLs whose host is an IP that others can see. Any thread.
#pragma once

#include "config/config.h"

#include <string>

namespace quorate::config {

// Empty without the gate, and where no URL has such a host: the system chooses.
std::string local_address(const Config& config);

}  // namespace quorate::config
