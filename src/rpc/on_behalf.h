// SPDX-License-Identifier: Apache-2.0
//
// Requests that members pass on to the leader with who made them. Any thread.
#pragma once

#include "auth/types.h"
#include "peer.pb.h"
#include "rpc/parse.h"

namespace quorate::rpc {

inline Bytes encode_on_behalf(const auth::Caller& caller, ByteView request) {
    peer::OnBehalf out;
    out.set_request(request.data(), request.size());
    out.set_user(caller.user);
    out.set_auth_revision(caller.auth_revision);
    return out.SerializeAsString();
}

// Fills in request and caller.
template <typename Request>
Status parse_on_behalf(ByteView bytes, Request& request, auth::Caller& caller) {
    peer::OnBehalf in;
    if (Status s = parse(bytes, in); !s.ok()) {
        return s;
    }
    caller = {in.user(), in.auth_revision()};
    return parse(in.request(), request);
}

}  // namespace quorate::rpc
