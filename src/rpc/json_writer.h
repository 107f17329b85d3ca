// SPDX-License-Identifier: Apache-2.0
//
// Encoded protobuf messages as JSON, in the form that etcd's gateway answers with: names as in the
// .proto file, 64-bit numbers as strings, bytes in base64, enumerators by name, unset fields left
// out. It goes from bytes to text without a message object in between. Any thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "rpc/json_schema.h"

#include <string>

namespace quorate::rpc {

// Appends one JSON object. The fields of `encoded` stand in order of their numbers, as protobuf
// writes them and as all of ours are; anything else is an internal error, and `out` is then of no
// use.
Status append_json(const JsonMessage& schema, ByteView encoded, std::string& out);

// Appends text as a JSON string; bytes that are no UTF-8 become replacement characters.
void append_json_string(ByteView text, std::string& out);

}  // namespace quorate::rpc
