// SPDX-License-Identifier: Apache-2.0
//
// WebSocket (RFC 6455), the server's side: the handshake's rules and the frames. Pure: no socket,
// no clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::http {

// Headers of a request; empty where there is none.
struct WebSocketHeaders {
    std::string_view upgrade;
    std::string_view version;
    std::string_view key;
};

// Whether they ask for a WebSocket of the version that there is; Connection lists "upgrade"
// besides.
bool asks_for_websocket(const WebSocketHeaders& headers);

// What the peer's key is answered with.
std::string websocket_accept(std::string_view key);

enum class WebSocketOpcode : uint8_t {
    kContinuation = 0x0,
    kText = 0x1,
    kBinary = 0x2,
    kClose = 0x8,
    kPing = 0x9,
    kPong = 0xa,
};

// Why a connection closes.
enum class WebSocketClose : uint16_t {
    kNormal = 1000,
    kGoingAway = 1001,
    kProtocolError = 1002,
    kTooBig = 1009,
};

// Appends the head of a frame; its payload follows, as it is.
void append_frame_head(std::string& out, WebSocketOpcode opcode, bool last, size_t payload_bytes);
// A whole close frame.
std::string close_frame(WebSocketClose why);

// Takes a peer's frames apart and puts fragments together.
class WebSocketReader {
  public:
    enum class Event : uint8_t {
        kNeedMore,
        kMessage,  // message() is whole, text or binary
        kPing,     // message() is to be sent back
        kClose,    // the peer has closed
        kMalformed,
        kTooBig,
    };

    explicit WebSocketReader(uint64_t message_bytes_max) : message_bytes_max_(message_bytes_max) {}

    // The next event of `input`; `ret_used` is how much of it was taken. After kClose, kMalformed
    // and kTooBig nothing more is to be read.
    Event next(std::string_view input, size_t& ret_used);
    // Of the last event, until the next call.
    std::string_view message() const { return control_ ? control_payload_ : message_; }

  private:
    Event take_head(std::string_view input, size_t& ret_used);
    Event end_frame();

    const uint64_t message_bytes_max_;
    // The frame in hand.
    bool in_frame_ = false;
    bool last_ = false;
    bool control_ = false;
    WebSocketOpcode opcode_ = WebSocketOpcode::kText;
    uint64_t left_ = 0;
    size_t mask_at_ = 0;
    unsigned char mask_[4] = {};

    bool in_message_ = false;  // fragments came, the last has not
    bool delivered_ = false;   // message_ was handed out
    std::string message_;
    std::string control_payload_;
};

}  // namespace quorate::http
