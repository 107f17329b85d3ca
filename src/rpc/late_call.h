// SPDX-License-Identifier: Apache-2.0
//
// A call that begins later than it came: until then it keeps what its client sends. Made on a
// transport thread, which also calls it; opened from any other thread, once.
#pragma once

#include "transport/transport.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace quorate::rpc {

class LateCall {
  public:
    // Messages that are kept; a client that sends more is refused.
    static constexpr size_t kMessagesMax = 16;

    // Makes the call proper; null when it has finished the reply.
    using Open = std::function<std::unique_ptr<transport::Call>(transport::Reply)>;

    explicit LateCall(transport::Reply reply) : reply_(std::move(reply)) {}
    // `self` is what the transport gets.
    static std::unique_ptr<transport::Call> front_of(std::shared_ptr<LateCall> self);

    // Does nothing when the call has ended meanwhile.
    void open(const Open& open);
    void refuse(const Status& status);

  private:
    class Front;
    using Event = std::function<void(transport::Call&)>;

    // False when the event is for `inner_`, which is there.
    bool keep(Event event, bool is_message);
    void end(transport::CancelReason reason);
    transport::Reply take_reply();

    std::mutex mutex_;
    transport::Reply reply_;  // until the call is opened or has ended
    std::vector<Event> kept_;
    size_t messages_ = 0;
    bool ended_ = false;
    bool opened_ = false;                     // and nothing is kept any longer
    std::unique_ptr<transport::Call> inner_;  // the opener's until opened_, then the transport's
};

}  // namespace quorate::rpc
