// SPDX-License-Identifier: Apache-2.0
//
// Requests from the command lines of get, put and del, which stand on a line of their own or in the
// input of txn. Any thread.
#pragma once

#include "base/status.h"
#include "ctl/flags.h"
#include "rpc.pb.h"

#include <functional>
#include <span>
#include <string>

namespace quorate::ctl {

extern const std::span<const FlagSpec> kGetFlags;
extern const std::span<const FlagSpec> kPutFlags;
extern const std::span<const FlagSpec> kDelFlags;

// All of them: errors::kUsage for operands that don't fit, errors::kUnimplemented for a value that
// a flag does not take.
Result<etcdserverpb::RangeRequest> range_request(const ParsedLine& line);
// `read_value` gives the value when the line has none; empty: there is no other source.
Result<etcdserverpb::PutRequest> put_request(const ParsedLine& line,
                                             const std::function<std::string()>& read_value);
Result<etcdserverpb::DeleteRangeRequest> delete_request(const ParsedLine& line);

// --consistency: true for "s".
Result<bool> is_serializable(const Flags& flags);

}  // namespace quorate::ctl
