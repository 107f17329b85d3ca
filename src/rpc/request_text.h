// SPDX-License-Identifier: Apache-2.0
//
// Requests and answers as a log shows them (wire/message_text.h). Pure, any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <string>

namespace quorate::rpc {

struct RequestText {
    // Of a put 1, of a transaction its operations, of everything else 0; -1: not known.
    int64_t count = -1;
    std::string text;
};

// `path` is the method's. A request that is cut short is described as far as it goes.
RequestText describe_request(ByteView path, ByteView request);

// The keys that an answer is about; -1 where that is not told.
int64_t count_in_response(ByteView path, ByteView response);

}  // namespace quorate::rpc
