// SPDX-License-Identifier: Apache-2.0
//
// One HTTP/2 connection of gRPC calls on nghttp2: cheap enough that a generator on the server's own
// two cores leaves the server most of them. Requests started within one turn leave in one write;
// streams and their buffers are pooled.
//
// One thread. Handlers run inside on_readable() and close(); they may start calls and send
// messages, which leave with the next flush().
#pragma once

#include "base/status.h"
#include "endpoint.h"
#include "grpc.h"
#include "tls.h"

#include <nghttp2/nghttp2.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class MessageLite;
}

namespace quorate::load {

class Connection;
class StreamHandler;

// One call. Belongs to its connection, which reuses it once on_end() has returned.
struct Stream {
    Connection* connection = nullptr;
    StreamHandler* handler = nullptr;
    int32_t id = -1;

    // Free for whoever started the call.
    int64_t started_ns = 0;
    uint64_t tag = 0;
    uint8_t kind = 0;
    const char* flaw = nullptr;  // static text; what was wrong with the answer
    uint32_t messages = 0;       // received so far

    // The connection's own.
    std::string out;  // gRPC frames to send, from `sent` on
    size_t sent = 0;
    bool half_close = false;
    bool deferred = false;
    std::string in;  // an incomplete gRPC frame
    int http_status = 0;
    bool has_status = false;
    GrpcStatus status;
};

class StreamHandler {
  public:
    virtual ~StreamHandler() = default;
    // `message` is borrowed for the call.
    virtual void on_message(Stream& stream, std::string_view message) = 0;
    virtual void on_end(Stream& stream, const GrpcStatus& status) = 0;
};

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

  private:
    struct SessionDeleter {
        void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
    };
    static constexpr size_t kHeaderCount = 8;
    using Headers = std::array<nghttp2_nv, kHeaderCount>;

    Connection(int fd, const Endpoint& endpoint, std::unique_ptr<Tls> tls,
               std::vector<Connection*>& unsent);
    ssize_t read_some(void* into, size_t size);
    ssize_t send_some(const void* data, size_t size);
    void mark_unsent();
    Status start_session();
    Stream& acquire();
    void release(Stream& stream);
    void receive(Stream& stream, std::string_view bytes);
    void end(Stream& stream, uint32_t error_code);

    static int on_header(nghttp2_session* session, const nghttp2_frame* frame, const uint8_t* name,
                         size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                         void* self);
    static int on_data(nghttp2_session* session, uint8_t flags, int32_t stream_id,
                       const uint8_t* data, size_t size, void* self);
    static int on_stream_close(nghttp2_session* session, int32_t stream_id, uint32_t error_code,
                               void* self);
    static ssize_t read_body(nghttp2_session* session, int32_t stream_id, uint8_t* buffer,
                             size_t size, uint32_t* flags, nghttp2_data_source* source, void* self);

    int fd_;
    const std::string authority_;
    const std::string token_;         // sent with each call unless it is empty
    const std::unique_ptr<Tls> tls_;  // null: plain text
    std::vector<Connection*>& unsent_;
    bool marked_ = false;
    std::array<Headers, kMethodCount> headers_{};
    std::unique_ptr<nghttp2_session, SessionDeleter> session_;
    std::string pending_;  // bytes for the socket, from `written_` on
    size_t written_ = 0;
    std::vector<std::unique_ptr<Stream>> streams_;
    std::vector<Stream*> free_;
};

}  // namespace quorate::load
