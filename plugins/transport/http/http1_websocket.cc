// SPDX-License-Identifier: Apache-2.0
//
// Http1Session once its connection has become a WebSocket.
#include "plugins/transport/http/call.h"
#include "plugins/transport/http/http1_session.h"
#include "plugins/transport/http/loop.h"

#include <Poco/String.h>

#include <algorithm>

namespace quorate::http {

void Http1Session::become_websocket() {
    state_ = State::kWebSocket;
    head_written_ = true;
    keep_alive_ = false;
    in_message_ = false;
    websocket_.emplace(loop_.options().max_http_body_bytes);
    interim_ += "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    for (const quorate_header& one : head_.headers()) {
        if (std::string_view(one.name.data, one.name.size) == "sec-websocket-key") {
            interim_ +=
                "Sec-WebSocket-Accept: " + websocket_accept({one.value.data, one.value.size}) +
                "\r\n";
        }
    }
    call_->response()->each([this](std::string_view name, std::string_view value) {
        if (name == "sec-websocket-protocol") {
            interim_.append("Sec-WebSocket-Protocol: ").append(value).append("\r\n");
        }
    });
    interim_ += "\r\n";
    carrier_.on_output();
}

void Http1Session::on_call_resumed(Call&) {
    if (state_ == State::kWebSocket) {
        carrier_.on_input_wanted();
    }
}

// False when no more can be taken for now.
bool Http1Session::take_frame() {
    if (!wants_input() || call_->answered()) {
        return false;
    }
    size_t used = 0;
    const WebSocketReader::Event event = websocket_->next(in_, used);
    in_.erase(0, used);
    switch (event) {
        case WebSocketReader::Event::kNeedMore:
            return false;
        case WebSocketReader::Event::kMessage:
            call_->deliver_message(websocket_->message());
            return true;
        case WebSocketReader::Event::kPing:
            append_frame_head(interim_, WebSocketOpcode::kPong, true, websocket_->message().size());
            interim_ += websocket_->message();
            carrier_.on_output();
            return true;
        case WebSocketReader::Event::kClose:
            close_websocket(WebSocketClose::kNormal);
            return false;
        case WebSocketReader::Event::kMalformed:
            close_websocket(WebSocketClose::kProtocolError);
            return false;
        case WebSocketReader::Event::kTooBig:
            close_websocket(WebSocketClose::kTooBig);
            return false;
    }
    return false;
}

// Nothing that is still to be said is: the peer has left, or has broken the rules.
void Http1Session::close_websocket(WebSocketClose why) {
    if (why != WebSocketClose::kNormal) {
        loop_.log_bad_input("closed WebSocket", carrier_.peer(),
                            why == WebSocketClose::kTooBig ? "message too big" : "malformed frame");
    }
    interim_ += close_frame(why);
    in_.clear();
    state_ = State::kRefusing;
    call_->cancel(QUORATE_CANCEL_PEER);
    drop_call();
    carrier_.on_output();
}

// A message may go out in several frames; its line's end is the end of the last.
void Http1Session::write_frames(OutputBuffer& out) {
    std::string head;
    while (!call_->out().empty() && !out.full()) {
        const std::string_view piece =
            call_->out().front().substr(0, std::max<size_t>(out.room(), 1));
        const size_t line_end = piece.find('\n');
        const bool last = line_end != std::string_view::npos;
        const std::string_view payload = piece.substr(0, line_end);
        head.clear();
        append_frame_head(head,
                          in_message_ ? WebSocketOpcode::kContinuation : WebSocketOpcode::kText,
                          last, payload.size());
        out.append(head);
        out.append(payload);
        in_message_ = !last;
        call_->on_drained(payload.size() + (last ? 1 : 0));
    }
    if (!call_->answered() || !call_->out().empty()) {
        return;
    }
    if (in_message_) {
        head.clear();
        append_frame_head(head, WebSocketOpcode::kContinuation, true, 0);
        out.append(head);
    }
    out.append(close_frame(draining_ ? WebSocketClose::kGoingAway : WebSocketClose::kNormal));
    drop_call();
    done_ = true;
}

}  // namespace quorate::http
