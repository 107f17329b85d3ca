// SPDX-License-Identifier: Apache-2.0
//
// GatewayCodec: requests and answers as the JSON gateway takes and gives them. Immutable, any
// thread.
#pragma once

#include "base/status.h"
#include "grpc.h"
#include "rpc/json_schema.h"

#include <array>
#include <string>
#include <string_view>

namespace google::protobuf {
class MessageLite;
}

namespace quorate::load {

class GatewayCodec {
  public:
    GatewayCodec();

    // Streams and leases are not asked for this way.
    bool knows(Method method) const { return methods_[static_cast<size_t>(method)].request; }
    // "/v3/kv/put"
    std::string_view route(Method method) const;
    void append_request(Method method, const google::protobuf::MessageLite& message,
                        std::string& out) const;
    // The answer as protobuf's bytes. An error is a text that says what is wrong with it.
    Result<std::string> read_answer(Method method, std::string_view json) const;

  private:
    struct Known {
        std::string_view route;
        const rpc::JsonMessage* request = nullptr;
        const rpc::JsonMessage* answer = nullptr;
    };

    rpc::JsonSchema schema_;
    std::array<Known, kMethodCount> methods_{};
};

}  // namespace quorate::load
