// SPDX-License-Identifier: Apache-2.0
//
// Http2ClientSession: HTTP/2 for one connection that we made, on nghttp2. It turns made calls into
// streams and the peer's answers into messages and ends. The loop's thread.
//
//   greeting -> open -> retired -> closing
//
// While greeting, calls wait: they are sent when the peer's SETTINGS show that it speaks HTTP/2,
// so of a call on a connection that never came to be it is certain that the peer has not begun it.
// A retired session finishes its calls and takes no new ones.
#pragma once

#include "plugins/transport/http/http2_input.h"
#include "plugins/transport/http/http2_output.h"
#include "plugins/transport/http/http2_stream.h"
#include "plugins/transport/http/keepalive.h"
#include "plugins/transport/http/session.h"
#include "plugins/transport/http/target.h"

#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::http {

class Channel;
class Loop;

class Http2ClientSession final : public Session, private InputOwner, private Keepalive::Peer {
  public:
    // The session tells `channel` when it takes no more calls and when it is gone, until
    // leave_channel.
    Http2ClientSession(Loop& loop, Carrier& carrier, Channel& channel,
                       std::shared_ptr<const Target> target);
    ~Http2ClientSession() override;

    // Begins a call. Its end comes through the call alone.
    void open(Http2Stream& stream, std::unique_ptr<CallOpening> opening);
    void leave_channel() { channel_ = nullptr; }
    // Ends all calls as cancelled, and the session.
    void hang_up();

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
    void on_call_closed(Call& call) override;

  private:
    struct FreeSession {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };
    // A call that waits for the greeting.
    struct Waiting {
        Http2Stream* stream;
        std::unique_ptr<CallOpening> opening;
    };

    static Http2ClientSession& of(void* user) { return *static_cast<Http2ClientSession*>(user); }
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
    void submit(Http2Stream& stream, const CallOpening& opening);
    void greet();
    void take_headers(Http2Stream& stream, bool ended);
    void take_go_away(const nghttp2_goaway& frame);
    void refuse(Http2Stream& stream, quorate_code code, std::string text) override;
    void on_input_end(Http2Stream& stream) override;
    void send_keepalive_ping() override;
    void on_keepalive_lost() override;
    void end(Http2Stream& stream, CallEnd&& end);
    void reset(const Http2Stream& stream, uint32_t error_code);
    void drop(Http2Stream& stream);
    void end_all(quorate_code code, const std::string& text);
    void close(std::string_view why);
    void fail();
    std::string lost(std::string_view why) const;

    Loop& loop_;
    Carrier& carrier_;
    Channel* channel_;
    const std::shared_ptr<const Target> target_;
    std::unique_ptr<nghttp2_session, FreeSession> session_;
    Http2Input input_;
    Http2Output output_;
    Keepalive keepalive_;

    std::vector<Waiting> waiting_;
    Http2Stream* streams_ = nullptr;
    uint64_t stream_count_ = 0;
    std::string why_;      // of a session that closes
    std::string go_away_;  // what the peer's GOAWAY said, if it complained
    bool greeted_ = false;
    bool retired_ = false;
    bool closing_ = false;
    bool said_all_ = false;  // and nothing more is written
};

}  // namespace quorate::http
