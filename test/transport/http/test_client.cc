// SPDX-License-Identifier: Apache-2.0
#include "transport/http/test_client.h"

#include "transport/http/test_core.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>

namespace quorate::http::testing {
namespace {

constexpr int kPatienceMs = static_cast<int>(std::chrono::milliseconds(kPatience).count());

constexpr int kGlanceMs = 5;

const uint8_t* octets(std::string_view text) {
    return reinterpret_cast<const uint8_t*>(text.data());
}

nghttp2_nv nv(const std::string& name, const std::string& value) {
    return {const_cast<uint8_t*>(octets(name)), const_cast<uint8_t*>(octets(value)), name.size(),
            value.size(), NGHTTP2_NV_FLAG_NONE};
}

bool wait_for(int fd, short events, int timeout_ms) {
    pollfd entry{fd, events, 0};
    return ::poll(&entry, 1, timeout_ms) > 0;
}

}  // namespace

// --- RawClient -----------------------------------------------------------------------------------

RawClient::RawClient(uint16_t port, const std::string& host) {
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (host.find(':') == std::string::npos) {
        auto* address = reinterpret_cast<sockaddr_in*>(&storage);
        address->sin_family = AF_INET;
        address->sin_port = htons(port);
        inet_pton(AF_INET, host.c_str(), &address->sin_addr);
        size = sizeof *address;
    } else {
        auto* address = reinterpret_cast<sockaddr_in6*>(&storage);
        address->sin6_family = AF_INET6;
        address->sin6_port = htons(port);
        inet_pton(AF_INET6, host.c_str(), &address->sin6_addr);
        size = sizeof *address;
    }
    fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&storage), size), 0)
        << std::strerror(errno);
}

RawClient::~RawClient() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

size_t RawClient::try_send(std::string_view bytes) {
    const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? 0 : static_cast<size_t>(count);
}

void RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count <= 0) {
            return;  // the server may have closed already, which is for the test to find
        }
        bytes.remove_prefix(static_cast<size_t>(count));
    }
}

void RawClient::half_close() {
    ::shutdown(fd_, SHUT_WR);
}

void RawClient::reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    ::close(std::exchange(fd_, -1));
}

bool RawClient::read_until(const std::function<bool(const std::string&)>& met) {
    while (!met(received_)) {
        std::array<char, 65536> buffer;
        if (!wait_for(fd_, POLLIN, kPatienceMs)) {
            ADD_FAILURE() << "nothing came; so far: " << received_.substr(0, 1000);
            return false;
        }
        const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
        if (count <= 0) {
            return false;
        }
        received_.append(buffer.data(), static_cast<size_t>(count));
    }
    return true;
}

bool RawClient::read_until(std::string_view text) {
    return read_until([&](const std::string& all) { return all.find(text) != std::string::npos; });
}

std::string RawClient::read_to_end() {
    read_until([](const std::string&) { return false; });
    return received_;
}

// --- frames --------------------------------------------------------------------------------------

std::string u32(uint32_t value) {
    return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
            static_cast<char>(value >> 8), static_cast<char>(value)};
}

namespace {

uint32_t read_u32(std::string_view bytes) {
    uint32_t value = 0;
    for (const char c : bytes.substr(0, 4)) {
        value = value << 8 | static_cast<unsigned char>(c);
    }
    return value;
}

}  // namespace

uint32_t Frame::error_code() const {
    return read_u32(type == NGHTTP2_GOAWAY ? std::string_view(payload).substr(4) : payload);
}

std::string frame(uint8_t type, uint8_t flags, uint32_t stream, std::string_view payload) {
    std::string out = u32(static_cast<uint32_t>(payload.size())).substr(1);
    out += static_cast<char>(type);
    out += static_cast<char>(flags);
    return out + u32(stream) + std::string(payload);
}

std::string hello() {
    return std::string(kPreface) + frame(NGHTTP2_SETTINGS, 0, 0, "");
}

std::string header_block(const Fields& fields) {
    std::string out;
    for (const auto& [name, value] : fields) {
        out += '\0';
        for (const std::string* text : {&name, &value}) {
            EXPECT_LT(text->size(), 127U);
            out += static_cast<char>(text->size());
            out += *text;
        }
    }
    return out;
}

std::string grpc_block(const std::string& path) {
    return header_block({{":method", "POST"},
                         {":scheme", "http"},
                         {":path", path},
                         {":authority", "localhost"},
                         {"content-type", "application/grpc"},
                         {"te", "trailers"}});
}

std::vector<Frame> frames(std::string_view received) {
    std::vector<Frame> out;
    while (received.size() >= 9) {
        const size_t size = read_u32(received) >> 8;
        if (received.size() < 9 + size) {
            break;
        }
        out.push_back({static_cast<uint8_t>(received[3]), static_cast<uint8_t>(received[4]),
                       read_u32(received.substr(5)), std::string(received.substr(9, size))});
        received.remove_prefix(9 + size);
    }
    return out;
}

namespace {

int64_t first_code(std::string_view received, uint8_t type) {
    for (const Frame& one : frames(received)) {
        if (one.type == type) {
            return one.error_code();
        }
    }
    return -1;
}

}  // namespace

int64_t go_away_code(std::string_view received) {
    return first_code(received, NGHTTP2_GOAWAY);
}

int64_t reset_code(std::string_view received) {
    return first_code(received, NGHTTP2_RST_STREAM);
}

std::string message(std::string_view text, uint8_t flag) {
    return std::string(1, static_cast<char>(flag)) + u32(static_cast<uint32_t>(text.size())) +
           std::string(text);
}

std::vector<std::string> messages(std::string_view body) {
    std::vector<std::string> out;
    while (body.size() >= 5) {
        const size_t size = read_u32(body.substr(1));
        if (body.size() < 5 + size) {
            break;
        }
        out.emplace_back(body.substr(5, size));
        body.remove_prefix(5 + size);
    }
    EXPECT_TRUE(body.empty()) << "half a message at the end";
    return out;
}

// --- Http2Client ---------------------------------------------------------------------------------

std::string ClientStream::status() const {
    const auto& from = trailers.empty() ? headers : trailers;
    const auto found = from.find("grpc-status");
    return found == from.end() ? "none" : found->second;
}

std::string ClientStream::text() const {
    const auto& from = trailers.empty() ? headers : trailers;
    const auto found = from.find("grpc-message");
    return found == from.end() ? "" : found->second;
}

Http2Client::Http2Client(uint16_t port, const Options& options) : socket_(port) {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_session_callbacks_new(&callbacks);
    nghttp2_session_callbacks_set_on_header_callback(
        callbacks,
        [](nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name, size_t name_size,
           const uint8_t* value, size_t value_size, uint8_t, void* user) {
            auto& self = *static_cast<Http2Client*>(user);
            ClientStream& stream = *self.streams_.at(frame->hd.stream_id);
            auto& into = stream.header_blocks == 0 ? stream.headers : stream.trailers;
            into[std::string(reinterpret_cast<const char*>(name), name_size)] =
                std::string(reinterpret_cast<const char*>(value), value_size);
            return 0;
        });
    nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
            auto& self = *static_cast<Http2Client*>(user);
            if (frame->hd.type == NGHTTP2_HEADERS) {
                ++self.streams_.at(frame->hd.stream_id)->header_blocks;
            } else if (frame->hd.type == NGHTTP2_PING &&
                       (frame->hd.flags & NGHTTP2_FLAG_ACK) != 0) {
                ++self.ping_acks_;
            } else if (frame->hd.type == NGHTTP2_GOAWAY) {
                const auto& go_away = frame->goaway;
                self.go_aways_.push_back(
                    {NGHTTP2_GOAWAY, 0, 0,
                     u32(static_cast<uint32_t>(go_away.last_stream_id)) + u32(go_away.error_code) +
                         std::string(reinterpret_cast<const char*>(go_away.opaque_data),
                                     go_away.opaque_data_len)});
            }
            return 0;
        });
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks,
        [](nghttp2_session*, uint8_t, int32_t id, const uint8_t* data, size_t size, void* user) {
            auto& self = *static_cast<Http2Client*>(user);
            self.streams_.at(id)->body.append(reinterpret_cast<const char*>(data), size);
            return 0;
        });
    nghttp2_session_callbacks_set_on_stream_close_callback(
        callbacks, [](nghttp2_session*, int32_t id, uint32_t error_code, void* user) {
            auto& self = *static_cast<Http2Client*>(user);
            ClientStream& stream = *self.streams_.at(id);
            stream.closed = true;
            stream.error_code = error_code;
            return 0;
        });
    nghttp2_option* option = nullptr;
    nghttp2_option_new(&option);
    nghttp2_option_set_no_auto_window_update(option, options.manual_windows ? 1 : 0);
    nghttp2_session_client_new2(&session_, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry window{NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE,
                                        options.initial_window};
    nghttp2_submit_settings(session_, 0, &window, 1);
}

Http2Client::~Http2Client() {
    nghttp2_session_del(session_);
}

ClientStream& Http2Client::call(const std::string& path, std::string_view body, bool ended,
                                const Fields& more) {
    Fields fields{{":method", "POST"},
                  {":scheme", "http"},
                  {":path", path},
                  {":authority", "localhost"},
                  {"content-type", "application/grpc"},
                  {"te", "trailers"}};
    fields.insert(fields.end(), more.begin(), more.end());
    return request(fields, body, ended);
}

ClientStream& Http2Client::request(const Fields& fields, std::string_view body, bool ended) {
    auto stream = std::make_unique<ClientStream>();
    stream->out = body;
    stream->out_ended = ended;
    std::vector<nghttp2_nv> list;
    for (const auto& [name, value] : fields) {
        list.push_back(nv(name, value));
    }
    nghttp2_data_provider provider{};
    provider.source.ptr = stream.get();
    provider.read_callback = [](nghttp2_session*, int32_t, uint8_t* buffer, size_t size,
                                uint32_t* flags, nghttp2_data_source* source, void*) -> ssize_t {
        auto& from = *static_cast<ClientStream*>(source->ptr);
        const size_t count = std::min(size, from.out.size());
        if (count == 0 && !from.out_ended) {
            return NGHTTP2_ERR_DEFERRED;
        }
        std::memcpy(buffer, from.out.data(), count);
        from.out.erase(0, count);
        if (from.out.empty() && from.out_ended) {
            *flags |= NGHTTP2_DATA_FLAG_EOF;
        }
        return static_cast<ssize_t>(count);
    };
    const bool no_body = body.empty() && ended;
    stream->id = nghttp2_submit_request(session_, nullptr, list.data(), list.size(),
                                        no_body ? nullptr : &provider, nullptr);
    EXPECT_GT(stream->id, 0);
    return *(streams_[stream->id] = std::move(stream));
}

void Http2Client::send(ClientStream& stream, std::string_view bytes, bool ended) {
    stream.out += bytes;
    stream.out_ended = ended;
    nghttp2_session_resume_data(session_, stream.id);
}

void Http2Client::reset(ClientStream& stream, uint32_t code) {
    nghttp2_submit_rst_stream(session_, 0, stream.id, code);
}

void Http2Client::ping() {
    nghttp2_submit_ping(session_, 0, nullptr);
}

void Http2Client::consume(ClientStream& stream, size_t count) {
    nghttp2_session_consume(session_, stream.id, count);
}

bool Http2Client::turn(int timeout_ms) {
    const uint8_t* bytes = nullptr;
    ssize_t count = 0;
    while ((count = nghttp2_session_mem_send(session_, &bytes)) > 0) {
        out_.append(reinterpret_cast<const char*>(bytes), static_cast<size_t>(count));
    }
    if (!out_.empty()) {
        out_.erase(0, socket_.try_send(out_));
    }
    const short events = static_cast<short>(POLLIN | (out_.empty() ? 0 : POLLOUT));
    if (!wait_for(socket_.fd(), events, timeout_ms)) {
        return false;
    }
    std::array<uint8_t, 65536> buffer;
    const ssize_t got = ::recv(socket_.fd(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
        const ssize_t taken =
            nghttp2_session_mem_recv(session_, buffer.data(), static_cast<size_t>(got));
        EXPECT_EQ(taken, got) << nghttp2_strerror(static_cast<int>(taken));
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        server_closed_ = true;
    }
    return true;
}

bool Http2Client::run_until(const std::function<bool()>& met) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!met()) {
        if (server_closed_ || std::chrono::steady_clock::now() > end) {
            return false;
        }
        turn(kGlanceMs);  // `met` may also depend on what the server's side sees
    }
    return true;
}

void Http2Client::pump() {
    while (!server_closed_ && turn(0)) {
    }
}

}  // namespace quorate::http::testing
