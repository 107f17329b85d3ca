// SPDX-License-Identifier: Apache-2.0
#include "grpc_session.h"

#include "base/assert.h"
#include "base/errors.h"
#include "connection.h"

#include <google/protobuf/message_lite.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace quorate::load {
namespace {

constexpr int32_t kWindowBytes = 64 << 20;  // a generator that stalls a server measures itself

constexpr std::string_view kUserAgent = "quorate-load";

nghttp2_nv header(std::string_view name, std::string_view value) {
    // nghttp2 takes mutable pointers for historical reasons and does not write through them.
    auto bytes = [](std::string_view text) {
        return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
    };
    return {bytes(name), bytes(value), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE};
}

std::string_view text_of(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

int parse_int(std::string_view text) {
    int value = -1;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

void append_message(std::string& out, const google::protobuf::MessageLite& message) {
    const size_t size = message.ByteSizeLong();
    const size_t at = out.size();
    out.resize(at + kGrpcPrefix + size);
    char* frame = out.data() + at;
    frame[0] = 0;  // not compressed
    for (size_t i = 0; i < 4; ++i) {
        frame[1 + i] = static_cast<char>((size >> (24 - 8 * i)) & 0xff);
    }
    message.SerializeWithCachedSizesToArray(reinterpret_cast<uint8_t*>(frame) + kGrpcPrefix);
}

size_t message_size(std::string_view frame) {
    size_t size = 0;
    for (size_t i = 1; i < kGrpcPrefix; ++i) {
        size = size << 8 | static_cast<unsigned char>(frame[i]);
    }
    return size;
}

}  // namespace

Result<std::unique_ptr<GrpcSession>> GrpcSession::open(Connection& connection,
                                                       const Endpoint& endpoint) {
    std::unique_ptr<GrpcSession> session(new GrpcSession(connection, endpoint));
    const Status status = session->begin();
    if (!status.ok()) {
        return status;
    }
    return session;
}

GrpcSession::GrpcSession(Connection& connection, const Endpoint& endpoint)
    : connection_(connection), authority_(endpoint.authority), token_(endpoint.token) {
    for (size_t i = 0; i < kMethodCount; ++i) {
        headers_[i] = {header(":method", "POST"),
                       header(":scheme", endpoint.secure ? "https" : "http"),
                       header(":path", method_path(static_cast<Method>(i))),
                       header(":authority", authority_),
                       header("content-type", "application/grpc"),
                       header("te", "trailers"),
                       header("user-agent", kUserAgent),
                       header("token", token_)};
    }
}

Status GrpcSession::begin() {
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    QUORATE_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
    QUORATE_ASSERT(nghttp2_option_new(&option) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_option_set_no_closed_streams(option, 1);
    nghttp2_session* session = nullptr;
    const int made = nghttp2_session_client_new2(&session, callbacks, this, option);
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    if (made != 0) {
        return {errors::kUnavailable, std::string("HTTP/2: ") + nghttp2_strerror(made)};
    }
    session_.reset(session);
    const std::array<nghttp2_settings_entry, 2> settings = {{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, static_cast<uint32_t>(kWindowBytes)},
    }};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kWindowBytes);
    return {};
}

void GrpcSession::start(Stream& stream, Method method,
                        const google::protobuf::MessageLite& message) {
    append_message(stream.out, message);
    nghttp2_data_provider provider{};
    provider.source.ptr = &stream;
    provider.read_callback = read_body;
    const Headers& headers = headers_[static_cast<size_t>(method)];
    const size_t count = token_.empty() ? headers.size() - 1 : headers.size();
    stream.id =
        nghttp2_submit_request(session_.get(), nullptr, headers.data(), count, &provider, &stream);
    QUORATE_ASSERT(stream.id > 0);  // fails only without memory or after 2^30 calls
    connection_.mark_unsent();
}

void GrpcSession::send(Stream& stream, const google::protobuf::MessageLite& message) {
    append_message(stream.out, message);
    if (stream.deferred) {
        stream.deferred = false;
        nghttp2_session_resume_data(session_.get(), stream.id);
        connection_.mark_unsent();
    }
}

std::string GrpcSession::receive(std::string_view bytes) {
    const ssize_t used = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (used < 0) {
        return nghttp2_strerror(static_cast<int>(used));
    }
    const bool over = nghttp2_session_want_read(session_.get()) == 0 &&
                      nghttp2_session_want_write(session_.get()) == 0;
    return over ? "the server said goodbye" : "";
}

std::string GrpcSession::produce(std::string& pending) {
    while (pending.size() < kPendingBytesMax) {
        const uint8_t* data = nullptr;
        const ssize_t size = nghttp2_session_mem_send(session_.get(), &data);
        if (size < 0) {
            return nghttp2_strerror(static_cast<int>(size));
        }
        if (size == 0) {
            break;
        }
        pending.append(reinterpret_cast<const char*>(data), static_cast<size_t>(size));
    }
    return {};
}

void GrpcSession::receive(Stream& stream, std::string_view bytes) {
    const bool whole = stream.in.empty();
    if (!whole) {
        stream.in.append(bytes);
        bytes = stream.in;
    }
    size_t used = 0;
    while (bytes.size() - used >= kGrpcPrefix) {
        const std::string_view frame = bytes.substr(used);
        const size_t size = message_size(frame);
        if (frame.size() < kGrpcPrefix + size) {
            break;
        }
        ++stream.messages;
        stream.handler->on_message(stream, frame.substr(kGrpcPrefix, size));
        used += kGrpcPrefix + size;
    }
    if (whole) {
        stream.in.assign(bytes.substr(used));
    } else {
        stream.in.erase(0, used);
    }
}

void GrpcSession::end(Stream& stream, uint32_t error_code) {
    if (!stream.has_status) {
        stream.status.code = GrpcStatus::kUnknownCode;
        if (error_code != NGHTTP2_NO_ERROR) {
            stream.status.text = std::string("stream reset: ") + nghttp2_http2_strerror(error_code);
        } else {
            stream.status.text =
                "no grpc-status, HTTP status " + std::to_string(stream.http_status);
        }
    }
    connection_.end(stream);
}

int GrpcSession::on_header(nghttp2_session* session, const nghttp2_frame* frame,
                           const uint8_t* name, size_t name_size, const uint8_t* value,
                           size_t value_size, uint8_t flags, void* self) {
    static_cast<void>(flags);
    static_cast<void>(self);
    auto* stream =
        static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, frame->hd.stream_id));
    if (stream == nullptr) {
        return 0;
    }
    const std::string_view key = text_of(name, name_size);
    if (key == "grpc-status") {
        stream->has_status = true;
        stream->status.code = parse_int(text_of(value, value_size));
    } else if (key == "grpc-message") {
        stream->status.text = percent_decode(text_of(value, value_size));
    } else if (key == ":status") {
        stream->http_status = parse_int(text_of(value, value_size));
    }
    return 0;
}

int GrpcSession::on_data(nghttp2_session* session, uint8_t flags, int32_t stream_id,
                         const uint8_t* data, size_t size, void* self) {
    static_cast<void>(flags);
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, stream_id));
    if (stream != nullptr) {
        static_cast<GrpcSession*>(self)->receive(*stream, text_of(data, size));
    }
    return 0;
}

int GrpcSession::on_stream_close(nghttp2_session* session, int32_t stream_id, uint32_t error_code,
                                 void* self) {
    auto* stream = static_cast<Stream*>(nghttp2_session_get_stream_user_data(session, stream_id));
    if (stream != nullptr) {
        static_cast<GrpcSession*>(self)->end(*stream, error_code);
    }
    return 0;
}

ssize_t GrpcSession::read_body(nghttp2_session* session, int32_t stream_id, uint8_t* buffer,
                               size_t size, uint32_t* flags, nghttp2_data_source* source,
                               void* self) {
    static_cast<void>(session);
    static_cast<void>(stream_id);
    static_cast<void>(self);
    auto& stream = *static_cast<Stream*>(source->ptr);
    const size_t count = std::min(size, stream.out.size() - stream.sent);
    std::memcpy(buffer, stream.out.data() + stream.sent, count);
    stream.sent += count;
    if (stream.sent < stream.out.size()) {
        return static_cast<ssize_t>(count);
    }
    stream.out.clear();
    stream.sent = 0;
    if (stream.half_close) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        return static_cast<ssize_t>(count);
    }
    if (count == 0) {
        stream.deferred = true;
        return NGHTTP2_ERR_DEFERRED;
    }
    return static_cast<ssize_t>(count);
}

}  // namespace quorate::load
