// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http2_output.h"

#include "plugins/transport/http/grpc_status.h"
#include "plugins/transport/http/grpc_timeout.h"
#include "plugins/transport/http/loop.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::http {
namespace {

constexpr size_t kFrameHeadBytes = 9;

// nghttp2's interface is not const-correct; it copies names and values.
nghttp2_nv field(std::string_view name, std::string_view value) {
    return {reinterpret_cast<uint8_t*>(const_cast<char*>(name.data())),
            reinterpret_cast<uint8_t*>(const_cast<char*>(value.data())), name.size(), value.size(),
            NGHTTP2_NV_FLAG_NONE};
}

// The literals of every answer live as long as the library.
nghttp2_nv constant(std::string_view name, std::string_view value) {
    nghttp2_nv nv = field(name, value);
    nv.flags = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE;
    return nv;
}

// A number as text, without an allocation.
class NumberText {
  public:
    explicit NumberText(uint64_t number) {
        const auto result = std::to_chars(digits_.data(), digits_.data() + digits_.size(), number);
        size_ = static_cast<size_t>(result.ptr - digits_.data());
    }
    std::string_view view() const { return {digits_.data(), size_}; }

  private:
    std::array<char, 20> digits_{};
    size_t size_ = 0;
};

// Headers of HTTP/1 that HTTP/2 forbids, and those that the transport sets.
bool is_hop_header(std::string_view name) {
    return name == "connection" || name == "transfer-encoding" || name == "keep-alive" ||
           name == "upgrade" || name == "proxy-connection" || name == "content-length";
}

}  // namespace

void Http2Output::set_callbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_send_data_callback(callbacks, on_send_data);
}

void Http2Output::note(Http2Stream& stream, size_t added) {
    queued_bytes_ += added;
    if (stream.touched_place == Http2Stream::kNoPlace) {
        stream.touched_place = touched_.size();
        touched_.push_back(&stream);
    }
}

void Http2Output::drop_unpromised(Http2Stream& stream) {
    queued_bytes_ -= stream.out().size() - stream.promised;
    stream.out().truncate(stream.promised);
}

void Http2Output::end_with(Http2Stream& stream, quorate_code code, std::string text) {
    drop_unpromised(stream);
    stream.end_with(code, std::move(text));
    note(stream, 0);
}

void Http2Output::forget(Http2Stream& stream) {
    queued_bytes_ -= stream.out().size();
    stream.out().truncate(0);
    if (stream.touched_place != Http2Stream::kNoPlace) {
        touched_[stream.touched_place] = nullptr;
        stream.touched_place = Http2Stream::kNoPlace;
    }
}

bool Http2Output::produce(OutputBuffer& out) {
    for (size_t i = 0; i < touched_.size(); ++i) {
        if (Http2Stream* stream = touched_[i]; stream != nullptr) {
            stream->touched_place = Http2Stream::kNoPlace;
            submit(*stream);
        }
    }
    touched_.clear();
    out_ = &out;
    while (!out.full()) {
        const uint8_t* bytes = nullptr;
        const ssize_t count = nghttp2_session_mem_send(session_, &bytes);
        if (count <= 0) {
            out_ = nullptr;
            return count == 0;
        }
        out.append({reinterpret_cast<const char*>(bytes), static_cast<size_t>(count)});
    }
    out_ = nullptr;
    return true;
}

// --- submitting ----------------------------------------------------------------------------------

int32_t Http2Output::open(Http2Stream& stream, const CallOpening& opening, const Target& target) {
    std::vector<nghttp2_nv> headers{constant(":method", "POST"),
                                    constant(":scheme", target.tls ? "https" : "http"),
                                    field(":path", opening.path),
                                    field(":authority", target.address),
                                    constant("content-type", "application/grpc"),
                                    constant("te", "trailers"),
                                    constant("user-agent", "quorate")};
    std::string timeout;
    if (opening.due_ms != 0) {
        timeout = format_grpc_timeout(opening.due_ms - loop_.now_ms());
        headers.push_back(field("grpc-timeout", timeout));
    }
    for (const auto& [name, value] : opening.headers) {
        headers.push_back(field(name, value));
    }
    nghttp2_data_provider provider{{.ptr = &stream}, on_read};
    stream.output = this;
    stream.headers_sent = true;
    return nghttp2_submit_request(session_, nullptr, headers.data(), headers.size(), &provider,
                                  &stream);
}

void Http2Output::submit(Http2Stream& stream) {
    stream.output = this;
    if (stream.made() && stream.id == 0) {
        return;  // open comes yet
    }
    if (stream.headers_sent) {
        // Fails where the stream is not waiting for data, which is as good.
        static_cast<void>(nghttp2_session_resume_data(session_, stream.id));
    } else if (stream.protocol() == QUORATE_PROTOCOL_HTTP) {
        submit_http(stream);
    } else if (stream.out().empty()) {
        submit_trailers_only(stream);
    } else {
        submit_grpc(stream);
    }
}

void Http2Output::submit_grpc(Http2Stream& stream) {
    static constexpr std::string_view kType = "application/grpc";
    const std::array<nghttp2_nv, 2> headers{constant(":status", "200"),
                                            constant("content-type", kType)};
    nghttp2_data_provider provider{{.ptr = &stream}, on_read};
    stream.headers_sent = true;
    nghttp2_submit_response(session_, stream.id, headers.data(), headers.size(), &provider);
}

void Http2Output::submit_trailers_only(Http2Stream& stream) {
    if (!stream.answered()) {
        return;
    }
    const NumberText status(stream.refused_status);
    const NumberText code(static_cast<uint64_t>(stream.code()));
    const std::string message = percent_encode(stream.text());
    std::array<nghttp2_nv, 5> headers{field(":status", status.view()),
                                      constant("content-type", "application/grpc"),
                                      field("grpc-status", code.view())};
    size_t count = 3;
    if (!message.empty()) {
        headers[count++] = field("grpc-message", message);
    }
    if (stream.code() == QUORATE_UNIMPLEMENTED && !stream.begun()) {
        headers[count++] = constant("grpc-accept-encoding", "gzip");
    }
    stream.headers_sent = true;
    nghttp2_submit_response(session_, stream.id, headers.data(), count, nullptr);
}

void Http2Output::submit_trailer(Http2Stream& stream) {
    const NumberText code(static_cast<uint64_t>(stream.code()));
    const std::string message = percent_encode(stream.text());
    std::array<nghttp2_nv, 2> headers{field("grpc-status", code.view())};
    size_t count = 1;
    if (!message.empty()) {
        headers[count++] = field("grpc-message", message);
    }
    nghttp2_submit_trailer(session_, stream.id, headers.data(), count);
}

void Http2Output::submit_http(Http2Stream& stream) {
    const ResponseHead* head = stream.response();
    const uint32_t status_code = head != nullptr ? head->status : stream.refused_status;
    const NumberText status(status_code);
    const NumberText length(stream.out().size());
    std::vector<nghttp2_nv> headers{field(":status", status.view())};
    if (head != nullptr) {
        head->each([&headers](std::string_view name, std::string_view value) {
            if (!is_hop_header(name)) {
                headers.push_back(field(name, value));
            }
        });
    }
    if (stream.answered()) {
        headers.push_back(field("content-length", length.view()));
    }
    stream.headers_sent = true;
    if (stream.head_request) {
        queued_bytes_ -= stream.out().size();
        stream.out().truncate(0);
    }
    const bool no_body = stream.head_request || (stream.answered() && stream.out().empty());
    nghttp2_data_provider provider{{.ptr = &stream}, on_read};
    nghttp2_submit_response(session_, stream.id, headers.data(), headers.size(),
                            no_body ? nullptr : &provider);
}

// --- nghttp2 asks for data -----------------------------------------------------------------------

ssize_t Http2Output::on_read(nghttp2_session*, int32_t, uint8_t*, size_t length, uint32_t* flags,
                             nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    Http2Output& self = *stream.output;
    const size_t waiting = stream.out().size();
    const size_t count = std::min(length, waiting);
    if (count == 0 && !stream.answered()) {
        return NGHTTP2_ERR_DEFERRED;
    }
    if (count == waiting && stream.answered()) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (stream.protocol() == QUORATE_PROTOCOL_GRPC && !stream.made()) {
            *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
            self.submit_trailer(stream);
        }
    }
    if (count > 0) {
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
        stream.promised = count;
    }
    return static_cast<ssize_t>(count);
}

int Http2Output::on_send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* frame_head,
                              size_t length, nghttp2_data_source* source, void*) {
    auto& stream = *static_cast<Http2Stream*>(source->ptr);
    Http2Output& self = *stream.output;
    OutputBuffer& out = *self.out_;
    if (out.full()) {
        return NGHTTP2_ERR_WOULDBLOCK;
    }
    out.append({reinterpret_cast<const char*>(frame_head), kFrameHeadBytes});
    size_t left = length;
    while (left > 0) {
        const std::string_view piece = stream.out().front().substr(0, left);
        out.append(piece);
        left -= piece.size();
        stream.on_drained(piece.size());
    }
    stream.promised = 0;
    self.queued_bytes_ -= length;
    return 0;
}

}  // namespace quorate::http
