// SPDX-License-Identifier: Apache-2.0
//
// Who may call which method while authentication is on, as far as the method alone decides it. What
// depends on the request's content is decided where the request is carried out. Constant.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace quorate::rpc {

enum class Access : uint8_t {
    kNobody,  // not listed: nobody has thought about it
    kOpen,    // everybody; a token is not even looked at
    kUser,    // whoever has logged in
    kRoot,
    kByRequest,  // apply/authorize.h, with the request and the state it meets
    kByCalls,    // made of calls of other methods, which are each checked as their caller's
};

Access access_of(ByteView path);

}  // namespace quorate::rpc
