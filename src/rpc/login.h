// SPDX-License-Identifier: Apache-2.0
//
// From a call's metadata to who makes it, and whether that is somebody who may call the method at
// all. While authentication is off it costs one look at a flag. Any thread.
#pragma once

#include "node/node.h"
#include "rpc/access.h"
#include "rpc/call_context.h"

namespace quorate::rpc {

class Login {
  public:
    // `node` outlives this.
    explicit Login(node::Node& node);

    bool is_on() const { return node_.status().auth_enabled.load(); }

    // By the token; without one, and where certificates are demanded, by the certificate's name.
    // Nobody without either, and while authentication is off. errors::kInvalidAuthToken.
    Result<auth::Caller> identify(const CallContext& context) const;

    // Fills in the caller and says whether the method is for them. ok() does not mean that the
    // request is: see Access::kByRequest.
    Status admit(Access access, CallContext& context) const;

    // What admit() refuses, or does not know, may only be too new for this member: a token of
    // another one, or a right that was just given. So it is asked again behind a confirmed read.
    bool may_be_behind() const { return !node_.reads_confirmed(); }
    void when_current(node::ReadTask task) { node_.confirm_read(std::move(task)); }

  private:
    node::Node& node_;
    const bool by_certificate_;
};

}  // namespace quorate::rpc
