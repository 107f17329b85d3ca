// SPDX-License-Identifier: Apache-2.0
//
// Session: the protocol that one connection speaks. Bytes in, bytes out; it knows no socket. The
// loop's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::http {

class Call;

// Where a session writes during one flush. Serialising stops when it is full, so what one slow peer
// can make us hold is bounded; a single frame may go over the mark.
class OutputBuffer {
  public:
    static constexpr size_t kFullBytes = 256 * 1024;

    void append(std::string_view bytes) { bytes_.append(bytes); }
    bool full() const { return bytes_.size() >= kFullBytes; }
    size_t room() const { return full() ? 0 : kFullBytes - bytes_.size(); }
    std::string_view view() const { return bytes_; }
    void clear() { bytes_.clear(); }

  private:
    std::string bytes_;
};

// What a session needs of the connection below it.
class Carrier {
  public:
    virtual ~Carrier() = default;
    // The session has something to send.
    virtual void on_output() = 0;
    // The session kept input back and can go on with it: receive() is called soon.
    virtual void on_input_wanted() = 0;
    // A whole request has come, or an HTTP/2 preface: the peer means it.
    virtual void on_request() {}
    // The peer of a connection that we made speaks HTTP/2.
    virtual void on_greeted() {}
    // The peer is dead: close without more words.
    virtual void on_failed(std::string_view why) = 0;
    virtual std::string_view peer() const = 0;
    virtual std::string_view tls_common_name() const = 0;
};

class Session {
  public:
    virtual ~Session() = default;
    Session() = default;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Bytes of the peer. May be none, to go on with what was kept back.
    virtual void receive(std::string_view bytes) = 0;
    // The peer sends no more bytes.
    virtual void receive_end() = 0;
    // False while the session cannot take more input.
    virtual bool wants_input() const = 0;
    // Appends what is to be sent, until there is nothing or `out` is full.
    virtual void produce(OutputBuffer& out) = 0;
    // Everything is said: the connection closes once what was produced is sent.
    virtual bool done() const = 0;

    // Begin to end: no new calls, those that run may finish.
    virtual void drain() = 0;
    // The server stops: ends all calls, telling both the peer and the core, and the session.
    virtual void end_calls() = 0;
    // The connection is gone: ends all calls, telling the core.
    virtual void abandon(std::string_view why) = 0;

    // News from a call: `added` bytes of output, or its end.
    virtual void on_call_output(Call& call, size_t added) = 0;
    // The core takes messages again.
    virtual void on_call_resumed(Call& call) = 0;
    // The deadline of the call has passed.
    virtual void on_call_deadline(Call& call) = 0;
    // The core gives a made call up that has not ended.
    virtual void on_call_closed(Call&) {}
};

}  // namespace quorate::http
