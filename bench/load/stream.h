// SPDX-License-Identifier: Apache-2.0
//
// One call and who hears of it. One thread.
#pragma once

#include "grpc.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::load {

class Connection;
class StreamHandler;

// One call. Belongs to its connection, which reuses it once on_end() has returned.
struct Stream {
    Connection* connection = nullptr;
    StreamHandler* handler = nullptr;
    int32_t id = -1;    // HTTP/2's
    bool busy = false;  // under way

    // Free for whoever started the call.
    int64_t started_ns = 0;
    uint64_t tag = 0;
    uint8_t kind = 0;
    const char* flaw = nullptr;  // static text; what was wrong with the answer
    uint32_t messages = 0;       // received so far

    // The connection's own.
    // What its session has still to send, from `sent` on.
    std::string out;
    size_t sent = 0;
    bool half_close = false;
    bool deferred = false;
    std::string in;  // an incomplete gRPC frame
    int http_status = 0;
    bool has_status = false;
    GrpcStatus status;
};

class StreamHandler {
  public:
    virtual ~StreamHandler() = default;
    // `message` is borrowed for the call.
    virtual void on_message(Stream& stream, std::string_view message) = 0;
    virtual void on_end(Stream& stream, const GrpcStatus& status) = 0;
};

}  // namespace quorate::load
