// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http2_session.h"

#include "plugins/transport/http/grpc_status.h"
#include "plugins/transport/http/loop.h"

#include <array>
#include <cstring>
#include <new>
#include <utility>

namespace quorate::http {
namespace {

// RFC 9113 §6.5.2: what a header costs beyond its text.
constexpr uint64_t kHeaderOverheadBytes = 32;
// SETTINGS and empty DATA frames that a peer may send for free.
constexpr uint64_t kControlFrameBurst = 1000;
constexpr uint64_t kControlFramesPerSecond = 100;
// nghttp2's own limits, where ours are the ones that act.
constexpr uint64_t kUnlimited = 1ULL << 40;
constexpr size_t kOutboundAcksMax = 1000;
constexpr std::array<uint8_t, 8> kDrainPing{'d', 'r', 'a', 'i', 'n', 0, 0, 0};
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

std::unique_ptr<Http2Session> Http2Session::create(Loop& loop, Carrier& carrier,
                                                   const Service& service) {
    std::unique_ptr<Http2Session> session(new Http2Session(loop, carrier, service));
    session->open();
    return session;
}

Http2Session::Http2Session(Loop& loop, Carrier& carrier, const Service& service)
    : loop_(loop),
      carrier_(carrier),
      service_(service),
      input_(loop, service.limits, *this),
      output_(loop),
      resets_(loop.options().reset_burst, loop.options().reset_rate),
      control_frames_(kControlFrameBurst, kControlFramesPerSecond),
      pings_(service.keepalive_min_time_ms, loop.options().keepalive_permit_without_stream != 0),
      keepalive_(loop,
                 {static_cast<int64_t>(loop.options().keepalive_interval),
                  static_cast<int64_t>(loop.options().keepalive_timeout)},
                 *this) {}

Http2Session::~Http2Session() {
    abandon({});
}

void Http2Session::open() {
    nghttp2_session_callbacks* raw_callbacks = nullptr;
    nghttp2_option* raw_option = nullptr;
    if (nghttp2_session_callbacks_new(&raw_callbacks) != 0 ||
        nghttp2_option_new(&raw_option) != 0) {
        throw std::bad_alloc();
    }
    const std::unique_ptr<nghttp2_session_callbacks, FreeCallbacks> callbacks(raw_callbacks);
    const std::unique_ptr<nghttp2_option, FreeOption> option(raw_option);
    set_callbacks(callbacks.get());
    Http2Output::set_callbacks(callbacks.get());
    nghttp2_option_set_no_closed_streams(option.get(), 1);
    nghttp2_option_set_no_http_messaging(option.get(), 1);  // see http2_rules.h
    nghttp2_option_set_no_auto_window_update(option.get(), 1);
    nghttp2_option_set_max_outbound_ack(option.get(), kOutboundAcksMax);
    nghttp2_option_set_stream_reset_rate_limit(option.get(), kUnlimited, kUnlimited);
    nghttp2_session* session = nullptr;
    if (nghttp2_session_server_new3(&session, callbacks.get(), this, option.get(),
                                    loop_.frame_memory().allocator()) != 0) {
        throw std::bad_alloc();
    }
    session_.reset(session);
    input_.use(session);
    output_.use(session);

    const Options& options = loop_.options();
    const std::array<nghttp2_settings_entry, 4> settings{{
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS,
         static_cast<uint32_t>(options.max_concurrent_streams)},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, service_.limits.stream_window_bytes},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, static_cast<uint32_t>(options.max_header_bytes)},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    }};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
    nghttp2_session_set_local_window_size(
        session, NGHTTP2_FLAG_NONE, 0,
        static_cast<int32_t>(service_.limits.connection_window_bytes));
    keepalive_.start();
}

void Http2Session::set_callbacks(nghttp2_session_callbacks* callbacks) {
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_sent);
}

// --- bytes ---------------------------------------------------------------------------------------

void Http2Session::receive(std::string_view bytes) {
    if (closing_ || bytes.empty()) {
        return;
    }
    keepalive_.on_received();
    const ssize_t taken = nghttp2_session_mem_recv(
        session_.get(), reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
    if (taken < 0) {
        fail(static_cast<int>(taken));
        return;
    }
    input_.settle();
}

void Http2Session::receive_end() {
    closing_ = true;
    go_away_sent_ = true;  // nobody is there to read one
}

// nghttp2 has given the connection up; it has not told the peer in these cases.
void Http2Session::fail(int error) {
    loop_.log_bad_input("closing connection", carrier_.peer(), nghttp2_strerror(error));
    switch (error) {
        case NGHTTP2_ERR_FLOODED:
            go_away(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_frames");
            break;
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC:
            go_away(NGHTTP2_PROTOCOL_ERROR, "bad preface");
            break;
        default:
            go_away(NGHTTP2_INTERNAL_ERROR, "");
            break;
    }
}

// The peer has broken a rule: says so and ends the connection.
void Http2Session::go_away(uint32_t error_code, std::string_view why) {
    if (closing_) {
        return;
    }
    closing_ = true;
    nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                          nghttp2_session_get_last_proc_stream_id(session_.get()), error_code,
                          reinterpret_cast<const uint8_t*>(why.data()), why.size());
}

void Http2Session::produce(OutputBuffer& out) {
    if (go_away_sent_ && closing_) {
        return;
    }
    if (!output_.produce(out)) {
        closing_ = true;
        go_away_sent_ = true;
    }
}

bool Http2Session::done() const {
    if (closing_) {
        return go_away_sent_;
    }
    return nghttp2_session_want_read(session_.get()) == 0 &&
           nghttp2_session_want_write(session_.get()) == 0;
}

// --- what nghttp2 calls --------------------------------------------------------------------------

Http2Stream* Http2Session::find(int32_t stream_id) const {
    return static_cast<Http2Stream*>(
        nghttp2_session_get_stream_user_data(session_.get(), stream_id));
}

int Http2Session::on_begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    self.heading_ = nullptr;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        self.begin_stream(frame->hd.stream_id);
    }
    return 0;
}

int Http2Session::on_header(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                            size_t name_size, const uint8_t* value, size_t value_size, uint8_t,
                            void* user) {
    Http2Session& self = of(user);
    if (self.heading_ != nullptr && self.heading_->id == frame->hd.stream_id) {
        if (!self.rules_.accept(text(name, name_size), text(value, value_size))) {
            self.heading_ = nullptr;
            nghttp2_submit_rst_stream(self.session_.get(), NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                      NGHTTP2_PROTOCOL_ERROR);
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
        self.head_bytes_ += name_size + value_size + kHeaderOverheadBytes;
        if (self.head_bytes_ <= self.loop_.options().max_header_bytes) {
            self.take_header(text(name, name_size), text(value, value_size));
        }
    }
    return 0;
}

int Http2Session::on_frame(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    const bool ended = (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
    switch (frame->hd.type) {
        case NGHTTP2_HEADERS: {
            Http2Stream* stream = self.find(frame->hd.stream_id);
            if (stream == nullptr) {
                break;
            }
            if (stream == std::exchange(self.heading_, nullptr)) {
                if (!self.rules_.complete()) {
                    nghttp2_submit_rst_stream(self.session_.get(), NGHTTP2_FLAG_NONE,
                                              frame->hd.stream_id, NGHTTP2_PROTOCOL_ERROR);
                    break;
                }
                self.begin_request(*stream, ended);
            } else if (ended) {
                self.end_input(*stream);
            }
            break;
        }
        case NGHTTP2_DATA:
            if (ended) {
                if (Http2Stream* stream = self.find(frame->hd.stream_id); stream != nullptr) {
                    self.end_input(*stream);
                }
            } else if (frame->hd.length == 0) {
                self.spend_control_frame();
            }
            break;
        case NGHTTP2_PING:
            self.take_ping(*frame);
            break;
        case NGHTTP2_SETTINGS:
            self.spend_control_frame();
            break;
        default:
            break;
    }
    return 0;
}

int Http2Session::on_data(nghttp2_session*, uint8_t, int32_t stream_id, const uint8_t* data,
                          size_t size, void* user) {
    Http2Session& self = of(user);
    Http2Stream* stream = self.find(stream_id);
    if (stream == nullptr) {
        nghttp2_session_consume_connection(self.session_.get(), size);
    } else if (stream->http) {
        nghttp2_session_consume(self.session_.get(), stream_id, size);
        self.take_http_body(*stream, text(data, size));
    } else {
        self.input_.receive(*stream, text(data, size));
    }
    return 0;
}

int Http2Session::on_stream_close(nghttp2_session*, int32_t stream_id, uint32_t error_code,
                                  void* user) {
    Http2Session& self = of(user);
    Http2Stream* stream = self.find(stream_id);
    if (stream == nullptr) {
        return 0;
    }
    // Work was begun for nothing, whether the peer reset the stream or made us do it.
    if (error_code != NGHTTP2_NO_ERROR && !stream->answered() &&
        !self.resets_.take(self.loop_.now_ms())) {
        self.loop_.log_bad_input("closing connection", self.carrier_.peer(), "too many resets");
        self.go_away(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_resets");
    }
    self.close_stream(*stream);
    return 0;
}

int Http2Session::on_frame_sent(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    Http2Session& self = of(user);
    switch (frame->hd.type) {
        case NGHTTP2_DATA:
        case NGHTTP2_HEADERS:
            self.pings_.on_sent_headers_or_data();
            if ((frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0 &&
                nghttp2_session_get_stream_remote_close(self.session_.get(), frame->hd.stream_id) ==
                    0) {
                // The answer is complete though the request is not: the peer may stop sending.
                nghttp2_submit_rst_stream(self.session_.get(), NGHTTP2_FLAG_NONE,
                                          frame->hd.stream_id, NGHTTP2_NO_ERROR);
            }
            break;
        case NGHTTP2_GOAWAY:
            self.go_away_sent_ = true;
            break;
        default:
            break;
    }
    return 0;
}

// --- streams and requests ------------------------------------------------------------------------

void Http2Session::begin_stream(int32_t stream_id) {
    if (stream_count_ >= loop_.options().max_streams_per_connection) {
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream_id,
                                  NGHTTP2_REFUSED_STREAM);
        return;
    }
    auto* stream = new Http2Stream(loop_, stream_id, service_.limits.message_bytes_max);
    stream->attach(*this);
    if (!service_.counted) {
        stream->leave_uncounted();
    }
    stream->next = streams_;
    if (streams_ != nullptr) {
        streams_->previous = stream;
    }
    streams_ = stream;
    ++stream_count_;
    loop_.count().streams.add(1);
    nghttp2_session_set_stream_user_data(session_.get(), stream_id, stream);
    head_.clear();
    head_bytes_ = 0;
    rules_.begin();
    heading_ = stream;
}

void Http2Session::take_header(std::string_view name, std::string_view value) {
    if (name == ":method") {
        head_.set_method(value);
    } else if (name == ":path") {
        head_.set_path(value);
    } else if (name == ":authority") {
        head_.set_authority(value);
    } else if (name == "content-type") {
        head_.set_content_type(value);
    } else if (name == "grpc-timeout") {
        head_.set_grpc_timeout(value);
    } else if (name == "grpc-encoding") {
        head_.set_grpc_encoding(value);
    } else if (name == "host") {
        if (head_.authority().empty()) {
            head_.set_authority(value);
        }
    } else if (!name.starts_with(':') && name != "te" && name != "grpc-accept-encoding" &&
               name != "content-length") {
        head_.add(name, value);
    }
}

void Http2Session::begin_request(Http2Stream& stream, bool ended) {
    stream.input_ended = ended;
    if (head_bytes_ > loop_.options().max_header_bytes) {
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id,
                                  NGHTTP2_FRAME_SIZE_ERROR);
        return;
    }
    const RequestKind kind = classify(head_, service_.serve);
    stream.set_protocol(kind.protocol);
    if (kind.refusal) {
        answer_early(stream, *kind.refusal);
    } else if (output_.queued_bytes() > loop_.options().connection_send_bytes) {
        answer_early(stream,
                     {kind.protocol == QUORATE_PROTOCOL_GRPC ? 200U : 503U,
                      QUORATE_RESOURCE_EXHAUSTED, "too much unread output on this connection"});
    } else if (kind.protocol == QUORATE_PROTOCOL_GRPC) {
        begin_grpc(stream, kind, ended);
    } else {
        begin_http(stream, ended);
    }
}

void Http2Session::begin_grpc(Http2Stream& stream, const RequestKind& kind, bool ended) {
    stream.gzip = kind.gzip;
    stream.begin(head_, carrier_.peer(), carrier_.tls_common_name(), service_.listener);
    if (kind.timeout_ms) {
        stream.set_deadline(loop_.now_ms() + *kind.timeout_ms);
    }
    if (ended) {
        input_.receive_end(stream);
    }
}

void Http2Session::begin_http(Http2Stream& stream, bool ended) {
    stream.head_request = head_.method() == "HEAD";
    if (!head_.content_type().empty()) {
        // Only gRPC's content type is the transport's own affair.
        head_.add("content-type", std::string(head_.content_type()));
    }
    if (head_.has_grpc_timeout()) {
        head_.add("grpc-timeout", std::string(head_.grpc_timeout()));
    }
    if (ended) {
        finish_http_request(stream, head_, {});
    } else {
        stream.http = std::make_unique<Http2Stream::HttpRequest>();
        std::swap(stream.http->head, head_);
    }
}

void Http2Session::take_http_body(Http2Stream& stream, std::string_view bytes) {
    if (stream.answered()) {
        return;
    }
    std::string& body = stream.http->body;
    if (body.size() + bytes.size() > loop_.options().max_http_body_bytes) {
        body = std::string();
        answer_early(stream, {413, QUORATE_RESOURCE_EXHAUSTED, "request body too large"});
        return;
    }
    body.append(bytes);
}

void Http2Session::finish_http_request(Http2Stream& stream, RequestHead& head,
                                       std::string_view body) {
    stream.begin(head, carrier_.peer(), carrier_.tls_common_name(), service_.listener);
    stream.deliver_message(body);
    stream.deliver_half_close();
}

void Http2Session::end_input(Http2Stream& stream) {
    if (!stream.http) {
        input_.receive_end(stream);
        return;
    }
    stream.input_ended = true;
    if (!stream.answered()) {
        const std::unique_ptr<Http2Stream::HttpRequest> request = std::move(stream.http);
        finish_http_request(stream, request->head, request->body);
    }
}

// The core never hears of the call.
void Http2Session::answer_early(Http2Stream& stream, const Refusal& refusal) {
    stream.refused_status = refusal.http_status;
    output_.end_with(stream, refusal.code, refusal.text);
    carrier_.on_output();
}

void Http2Session::refuse(Http2Stream& stream, quorate_code code, std::string text) {
    output_.end_with(stream, code, std::move(text));
    input_.forget(stream);
    carrier_.on_output();
    stream.cancel(QUORATE_CANCEL_PEER);
}

void Http2Session::on_input_end(Http2Stream& stream) {
    stream.deliver_half_close();
}

void Http2Session::close_stream(Http2Stream& stream) {
    nghttp2_session_set_stream_user_data(session_.get(), stream.id, nullptr);
    if (heading_ == &stream) {
        heading_ = nullptr;
    }
    input_.forget(stream);
    output_.forget(stream);
    (stream.previous != nullptr ? stream.previous->next : streams_) = stream.next;
    if (stream.next != nullptr) {
        stream.next->previous = stream.previous;
    }
    --stream_count_;
    loop_.count().streams.subtract(1);
    stream.cancel(QUORATE_CANCEL_PEER);
    stream.detach();
}

// --- the calls' news -----------------------------------------------------------------------------

void Http2Session::on_call_output(Call& call, size_t added) {
    output_.note(static_cast<Http2Stream&>(call), added);
    carrier_.on_output();
}

void Http2Session::on_call_resumed(Call& call) {
    auto& stream = static_cast<Http2Stream&>(call);
    if (stream.protocol() == QUORATE_PROTOCOL_GRPC) {
        input_.resume(stream);
        carrier_.on_output();  // window updates
    }
}

void Http2Session::on_call_deadline(Call& call) {
    auto& stream = static_cast<Http2Stream&>(call);
    carrier_.on_output();
    if (stream.answered()) {
        // The peer does not take the answer, and by its own word no longer waits for it.
        nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
        return;
    }
    output_.end_with(stream, QUORATE_DEADLINE_EXCEEDED, "context deadline exceeded");
    input_.forget(stream);
    stream.cancel(QUORATE_CANCEL_DEADLINE);
}

// --- limits, keepalive, end ----------------------------------------------------------------------

void Http2Session::take_ping(const nghttp2_frame& frame) {
    if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) {
        if (std::memcmp(frame.ping.opaque_data, kDrainPing.data(), kDrainPing.size()) == 0) {
            // The peer has seen the first GOAWAY, so no stream it begins can be lost any more.
            nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE,
                                  nghttp2_session_get_last_proc_stream_id(session_.get()),
                                  NGHTTP2_NO_ERROR, nullptr, 0);
        }
        return;
    }
    if (!pings_.on_ping(loop_.now_ms(), stream_count_ > 0)) {
        loop_.log_bad_input("closing connection", carrier_.peer(), "too many pings");
        go_away(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_pings");
    }
}

void Http2Session::spend_control_frame() {
    if (!control_frames_.take(loop_.now_ms())) {
        loop_.log_bad_input("closing connection", carrier_.peer(), "too many control frames");
        go_away(NGHTTP2_ENHANCE_YOUR_CALM, "too_many_frames");
    }
}

void Http2Session::send_keepalive_ping() {
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kKeepalivePing.data());
    carrier_.on_output();
}

void Http2Session::on_keepalive_lost() {
    carrier_.on_failed("keepalive ping was not answered");
}

void Http2Session::drain() {
    nghttp2_submit_shutdown_notice(session_.get());
    nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kDrainPing.data());
    carrier_.on_output();
}

void Http2Session::end_calls() {
    for (Http2Stream* stream = streams_; stream != nullptr; stream = stream->next) {
        if (!stream->answered()) {
            // etcd's text, which its clients know.
            output_.end_with(*stream, QUORATE_UNAVAILABLE, "etcdserver: server stopped");
        }
        stream->cancel(QUORATE_CANCEL_SHUTDOWN);
    }
    go_away_sent_ = false;  // that was the drain's, and the ends of the calls are still to go out
    go_away(NGHTTP2_NO_ERROR, "");
}

void Http2Session::abandon(std::string_view) {
    closing_ = true;
    go_away_sent_ = true;
    keepalive_.stop();
    while (streams_ != nullptr) {
        close_stream(*streams_);
    }
}

}  // namespace quorate::http
