// SPDX-License-Identifier: Apache-2.0
//
// What a service does about its caller's rights. Writes carry their caller through the log and are
// judged where they are applied; reads are judged here, against the rules as of the state they
// meet. Any thread.
#pragma once

#include "apply/authorize.h"
#include "node/node.h"
#include "rpc/call_context.h"
#include "transport/transport.h"
#include "wire/command.h"

#include <utility>

namespace quorate::rpc {

// Puts a request into the log on behalf of whoever made the call.
inline void propose(node::Node& node, const CallContext& context, wire::CommandKind kind,
                    ByteView request, transport::Reply reply) {
    if (!context.caller) {
        reply.finish(context.caller.error());
        return;
    }
    node.propose(kind, wire::Origin::of(*context.caller), request, std::move(reply));
}

// For work on the state: what is read there is as new as the rules.
inline Status permit(const apply::State& state, const Result<auth::Caller>& caller,
                     const apply::Needs& needs) {
    if (!caller) {
        return caller.error();
    }
    return apply::authorize(state.auth.rules(), *caller, needs, &state.lessor);
}

// For reads beside the apply loop, which goes on meanwhile.
class ReadPermit {
  public:
    ReadPermit(const node::Node& node, const Result<auth::Caller>& caller)
        : node_(node), caller_(caller) {}

    // Before the read. `request` is one that needs_of() knows.
    template <typename Request>
    Status before(const Request& request) {
        return node_.status().auth_enabled.load() ? judge(request) : Status();
    }

    // Behind it: a right that was taken away must not show what was written since.
    template <typename Request>
    Status after(const Request& request) {
        const bool changed = node_.status().auth_revision.load() != revision_ ||
                             node_.status().auth_enabled.load() != enabled_;
        return changed ? judge(request) : Status();
    }

  private:
    template <typename Request>
    Status judge(const Request& request) {
        if (!caller_) {
            return caller_.error();
        }
        const auto rules = node_.rules();
        return apply::authorize(*rules, *caller_, apply::needs_of(request), nullptr);
    }

    const node::Node& node_;
    const Result<auth::Caller>& caller_;
    // As of the beginning.
    const uint64_t revision_ = node_.status().auth_revision.load();
    const bool enabled_ = node_.status().auth_enabled.load();
};

}  // namespace quorate::rpc
