// SPDX-License-Identifier: Apache-2.0
//
// Http2Session: HTTP/2 for one connection, on nghttp2. It turns requests into calls, keeps the peer
// within its limits, and pings it when it has been quiet.
#pragma once

#include "plugins/transport/http/abuse_limits.h"
#include "plugins/transport/http/grpc_request.h"
#include "plugins/transport/http/http2_input.h"
#include "plugins/transport/http/http2_output.h"
#include "plugins/transport/http/http2_rules.h"
#include "plugins/transport/http/http2_stream.h"
#include "plugins/transport/http/keepalive.h"
#include "plugins/transport/http/request_head.h"
#include "plugins/transport/http/service.h"
#include "plugins/transport/http/session.h"

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace quorate::http {

class Loop;

class Http2Session final : public Session, private InputOwner, private Keepalive::Peer {
  public:
    // `service` outlives the session.
    static std::unique_ptr<Http2Session> create(Loop& loop, Carrier& carrier,
                                                const Service& service);
    ~Http2Session() override;

    void receive(std::string_view bytes) override;
    void receive_end() override;
    bool wants_input() const override { return !closing_; }
    void produce(OutputBuffer& out) override;
    bool done() const override;
    void drain() override;
    void end_calls() override;
    void abandon(std::string_view why) override;
    void on_call_output(Call& call, size_t added) override;
    void on_call_resumed(Call& call) override;
    void on_call_deadline(Call& call) override;

  private:
    struct FreeSession {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };

    static Http2Session& of(void* user) { return *static_cast<Http2Session*>(user); }
    Http2Session(Loop& loop, Carrier& carrier, const Service& service);
    void open();
    static void set_callbacks(nghttp2_session_callbacks* callbacks);
    static int on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                         size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                         void* user);
    static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user);
    static int on_data(nghttp2_session*, uint8_t flags, int32_t stream_id, const uint8_t* data,
                       size_t size, void* user);
    static int on_stream_close(nghttp2_session*, int32_t stream_id, uint32_t error_code,
                               void* user);
    static int on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user);

    Http2Stream* find(int32_t stream_id) const;
    void begin_stream(int32_t stream_id);
    void take_header(std::string_view name, std::string_view value);
    void begin_request(Http2Stream& stream, bool ended);
    void begin_grpc(Http2Stream& stream, const RequestKind& kind, bool ended);
    void begin_http(Http2Stream& stream, bool ended);
    void take_http_body(Http2Stream& stream, std::string_view bytes);
    void finish_http_request(Http2Stream& stream, RequestHead& head, std::string_view body);
    void end_input(Http2Stream& stream);
    void answer_early(Http2Stream& stream, const Refusal& refusal);
    void refuse(Http2Stream& stream, quorate_code code, std::string text) override;
    void on_input_end(Http2Stream& stream) override;
    void take_ping(const nghttp2_frame& frame);
    void spend_control_frame();
    void close_stream(Http2Stream& stream);
    void go_away(uint32_t error_code, std::string_view why);
    void fail(int error);
    void send_keepalive_ping() override;
    void on_keepalive_lost() override;

    Loop& loop_;
    Carrier& carrier_;
    const Service& service_;
    std::unique_ptr<nghttp2_session, FreeSession> session_;
    Http2Input input_;
    Http2Output output_;

    // The request whose header block is coming in.
    RequestHead head_;
    Http2Stream* heading_ = nullptr;
    uint64_t head_bytes_ = 0;
    Http2RequestRules rules_;  // of the same request

    Http2Stream* streams_ = nullptr;
    uint64_t stream_count_ = 0;
    TokenBucket resets_;
    TokenBucket control_frames_;
    PingPolicy pings_;
    Keepalive keepalive_;
    bool closing_ = false;  // the connection ends when the GOAWAY is out
    bool go_away_sent_ = false;
};

}  // namespace quorate::http
