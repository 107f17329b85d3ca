// SPDX-License-Identifier: Apache-2.0
//
// JSON requests as encoded protobuf messages, by protobuf's JSON mapping as etcd's gateway uses it:
// both names of a field, numbers as numbers or strings, enumerators by name or number, unknown
// fields and enumerators ignored, null for "not given". Pure, any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "rpc/json_schema.h"

namespace quorate::rpc {

// Objects inside each other that a message may have; protobuf's own limit when it reads bytes.
inline constexpr int kJsonMessageDepthMax = 100;

// `object` is one value that take_json_value has accepted. The answer is never longer than that
// plus what length prefixes need.
Result<Bytes> json_to_message(const JsonMessage& schema, ByteView object);

}  // namespace quorate::rpc
