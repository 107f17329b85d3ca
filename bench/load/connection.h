// SPDX-License-Identifier: Apache-2.0
//
// One connection: its socket, plain or TLS, the calls that are under way on it, and the session
// that says how they look. Cheap enough that a generator on the server's own two cores leaves the
// server most of them. Requests started within one turn leave in one write; streams and their
// buffers are pooled.
//
// One thread. Handlers run inside on_readable() and close(); they may start calls and send
// messages, which leave with the next flush().
#pragma once

#include "base/status.h"
#include "endpoint.h"
#include "grpc.h"
#include "session.h"
#include "stream.h"
#include "tls.h"

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::load {

class Connection {
  public:
    enum class Sending : uint8_t { kUnary, kStreaming };  // unary half-closes after its message

    // `unsent` gets this connection's address whenever the first thing to flush is queued; it
    // outlives the connection.
    static Result<std::unique_ptr<Connection>> open(const Endpoint& endpoint,
                                                    std::vector<Connection*>& unsent);
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    int fd() const { return fd_; }
    bool closed() const { return fd_ < 0; }
    // Bytes wait for the socket: ask epoll for writability.
    bool blocked() const { return !closed() && written_ < pending_.size(); }
    // The loop's note of what epoll was told.
    bool awaits_writable = false;

    // The connection must be open. The caller fills the stream's free fields.
    Stream& start(Method method, const google::protobuf::MessageLite& message, Sending sending,
                  StreamHandler& handler);
    // One more message on a kStreaming call.
    void send(Stream& stream, const google::protobuf::MessageLite& message);

    // Reads all there is and runs the handlers. A lost connection ends every call as Unavailable.
    void on_readable();
    // Writes what has been queued, in one system call unless the socket is full.
    void flush();
    void close(std::string_view why);

    // --- for the session -------------------------------------------------------------------------
    // There is something to produce.
    void mark_unsent();
    // The call is over, as its `status` says.
    void end(Stream& stream);

  private:
    Connection(int fd, std::unique_ptr<Tls> tls, std::vector<Connection*>& unsent)
        : fd_(fd), tls_(std::move(tls)), unsent_(unsent) {}
    ssize_t read_some(void* into, size_t size);
    ssize_t send_some(const void* data, size_t size);
    Stream& acquire();
    void release(Stream& stream);

    int fd_;
    const std::unique_ptr<Tls> tls_;  // null: plain text
    std::vector<Connection*>& unsent_;
    bool marked_ = false;
    std::unique_ptr<Session> session_;
    std::string pending_;  // bytes for the socket, from `written_` on
    size_t written_ = 0;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::vector<Stream*> free_;
};

}  // namespace quorate::load
