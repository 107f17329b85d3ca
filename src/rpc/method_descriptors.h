// SPDX-License-Identifier: Apache-2.0
//
// The descriptors of the services that clients call, for what works on messages of any type.
// Any thread.
#pragma once

#include "base/bytes.h"

#include <google/protobuf/descriptor.h>

namespace quorate::rpc {

// Null for a service or a method that is not known: "etcdserverpb.KV", "Range".
const google::protobuf::MethodDescriptor* find_method(ByteView service, ByteView method);

// The same by gRPC's path: "/etcdserverpb.KV/Range".
const google::protobuf::MethodDescriptor* find_method(ByteView path);

}  // namespace quorate::rpc
