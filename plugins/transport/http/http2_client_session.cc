// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http2_client_session.h"

#include "plugins/transport/http/channel.h"
#include "plugins/transport/http/grpc_response.h"
#include "plugins/transport/http/loop.h"

#include <array>
#include <new>
#include <utility>

namespace quorate::http {
namespace {

constexpr std::array<uint8_t, 8> kKeepalivePing{'a', 'l', 'i', 'v', 'e', 0, 0, 0};

std::string_view text(const uint8_t* data, size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

struct FreeCallbacks {
    void operator()(nghttp2_session_callbacks* callbacks) const {
        nghttp2_session_callbacks_del(callbacks);
    }
};

struct FreeOption {
    void operator()(nghttp2_option* option) const { nghttp2_option_del(option); }
};

}  // namespace

Http2ClientSession::Http2ClientSession(Loop& loop, Carrier& carrier, Channel& channel,
                                       std::shared_ptr<const Target> target)
    : loop_(loop),
      carrier_(carrier),
      channel_(&channel),
      target_(std::move(target)),
      input_(loop, target_->limits, *this),
      output_(loop),
      keepalive_(loop, target_->keepalive, *this) {
    nghttp2_session_callbacks* raw_callbacks = nullptr;
    nghttp2_option* raw_option = nullptr;
    if (nghttp2_session_callbacks_new(&raw_callbacks) != 0 ||
        nghttp2_option_new(&raw_option) != 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks(raw_callbacks);
    const std::unique_ptr<nghttp2_option, FreeOption> option(raw_option);
    nghttp2_session_callbacks_set_on_begin_headers_callback(raw_callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(raw_callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(raw_callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(raw_callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(raw_callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(raw_callbacks, on_frame_sent);
    Http2Output::set_callbacks(raw_callbacks);
    nghttp2_option_set_no_closed_streams(raw_option, 1);
    nghttp2_option_set_no_auto_window_update(raw_option, 1);
    nghttp2_session* session = nullptr;
    if (nghttp2_session_client_new3(&session, raw_callbacks, this, raw_option,
                                    loop_.frame_memory().allocator()) != 0) {
        throw std::bad_alloc();
    }
    session_.reset(session);
    input_.use(session);
    output_.use(session);

    const std::array<nghttp2_settings_entry, 3> settings{{
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, target_->limits.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE,
         static_cast<uint32_t>(loop.options().max_header_bytes)},
    }};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(
        session, NGHTTP2_FLAG_NONE, 0,
        static_cast<int32_t>(target_->limits.connection_window_bytes));
}

Http2ClientSession::~Http2ClientSession() {
    abandon("closed");
}

// --- calls ---------------------------------------------------------------------------------------

void Http2ClientSession::open(Http2Stream& stream, std::unique_ptr<CallOpening> opening) {
    stream.attach(*this);
    stream.next = streams_;
    if (streams_ != nullptr) {
        streams_->previous = &stream;
    }
    streams_ = &stream;
    ++stream_count_;
    keepalive_.start();
    if (opening->due_ms != 0) {
        stream.set_deadline(opening->due_ms);
    }
    if (greeted_) {
        submit(stream, *opening);
    } else {
        waiting_.push_back({&stream, std::move(opening)});
    }
}

void Http2ClientSession::submit(Http2Stream& stream, const CallOpening& opening) {
    const int32_t id = output_.open(stream, opening, *target_);
    if (id < 0) {
        // Out of stream ids, or nghttp2 knows already that the peer takes no more.
        if (channel_ != nullptr) {
            channel_->retire(*this);
        }
        retired_ = true;
        end(stream, {QUORATE_UNAVAILABLE, lost(nghttp2_strerror(id)), true});
        return;
    }
    stream.id = id;
    carrier_.on_output();
}

// The peer speaks HTTP/2.
void Http2ClientSession::greet() {
    greeted_ = true;
    carrier_.on_greeted();
    const std::vector<Waiting> waiting = std::move(waiting_);
    waiting_.clear();
    for (const Waiting& call : waiting) {
        submit(*call.stream, *call.opening);
    }
}

void Http2ClientSession::end(Http2Stream& stream, CallEnd&& end) {
    if (stream.ended()) {
        return;
    }
    stream.end_made(std::move(end));
    if (!stream.delivering) {
        input_.forget(stream);  // otherwise the delivery under way does it
    }
    if (stream.id == 0) {
        std::erase_if(waiting_, [&](const Waiting& call) { return call.stream == &stream; });
        drop(stream);
    } else if (stream.closed) {
        drop(stream);
    } else {
        output_.drop_unpromised(stream);
        reset(stream, stream.input_ended ? NGHTTP2_NO_ERROR : NGHTTP2_CANCEL);
    }
}

// Tells the peer, unless both sides have said that they are through.
void Http2ClientSession::reset(const Http2Stream& stream, uint32_t error_code) {
    if (!stream.input_ended ||
        nghttp2_session_get_stream_local_close(session_.get(), stream.id) == 0) {
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, error_code);
        carrier_.on_output();
    }
}

// May free the stream.
void Http2ClientSession::drop(Http2Stream& stream) {
    // Even a call whose connection is still in the making may have something to say.
    output_.forget(stream);
    (stream.previous != nullptr ? stream.previous->next : streams_) = stream.next;
    if (stream.next != nullptr) {
        stream.next->previous = stream.previous;
    }
    if (--stream_count_ == 0) {
        keepalive_.stop();
        carrier_.on_output();  // maybe that was the last thing to do
    }
    stream.detach();
}

// --- bytes ---------------------------------------------------------------------------------------

void Http2ClientSession::receive(std::string_view bytes) {
    if (closing_ || bytes.empty()) {
        return;
    }
    keepalive_.on_received();
    const ssize_t taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0 || nghttp2_session_want_read(session_.get()) == 0) {
        fail();
        return;
    }
    input_.settle();
}

// nghttp2 has given the connection up.
void Http2ClientSession::fail() {
    close(greeted_ ? "the server has broken the rules of HTTP/2"
                   : "the server does not speak HTTP/2");
}

void Http2ClientSession::receive_end() {
    close("closed by the server");
    said_all_ = true;  // nobody is there to read more
}

void Http2ClientSession::close(std::string_view why) {
    if (closing_) {
        return;
    }
    closing_ = true;
    why_ = go_away_.empty() ? why : go_away_;
    if (channel_ != nullptr) {
        channel_->retire(*this);
    }
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, 0, NGHTTP2_NO_ERROR, nullptr, 0);
    carrier_.on_output();
}

void Http2ClientSession::produce(OutputBuffer& out) {
    if (!said_all_ && !output_.produce(out)) {
        close("out of memory");
        said_all_ = true;
    }
}

bool Http2ClientSession::done() const {
    if (closing_) {
        return said_all_ || !greeted_;
    }
    return (retired_ || loop_.draining()) && stream_count_ == 0;
}

void Http2ClientSession::drain() {
    carrier_.on_output();
}

void Http2ClientSession::end_calls() {
    end_all(QUORATE_UNAVAILABLE, "transport is stopping");
}

void Http2ClientSession::hang_up() {
    end_all(QUORATE_CANCELLED, "the connection to " + target_->address + " was given up");
}

void Http2ClientSession::end_all(quorate_code code, const std::string& text) {
    waiting_.clear();
    for (Http2Stream* stream = streams_; stream != nullptr;) {
        Http2Stream& ended = *std::exchange(stream, stream->next);
        end(ended, {code, text, !ended.sent});
    }
    close(text);
}

void Http2ClientSession::abandon(std::string_view why) {
    close(why);
    said_all_ = true;
    keepalive_.stop();
    if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->forget(*this);
    }
    waiting_.clear();
    const std::string text = lost(why_);
    while (streams_ != nullptr) {
        Http2Stream& stream = *streams_;
        stream.end_made({QUORATE_UNAVAILABLE, text, !stream.sent});
        if (stream.id != 0 && !stream.closed) {
            nghttp2_session_set_stream_user_data(session_.get(), stream.id, nullptr);
        }
        input_.forget(stream);
        drop(stream);
    }
}

std::string Http2ClientSession::lost(std::string_view why) const {
    return (greeted_ ? "lost connection to " : "cannot connect to ") + target_->address + ": " +
           std::string(why);
}

// --- what nghttp2 calls --------------------------------------------------------------------------

Http2Stream* Http2ClientSession::find(int32_t stream_id) const {
    return static_cast<Http2Stream*>(
        nghttp2_session_get_stream_user_data(session_.get(), stream_id));
}

int Http2ClientSession::on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Stream* stream = of(user).find(frame->hd.stream_id);
    if (stream != nullptr && !stream->answer) {
        stream->answer = std::make_unique<GrpcResponse>();
    }
    return 0;
}

int Http2ClientSession::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                                  size_t name_size, const uint8_t* value, size_t value_size,
                                  uint8_t, void* user) {
    Http2ClientSession& self = of(user);
    Http2Stream* stream = self.find(frame->hd.stream_id);
    if (stream != nullptr && !stream->ended() &&
        !stream->answer->add(text(name, name_size), text(value, value_size))) {
        self.end(*stream, {QUORATE_INTERNAL, "the server's headers are too large"});
    }
    return 0;
}

int Http2ClientSession::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2ClientSession& self = of(user);
    Http2Stream* stream = self.find(frame->hd.stream_id);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
        case NGHTTP2_HEADERS:
            if (stream != nullptr && !stream->ended()) {
                self.take_headers(*stream, ended);
            }
            break;
        case NGHTTP2_DATA:
            if (stream != nullptr && ended) {
                self.input_.receive_end(*stream);
            }
            break;
        case NGHTTP2_SETTINGS:
            if (!self.greeted_ && (frame->hd.flags & NGHTTP2_FLAG_ACK) == 0) {
                self.greet();
            }
            break;
        case NGHTTP2_GOAWAY:
            self.take_go_away(frame->goaway);
            break;
        default:
            break;
    }
    return 0;
}

void Http2ClientSession::take_headers(Http2Stream& stream, bool ended) {
    if (!ended && stream.answer->take_informational()) {
        return;
    }
    if (std::optional<CallEnd> wrong = stream.answer->check(); wrong) {
        end(stream, std::move(*wrong));
        return;
    }
    stream.gzip = stream.answer->gzip();
    if (ended) {
        input_.receive_end(stream);
    }
}

void Http2ClientSession::take_go_away(const nghttp2_goaway& frame) {
    retired_ = true;
    if (channel_ != nullptr) {
        channel_->retire(*this);
    }
    if (frame.error_code != NGHTTP2_NO_ERROR) {
        go_away_ = std::string("the server ends it: ") + nghttp2_http2_strerror(frame.error_code) +
                   " " + std::string(text(frame.opaque_data, frame.opaque_data_len));
    }
    carrier_.on_output();
}

int Http2ClientSession::on_data(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* data,
                                size_t size, void* user) {
    Http2ClientSession& self = of(user);
    if (Http2Stream* stream = self.find(stream_id); stream != nullptr) {
        self.input_.receive(*stream, text(data, size));
    } else {
        nghttp2_session_consume_connection(self.session_.get(), size);
    }
    return 0;
}

int Http2ClientSession::on_stream_close(nghttp2_session*, int32_t stream_id, uint32_t error_code,
                                        void* user) {
    Http2ClientSession& self = of(user);
    Http2Stream* stream = self.find(stream_id);
    if (stream == nullptr) {
        return 0;
    }
    nghttp2_session_set_stream_user_data(self.session_.get(), stream_id, nullptr);
    stream->closed = true;
    self.output_.forget(*stream);
    if (stream->ended()) {
        self.drop(*stream);
    } else if (!stream->sent || (self.retired_ && error_code == NGHTTP2_REFUSED_STREAM)) {
        self.end(*stream, {QUORATE_UNAVAILABLE, self.lost("the server takes no more calls"), true});
    } else if (error_code != NGHTTP2_NO_ERROR || !stream->input_ended) {
        self.end(*stream, reset_end(error_code));
    }
    // Else the core holds the call: the end comes when the rest was delivered.
    return 0;
}

int Http2ClientSession::on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2ClientSession& self = of(user);
    if (frame->hd.type == NGHTTP2_HEADERS) {
        if (Http2Stream* stream = self.find(frame->hd.stream_id); stream != nullptr) {
            stream->sent = true;
        }
    } else if (frame->hd.type == NGHTTP2_GOAWAY) {
        self.fail();  // nothing new if the GOAWAY is ours and not nghttp2's own
        self.said_all_ = true;
    }
    return 0;
}

// --- news ----------------------------------------------------------------------------------------

void Http2ClientSession::refuse(Http2Stream& stream, quorate_code code, std::string text) {
    // A server that gives a call up may stop in the middle of a message; its reason counts more.
    const bool known = stream.answer && stream.answer->has_error() && stream.input_ended;
    end(stream, known ? stream.answer->end() : CallEnd{code, std::move(text)});
}

void Http2ClientSession::on_input_end(Http2Stream& stream) {
    end(stream, stream.answer ? stream.answer->end() : GrpcResponse().end());
}

void Http2ClientSession::on_call_output(Call& call, size_t added) {
    output_.note(static_cast<Http2Stream&>(call), added);
    carrier_.on_output();
}

void Http2ClientSession::on_call_resumed(Call& call) {
    input_.resume(static_cast<Http2Stream&>(call));
    carrier_.on_output();  // window updates
}

void Http2ClientSession::on_call_deadline(Call& call) {
    auto& stream = static_cast<Http2Stream&>(call);
    end(stream, {QUORATE_DEADLINE_EXCEEDED, "context deadline exceeded", !stream.sent});
}

void Http2ClientSession::on_call_closed(Call& call) {
    auto& stream = static_cast<Http2Stream&>(call);
    end(stream, {QUORATE_CANCELLED, "context canceled", !stream.sent});
}

void Http2ClientSession::send_keepalive_ping() {
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kKeepalivePing.data());
    carrier_.on_output();
}

void Http2ClientSession::on_keepalive_lost() {
    carrier_.on_failed("keepalive ping was not answered");
}

}  // namespace quorate::http
