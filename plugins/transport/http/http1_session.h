// SPDX-License-Identifier: Apache-2.0
//
// Http1Session: HTTP/1.0 and 1.1 for one connection, one request after the other. A request becomes
// a call when it is whole, so a slow peer costs the bytes it has sent and nothing more.
//
//   head -> body -> answering -> head ...
//
// A request that asks for a WebSocket, and that the core answers with status 101 at once, becomes
// one: each of the peer's messages is a message of the call, each line of the answer is a message
// to the peer, and the connection ends with the call.
//
// An answer that is complete when it is first written gets a Content-Length; one that goes on is
// sent in chunks, or to a 1.0 peer until the connection closes.
#pragma once

#include "plugins/transport/http/http1_request.h"
#include "plugins/transport/http/request_head.h"
#include "plugins/transport/http/service.h"
#include "plugins/transport/http/session.h"
#include "plugins/transport/http/timer_heap.h"
#include "plugins/transport/http/websocket.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quorate::http {

class Call;
class Loop;

class Http1Session final : public Session, private Timer {
  public:
    // `service` outlives the session.
    Http1Session(Loop& loop, Carrier& carrier, const Service& service);
    ~Http1Session() override;

    void receive(std::string_view bytes) override;
    void receive_end() override;
    bool wants_input() const override;
    void produce(OutputBuffer& out) override;
    bool done() const override { return done_; }
    void drain() override;
    void end_calls() override;
    void abandon(std::string_view why) override;
    void on_call_output(Call& call, size_t added) override;
    void on_call_resumed(Call& call) override;
    void on_call_deadline(Call&) override {}

  private:
    enum class State : uint8_t { kHead, kBody, kAnswering, kWebSocket, kRefusing };

    void on_timer() override;
    void advance();
    bool take_head();
    bool take_body();
    void begin_call();
    void refuse(uint32_t status);
    void write_head(OutputBuffer& out);
    void write_body(OutputBuffer& out);
    void finish_answer(OutputBuffer& out);
    void drop_call();
    void become_websocket();
    bool take_frame();
    void write_frames(OutputBuffer& out);
    void close_websocket(WebSocketClose why);
    void wait_for_request();

    Loop& loop_;
    Carrier& carrier_;
    const Service& service_;
    State state_ = State::kHead;
    std::string in_;
    size_t searched_ = 0;  // of in_, for the end of the head
    RequestHead head_;
    Http1Head framing_;
    ChunkDecoder chunks_;
    std::string body_;

    Call* call_ = nullptr;  // the one that is being answered
    std::string interim_;   // to be sent before anything else
    std::optional<WebSocketReader> websocket_;
    bool in_message_ = false;  // a message to the WebSocket's peer has begun
    bool head_request_ = false;
    bool head_written_ = false;
    bool body_chunked_ = false;
    bool body_dropped_ = false;
    bool keep_alive_ = true;
    bool draining_ = false;
    bool peer_ended_ = false;
    bool done_ = false;
};

}  // namespace quorate::http
