// SPDX-License-Identifier: Apache-2.0
//
// What a method may want to know of its call besides the message. Values, any thread.
#pragma once

#include "auth/types.h"
#include "base/bytes.h"
#include "base/status.h"

namespace quorate::rpc {

// The views are borrowed for the handler call.
struct CallContext {
    ByteView token = {};  // of "token" or "authorization", without "Bearer "
    ByteView tls_common_name = {};
    ByteView peer = {};
    bool requires_leader = false;
    // Who asks, as found out when the call began (login.h); nobody while authentication is off.
    Result<auth::Caller> caller = auth::Caller{};
};

// A CallContext that outlives its call's beginning.
class KeptContext {
  public:
    explicit KeptContext(const CallContext& context)
        : token_(context.token),
          tls_common_name_(context.tls_common_name),
          peer_(context.peer),
          requires_leader_(context.requires_leader),
          caller_(context.caller) {}

    // Borrows from this.
    CallContext view() const {
        return {token_, tls_common_name_, peer_, requires_leader_, caller_};
    }

  private:
    Bytes token_;
    Bytes tls_common_name_;
    Bytes peer_;
    bool requires_leader_;
    Result<auth::Caller> caller_;
};

}  // namespace quorate::rpc
