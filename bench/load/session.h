// SPDX-License-Identifier: Apache-2.0
//
// Session: what is spoken on a connection, gRPC (grpc_session.h) or the JSON gateway's HTTP/1.1
// (gateway_session.h). It turns calls into bytes and bytes into answers and knows no socket. One
// thread.
#pragma once

#include "grpc.h"
#include "stream.h"

#include <string>
#include <string_view>

namespace google::protobuf {
class MessageLite;
}

namespace quorate::load {

class Session {
  public:
    // Bytes that may wait for one socket before a session holds back.
    static constexpr size_t kPendingBytesMax = 1 << 20;

    virtual ~Session() = default;

    // A call, whose handler and half_close are set.
    virtual void start(Stream& stream, Method method,
                       const google::protobuf::MessageLite& message) = 0;
    // One more message of a call without half_close.
    virtual void send(Stream& stream, const google::protobuf::MessageLite& message) = 0;
    // Takes what came and runs the handlers. Not empty: why the connection is of no more use.
    virtual std::string receive(std::string_view bytes) = 0;
    // Appends what is to be sent. The answer is as above.
    virtual std::string produce(std::string& pending) = 0;
};

}  // namespace quorate::load
