// SPDX-License-Identifier: Apache-2.0
//
// Answering a call from the apply loop, which alone may look at the state. Any thread.
#pragma once

#include "base/errors.h"
#include "node/node.h"
#include "transport/transport.h"

#include <memory>
#include <utility>

namespace quorate::rpc {

// Runs body(state, reply) there, or answers "too many requests".
template <typename Body>
void answer_on_state(node::Node& node, transport::Reply reply, Body body) {
    // The task owns the reply; a task that is refused is dropped, and the reply must say why.
    auto shared = std::make_shared<transport::Reply>(std::move(reply));
    const bool taken = node.run_on_state(
        [shared, body = std::move(body)](apply::State& state) mutable { body(state, *shared); });
    if (!taken) {
        shared->finish(errors::kRequestTooManyRequests);
    }
}

// The same behind a linearizable read's confirmation.
template <typename Body>
void answer_on_confirmed_state(node::Node& node, transport::Reply reply, Body body) {
    if (node.reads_confirmed()) {
        answer_on_state(node, std::move(reply), std::move(body));
        return;
    }
    node.confirm_read(
        [&node, reply = std::move(reply), body = std::move(body)](const Status& confirmed) mutable {
            if (confirmed.ok()) {
                answer_on_state(node, std::move(reply), std::move(body));
            } else {
                reply.finish(confirmed);
            }
        });
}

}  // namespace quorate::rpc
