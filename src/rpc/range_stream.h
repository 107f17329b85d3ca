// SPDX-License-Identifier: Apache-2.0
//
// KV.RangeStream: one range in many messages, none much larger than a request may be. Transport's
// thread for the call, read pool for the chunks; the two never work on one stream at a time.
#pragma once

#include "node/node.h"
#include "rpc/call_context.h"
#include "transport/transport.h"

#include <memory>

namespace quorate::rpc {

std::unique_ptr<transport::Call> make_range_stream(node::Node& node, const CallContext& context,
                                                   transport::Reply reply);

}  // namespace quorate::rpc
