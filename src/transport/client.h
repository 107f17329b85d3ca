// SPDX-License-Identifier: Apache-2.0
//
// gRPC calls that we make, in the core's types; the contract is that of
// plugin/abi/transport_client.h. In short: a Connection is an address, which the first call
// connects and the first call after a loss connects again, without back-off. A call has two halves
// that live independently: the receiver (ClientCall), which the transport owns until it has told
// the end, and the sender (Request), which the caller owns and whose end cancels the call.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "transport/transport.h"

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quorate::transport {

// 0 stands for the plugin's own option.
struct DialOptions {
    std::string host;  // an address, a name, or "unix:" and a path
    uint16_t port = 0;
    std::unique_ptr<Tls> tls;            // null: plain text
    uint32_t connect_timeout_ms = 5000;  // name, connection and handshakes together
    uint32_t keepalive_ms = 10000;       // silence that is answered with a ping; 0: none is sent
    uint32_t keepalive_timeout_ms = 5000;
    uint64_t receive_bytes_max = 0;  // one message
    uint64_t send_buffer_bytes = 0;  // per call; send says busy beyond it
    uint32_t stream_window_bytes = 0;
    uint32_t connection_window_bytes = 0;
    std::string local_address;  // an IP that connections come from; empty: the system chooses
};

// Borrowed for the duration of Connection::call.
struct CallStart {
    ByteView path;  // "/package.Service/Method"
    std::vector<Header> headers = {};
    uint64_t timeout_ms = 0;  // 0: none
};

// Borrowed for the duration of ClientCall::on_end.
struct CallEnd {
    Code code;
    ByteView text;    // the peer's own, or what went wrong, with host:port
    bool never_sent;  // the peer has not begun the call: it may be made again, anywhere
};

// The receiving half. The transport's thread, one callback after the other, from the moment that
// Connection::call was entered on; destroyed after on_end, on the same thread.
class ClientCall {
  public:
    virtual ~ClientCall() = default;
    virtual void on_message(ByteView message) = 0;
    virtual void on_writable() {}
    // Exactly once, last. Also after the Request was dropped (kCanceled).
    virtual void on_end(const CallEnd& end) = 0;
};

// The sending half. Move-only; any thread, one at a time. Dropping it cancels the call, unless that
// has ended. All functions may come after the end and then do nothing.
class Request {
  public:
    class Channel;  // what the transport adapter implements

    Request() = default;
    explicit Request(Channel* channel) : channel_(channel) {}
    Request(Request&& other) noexcept : channel_(std::exchange(other.channel_, nullptr)) {}
    Request& operator=(Request&& other) noexcept;
    ~Request() { close(); }

    explicit operator bool() const { return channel_ != nullptr; }

    // Never blocks. After kBusy, which has taken the message, wait for on_writable.
    SendResult send(ByteView message);
    // No message follows; answers still come.
    void half_close();
    // Stops or resumes delivery of the peer's messages.
    void hold(bool held);
    // What the destructor does. Leaves the Request empty.
    void close();
    // Gives the sending half up and lets the call go on to its end, after half_close as a rule.
    void detach();

  private:
    Channel* channel_ = nullptr;
};

class Request::Channel {
  public:
    virtual SendResult send(ByteView message) = 0;
    virtual void half_close() = 0;
    virtual void hold(bool held) = 0;
    virtual void close() = 0;
    virtual void detach() = 0;

  protected:
    ~Channel() = default;
};

// A peer's address. Any thread; its destructor, which cancels its calls, is the last to use it.
class Connection {
  public:
    virtual ~Connection() = default;
    // Fails only while the transport does not run; `receiver` then hears nothing. What follows on
    // this thread goes out with Transport::flush.
    virtual Result<Request> call(const CallStart& start, std::unique_ptr<ClientCall> receiver) = 0;
};

// Makes connections. Any thread.
class Client {
  public:
    // Touches no network; fails for settings and TLS files that can't be used. The connection ends
    // before the transport does.
    virtual Result<std::unique_ptr<Connection>> dial(const DialOptions& options) = 0;

  protected:
    ~Client() = default;
};

}  // namespace quorate::transport
