// SPDX-License-Identifier: Apache-2.0
//
// GrpcResponse: the header fields of the answer to a made call, and what they and HTTP/2's error
// codes mean as a gRPC status. Pure.
#pragma once

#include "plugins/transport/http/call.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::http {

class GrpcResponse {
  public:
    // Fields of the headers, then of the trailers. False once there is too much of them.
    bool add(std::string_view name, std::string_view value);
    // A header block is over: null when messages may follow, else why this is no gRPC answer.
    std::optional<CallEnd> check() const;
    // The call's end, once the peer's side of the stream is closed.
    CallEnd end() const;
    bool gzip() const { return gzip_; }
    // 1xx: the real answer follows. Forgets it.
    bool take_informational();
    bool has_error() const { return status_ && *status_ != QUORATE_OK; }

  private:
    uint32_t http_status_ = 0;
    std::string content_type_;
    std::optional<quorate_code> status_;
    std::string text_;
    size_t bytes_ = 0;
    bool gzip_ = false;
};

// The stream was reset by the peer.
CallEnd reset_end(uint32_t error_code);

}  // namespace quorate::http
