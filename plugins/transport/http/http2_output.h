// SPDX-License-Identifier: Apache-2.0
//
// Http2Output: from what the core sends to HEADERS, DATA and, where it answers, trailers. Calls
// with news are noted and turned into frames at the end of the turn, when all that they have is
// known: a unary answer is three frames in one write.
#pragma once

#include "plugins/transport/http/http2_stream.h"
#include "plugins/transport/http/session.h"
#include "plugins/transport/http/target.h"

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::http {

class Http2Output {
  public:
    explicit Http2Output(Loop& loop) : loop_(loop) {}
    void use(nghttp2_session* session) { session_ = session; }
    static void set_callbacks(nghttp2_session_callbacks* callbacks);

    // Begins a made call. The stream's id, or nghttp2's error.
    int32_t open(Http2Stream& stream, const CallOpening& opening, const Target& target);
    // The stream has `added` bytes more, or its end.
    void note(Http2Stream& stream, size_t added);
    // The transport ends the stream itself: what the core has sent and the peer has not been
    // promised is dropped.
    void end_with(Http2Stream& stream, quorate_code code, std::string text);
    // Drops what the peer has not been promised.
    void drop_unpromised(Http2Stream& stream);
    // The stream is gone.
    void forget(Http2Stream& stream);
    // Hands the news to nghttp2 and writes frames until there is nothing to write or `out` is full.
    // False when nghttp2 gives up.
    [[nodiscard]] bool produce(OutputBuffer& out);

    // Output of all streams that waits for the peer.
    uint64_t queued_bytes() const { return queued_bytes_; }

  private:
    static ssize_t on_read(nghttp2_session* session, int32_t stream_id, uint8_t* buffer,
                           size_t length, uint32_t* flags, nghttp2_data_source* source, void* user);
    static int on_send_data(nghttp2_session* session, nghttp2_frame* frame,
                            const uint8_t* frame_head, size_t length, nghttp2_data_source* source,
                            void* user);

    void submit(Http2Stream& stream);
    void submit_grpc(Http2Stream& stream);
    void submit_trailers_only(Http2Stream& stream);
    void submit_http(Http2Stream& stream);
    void submit_trailer(Http2Stream& stream);

    Loop& loop_;
    nghttp2_session* session_ = nullptr;
    OutputBuffer* out_ = nullptr;
    std::vector<Http2Stream*> touched_;  // null where a stream has gone since
    uint64_t queued_bytes_ = 0;
};

}  // namespace quorate::http
