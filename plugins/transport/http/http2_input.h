// SPDX-License-Identifier: Apache-2.0
//
// Http2Input: from DATA frames to whole messages, with a bound on what half-sent messages may hold.
//
// The connection's window is given back at once, always, so one stream can't stop the others. What
// is bounded is each stream's window (ReceiveLimits::stream_window_bytes), which is given back
//   - for messages that were delivered, and not while the core holds the call;
//   - for the unfinished message, if it is too large for one window, only within a grant. Grants of
//     a connection add up to connection_bytes_max at most; further large messages wait in line
//     with their first window's worth.
// Unfinished messages without a grant and held input together are bounded by the same number again:
// the stream that goes beyond it is refused as "resource exhausted".
#pragma once

#include "plugins/transport/http/http2_stream.h"
#include "plugins/transport/http/service.h"

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace quorate::http {

// Whose streams they are.
class InputOwner {
  public:
    // Ends a stream whose input is wrong.
    virtual void refuse(Http2Stream& stream, quorate_code code, std::string text) = 0;
    // The peer's side is closed, at the end of a message, and everything was delivered.
    virtual void on_input_end(Http2Stream& stream) = 0;

  protected:
    ~InputOwner() = default;
};

class Http2Input {
  public:
    // `limits` outlives the input.
    Http2Input(Loop& loop, const ReceiveLimits& limits, InputOwner& owner)
        : loop_(loop), limits_(limits), owner_(owner) {}
    void use(nghttp2_session* session) { session_ = session; }

    // A piece of a gRPC stream.
    void receive(Http2Stream& stream, std::string_view bytes);
    // The peer's side of a gRPC stream is closed.
    void receive_end(Http2Stream& stream);
    // The core takes messages again.
    void resume(Http2Stream& stream);
    // The stream is gone or takes no more: its share of the budget is free.
    void forget(Http2Stream& stream);
    // Gives the connection's window back; once per read.
    void settle();

  private:
    void deliver(Http2Stream& stream, std::string_view bytes);
    bool hand_over(Http2Stream& stream, const MessageReader::Step& step);
    void account(Http2Stream& stream);
    void park(Http2Stream& stream);
    void grant_waiting();
    void end_if_delivered(Http2Stream& stream);

    Loop& loop_;
    const ReceiveLimits& limits_;
    InputOwner& owner_;
    nghttp2_session* session_ = nullptr;
    uint64_t unconsumed_ = 0;  // of the connection's window
    uint64_t parked_ = 0;
    uint64_t granted_ = 0;
    std::map<uint64_t, Http2Stream*> waiting_;  // by ticket, so in order of arrival
    uint64_t last_ticket_ = 0;
};

}  // namespace quorate::http
