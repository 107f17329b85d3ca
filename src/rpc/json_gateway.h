// SPDX-License-Identifier: Apache-2.0
//
// The JSON gateway: HTTP requests under /v3/ become calls of the same methods that gRPC reaches, by
// way of the router, so that whatever a method checks and counts holds here as well.
//
//   request   one JSON object; for methods that take a stream, one after the other, whole with the
//             body. A watch goes on after its requests have ended.
//   websocket for streams of both directions: each message is a request as above, each answer a
//             message.
//   timeout   of the header Grpc-Timeout, though not of a websocket's.
//   answer    one JSON object; of streams one {"result":...} a line, and {"error":...} at the end
//             of those that fail.
//
// Transport threads; answers are written by whoever gives them.
#pragma once

#include "rpc/call_timeouts.h"
#include "rpc/json_schema.h"
#include "rpc/router.h"
#include "transport/transport.h"

#include <map>
#include <memory>
#include <string>

namespace quorate::rpc {

// Messages for one stream that a request may hold.
inline constexpr size_t kJsonStreamMessagesMax = 1000;

// HTTP's status for a gRPC code, as the gateway's clients expect it.
uint32_t http_status(Code code);

class JsonGateway {
  public:
    // `router` and the clock outlive the gateway.
    JsonGateway(transport::Handler& router, const Clock& clock);
    ~JsonGateway();

    // Of the thread that ends calls in time; `flush` sends what it has answered.
    void start(std::function<void()> flush) { timeouts_.start(std::move(flush)); }
    void stop() { timeouts_.stop(); }

    // `path` is without the query.
    std::unique_ptr<transport::Call> on_request(const transport::CallInfo& info, ByteView path,
                                                transport::Reply reply);

  private:
    struct Method;
    struct Verdict;
    class Answer;
    class Request;

    transport::Handler& router_;
    CallTimeouts timeouts_;
    JsonSchema schema_;
    std::map<std::string, std::unique_ptr<Method>, std::less<>> methods_;  // by route
};

}  // namespace quorate::rpc
