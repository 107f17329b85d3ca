// SPDX-License-Identifier: Apache-2.0
//
// Calls as JSON over HTTP/1.1, one after the other on a connection that is kept. One thread.
#pragma once

#include "endpoint.h"
#include "gateway_codec.h"
#include "http1_answer.h"
#include "session.h"

#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::load {

class Connection;

class GatewaySession final : public Session {
  public:
    // `connection` owns the session; `endpoint.gateway` is set.
    GatewaySession(Connection& connection, const Endpoint& endpoint);

    void start(Stream& stream, Method method,
               const google::protobuf::MessageLite& message) override;
    // A call that may be made this way has one message.
    void send(Stream& stream, const google::protobuf::MessageLite& message) override;
    std::string receive(std::string_view bytes) override;
    std::string produce(std::string& pending) override;

  private:
    struct Waiting {
        Stream* stream;
        Method method;
    };

    void finish(const Http1Answer& answer);

    Connection& connection_;
    const std::shared_ptr<const GatewayCodec> codec_;
    const std::string fields_;  // of every request's header
    std::string body_;
    std::deque<Waiting> waiting_;  // the first one has been sent when `asked_`
    bool asked_ = false;
    std::string in_;
};

}  // namespace quorate::load
