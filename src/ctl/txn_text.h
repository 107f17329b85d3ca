// SPDX-License-Identifier: Apache-2.0
//
// The lines that txn reads: comparisons such as mod("key") > "0", and get, put and del as on a
// command line. Any thread.
#pragma once

#include "base/status.h"
#include "rpc.pb.h"

#include <string_view>

namespace quorate::ctl {

// Both fail with errors::kInvalidArgument and etcdctl's text, or the command's own.
Result<etcdserverpb::Compare> parse_compare(std::string_view line);
Result<etcdserverpb::RequestOp> parse_operation(std::string_view line);

}  // namespace quorate::ctl
