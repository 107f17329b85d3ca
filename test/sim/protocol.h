// SPDX-License-Identifier: Apache-2.0
//
// Calls of a history as etcd's messages, and the answers back. Pure functions, any thread.
#pragma once

#include "base/status.h"
#include "kv.pb.h"
#include "rpc.pb.h"
#include "sim/history.h"

#include <string>

namespace quorate::sim {

KeyValue from_proto(const mvccpb::KeyValue& kv);

struct Encoded {
    std::string path;
    std::string message;
};
// Plain ones where the call is no transaction, Txn otherwise.
Encoded encode(const Call& call);

// Fills the answer in. False when it can't be one to this call.
bool decode_answer(const std::string& message, Call& call);

// Whether an error leaves open if the request has happened.
bool is_unknown_outcome(const Status& status);

}  // namespace quorate::sim
