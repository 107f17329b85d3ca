// SPDX-License-Identifier: Apache-2.0
//
// Http2Stream: a call over HTTP/2, in either direction, with what its input and its output still
// need. Kept small: an idle stream costs this and nghttp2's own record.
#pragma once

#include "plugins/transport/http/call.h"
#include "plugins/transport/http/grpc_frame.h"
#include "plugins/transport/http/grpc_response.h"
#include "plugins/transport/http/request_head.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace quorate::http {

class Http2Output;

class Http2Stream final : public Call {
  public:
    Http2Stream(Loop& loop, int32_t stream_id, uint64_t message_bytes_max)
        : Call(loop, QUORATE_PROTOCOL_GRPC), id(stream_id), reader(message_bytes_max) {}
    Http2Stream(Loop& loop, const quorate_client_events& events, void* user,
                uint64_t send_buffer_bytes, uint64_t message_bytes_max)
        : Call(loop, events, user, send_buffer_bytes), id(0), reader(message_bytes_max) {}

    // A plain HTTP request is shown to the core when it is whole.
    struct HttpRequest {
        RequestHead head;
        std::string body;
    };

    int32_t id;  // 0: not begun

    // Input; Http2Input's.
    MessageReader reader;
    std::string kept_back;    // came while the core holds the call
    uint64_t unconsumed = 0;  // received, and not given back to the peer's window
    uint64_t parked = 0;      // bytes counted against connection_receive_bytes
    uint64_t granted = 0;     // part of the connection's budget for large messages
    uint64_t ticket = 0;      // place in the line for a grant; 0: not in it
    std::unique_ptr<HttpRequest> http;
    std::unique_ptr<GrpcResponse> answer;  // of a made call
    bool gzip = false;
    bool input_ended = false;  // the peer has closed its side
    bool delivering = false;

    // Output; Http2Output's.
    static constexpr size_t kNoPlace = SIZE_MAX;
    size_t touched_place = kNoPlace;
    uint32_t refused_status = 200;  // HTTP status of an answer that the transport gives itself
    bool headers_sent = false;
    bool head_request = false;
    bool sent = false;    // a made call: its headers are out
    bool closed = false;  // a made call: nghttp2 has forgotten the stream
    size_t promised = 0;  // bytes of a DATA frame that nghttp2 has begun
    Http2Output* output = nullptr;

    // The session's list.
    Http2Stream* previous = nullptr;
    Http2Stream* next = nullptr;
};

}  // namespace quorate::http
