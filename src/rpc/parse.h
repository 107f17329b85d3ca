// SPDX-License-Identifier: Apache-2.0
//
// Decoding a request message, with gRPC's answer for bytes that are none. Any thread.
#pragma once

#include "base/bytes.h"
#include "base/errors.h"
#include "base/status.h"

namespace quorate::rpc {

template <typename Message>
Status parse(ByteView bytes, Message& message) {
    if (!message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
        return {errors::kInternal, "grpc: error unmarshalling request: malformed " +
                                       message.GetTypeName() + " message"};
    }
    return {};
}

// What one of our own methods has answered.
template <typename Message>
Message decode(ByteView bytes) {
    Message message;
    const bool parsed = message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
    QUORATE_ASSERT(parsed);
    return message;
}

}  // namespace quorate::rpc
