// SPDX-License-Identifier: Apache-2.0
//
// Clients for tests: RawClient speaks bytes, Http2Client speaks HTTP/2 through nghttp2. Both block,
// with a patience that only a failing test reaches.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::http::testing {

class RawClient {
  public:
    explicit RawClient(uint16_t port, const std::string& host = "127.0.0.1");
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void send(std::string_view bytes);
    // Sends as much as the socket takes without waiting; how much it was.
    size_t try_send(std::string_view bytes);
    // Sends no more; reading goes on.
    void half_close();
    // Closes with RST instead of FIN.
    void reset();
    // Reads until `met` holds for everything received so far, or the peer closes.
    bool read_until(const std::function<bool(const std::string&)>& met);
    bool read_until(std::string_view text);
    // Everything until the peer closes.
    std::string read_to_end();
    const std::string& received() const { return received_; }
    int fd() const { return fd_; }

  private:
    int fd_ = -1;
    std::string received_;
};

// --- HTTP/2 frames by hand -----------------------------------------------------------------------

struct Frame {
    uint8_t type;
    uint8_t flags;
    uint32_t stream;
    std::string payload;

    // Of GOAWAY and RST_STREAM.
    uint32_t error_code() const;
};

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload);
// The preface and an empty SETTINGS.
std::string hello();
// A header block without Huffman and without indexing.
std::string header_block(const std::vector<std::pair<std::string, std::string>>& fields);
// The header block of a gRPC request.
std::string grpc_block(const std::string& path);
std::string u32(uint32_t value);
// The whole frames in what came from the server.
std::vector<Frame> frames(std::string_view received);
// The error code of the first GOAWAY, or -1.
int64_t go_away_code(std::string_view received);
// The error code of the first RST_STREAM, or -1.
int64_t reset_code(std::string_view received);

// One gRPC message with its prefix.
std::string message(std::string_view text, uint8_t flag = 0);
// The messages in a gRPC body.
std::vector<std::string> messages(std::string_view body);

// --- a whole client ------------------------------------------------------------------------------

using Fields = std::vector<std::pair<std::string, std::string>>;

struct ClientStream {
    int32_t id = 0;
    std::map<std::string, std::string> headers;
    std::map<std::string, std::string> trailers;
    std::string body;
    bool closed = false;
    uint32_t error_code = 0;
    size_t header_blocks = 0;

    std::string status() const;  // grpc-status of trailers or of a trailers-only answer
    std::string text() const;    // grpc-message

    // To be sent.
    std::string out;
    bool out_ended = false;
};

class Http2Client {
  public:
    struct Options {
        bool manual_windows = false;  // received bytes are not given back by themselves
        uint32_t initial_window = 65535;
    };

    explicit Http2Client(uint16_t port) : Http2Client(port, Options()) {}
    Http2Client(uint16_t port, const Options& options);
    ~Http2Client();

    // A gRPC request; `body` is sent after the headers and, if `ended`, nothing follows.
    ClientStream& call(const std::string& path, std::string_view body, bool ended = true,
                       const Fields& more = {});
    ClientStream& request(const Fields& fields, std::string_view body, bool ended = true);
    void send(ClientStream& stream, std::string_view bytes, bool ended = false);
    void reset(ClientStream& stream, uint32_t code = NGHTTP2_CANCEL);
    void ping();
    // Gives received bytes back to the server's window.
    void consume(ClientStream& stream, size_t count);

    // Sends and receives until `met`. False when patience has run out or the server has closed.
    bool run_until(const std::function<bool()>& met);
    bool run_until_closed(ClientStream& stream) {
        return run_until([&] { return stream.closed; });
    }
    // Sends and receives what goes without waiting.
    void pump();
    size_t ping_acks() const { return ping_acks_; }
    const std::vector<Frame>& go_aways() const { return go_aways_; }
    bool server_closed() const { return server_closed_; }
    RawClient& socket() { return socket_; }
    nghttp2_session* session() { return session_; }

  private:
    bool turn(int timeout_ms);

    RawClient socket_;
    nghttp2_session* session_ = nullptr;
    std::string out_;
    std::map<int32_t, std::unique_ptr<ClientStream>> streams_;
    size_t ping_acks_ = 0;
    std::vector<Frame> go_aways_;
    bool server_closed_ = false;
};

}  // namespace quorate::http::testing
