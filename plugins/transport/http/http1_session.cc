// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http1_session.h"

#include "plugins/transport/http/call.h"
#include "plugins/transport/http/loop.h"

#include <Poco/DateTimeFormat.h>
#include <Poco/DateTimeFormatter.h>
#include <Poco/Net/HTTPResponse.h>
#include <Poco/Timestamp.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <utility>

namespace quorate::http {
namespace {

constexpr size_t kChunkHeadBytesMax = 20;
constexpr size_t kHeadBytesUsual = 512;  // of an answer
// Of answers to a WebSocket's pings that its peer does not take.
constexpr size_t kInterimBytesMax = 16 * 1024;
// How long an answer may take to begin once its peer sends no more.
constexpr int64_t kGoneGrace_ms = 1000;

constexpr size_t kDateBytes = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// For the header Date, which changes once a second.
std::string_view date_now() {
    thread_local std::time_t second = 0;
    thread_local std::array<char, kDateBytes> text{};
    const std::time_t now = std::time(nullptr);
    if (now != second) {
        second = now;
        Poco::DateTimeFormatter::format(Poco::Timestamp::fromEpochTime(now),
                                        Poco::DateTimeFormat::HTTP_FORMAT)
            .copy(text.data(), text.size());
    }
    return {text.data(), text.size()};
}

std::string status_line(uint32_t status) {
    const auto known = static_cast<Poco::Net::HTTPResponse::HTTPStatus>(status);
    return "HTTP/1.1 " + std::to_string(status) + " " +
           Poco::Net::HTTPResponse::getReasonForStatus(known) + "\r\n";
}

bool forbids_body(uint32_t status) {
    return status < 200 || status == 204 || status == 304;
}

// What the transport decides itself, and what would let an answer break out of its header.
bool breaks_out(std::string_view text) {
    return std::any_of(text.begin(), text.end(),
                       [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

bool is_unfit(std::string_view name, std::string_view value) {
    const bool own = name == "connection" || name == "transfer-encoding" ||
                     name == "content-length" || name == "keep-alive" || name == "date";
    return own || breaks_out(name) || breaks_out(value);
}

}  // namespace

Http1Session::Http1Session(Loop& loop, Carrier& carrier, const Service& service)
    : loop_(loop),
      carrier_(carrier),
      service_(service),
      chunks_(loop.options().max_http_body_bytes) {
    wait_for_request();
}

Http1Session::~Http1Session() {
    loop_.timers().cancel(*this);
    abandon({});
}

void Http1Session::wait_for_request() {
    state_ = State::kHead;
    searched_ = 0;
    loop_.timers().arm(*this, loop_.now_ms() + static_cast<int64_t>(loop_.options().idle_timeout));
}

void Http1Session::on_timer() {
    if (peer_ended_) {
        abandon({});
        carrier_.on_output();
        return;
    }
    const bool idle = state_ == State::kHead && in_.empty();
    carrier_.on_failed(idle ? "idle for too long" : "request took too long");
}

// --- requests ------------------------------------------------------------------------------------

void Http1Session::receive(std::string_view bytes) {
    if (state_ == State::kHead && in_.empty() && !bytes.empty()) {
        loop_.timers().arm(*this,
                           loop_.now_ms() + static_cast<int64_t>(loop_.options().header_timeout));
    }
    in_.append(bytes);
    advance();
}

bool Http1Session::wants_input() const {
    if (done_ || peer_ended_ || state_ == State::kRefusing) {
        return false;
    }
    if (state_ == State::kWebSocket) {
        return !call_->held() && interim_.size() < kInterimBytesMax;
    }
    // While an answer is under way the next request may come, but only so much of it.
    return state_ != State::kAnswering || in_.size() < loop_.options().max_http_header_bytes;
}

void Http1Session::receive_end() {
    peer_ended_ = true;
    keep_alive_ = false;
    // A peer that closed its side may still read a short answer; an endless one it has left, and
    // one that it would have to wait for it has left as well, as far as anybody can tell.
    if (state_ != State::kAnswering || head_written_) {  // a WebSocket's has left, too
        abandon({});
    } else {
        loop_.timers().arm(*this, loop_.now_ms() + kGoneGrace_ms);
    }
}

void Http1Session::advance() {
    bool more = !done_;
    while (more) {
        switch (state_) {
            case State::kHead:
                more = take_head();
                break;
            case State::kBody:
                more = take_body();
                break;
            case State::kWebSocket:
                more = take_frame();
                break;
            case State::kAnswering:
            case State::kRefusing:
                more = false;
                break;
        }
    }
}

bool Http1Session::take_head() {
    // Empty lines before a request are allowed.
    if (searched_ == 0) {
        in_.erase(0, std::min(in_.find_first_not_of("\r\n"), in_.size()));
    }
    const size_t size = find_head_end(in_, searched_);
    const size_t bytes_max = loop_.options().max_http_header_bytes;
    if (size > bytes_max || (size == 0 && in_.size() > bytes_max)) {
        refuse(431);
        return false;
    }
    searched_ = in_.size();
    if (size == 0) {
        return false;
    }
    framing_ = parse_http1_head(std::string_view(in_).substr(0, size), head_);
    in_.erase(0, size);
    if (framing_.error_status != 0) {
        refuse(framing_.error_status);
        return false;
    }
    if (framing_.content_length > loop_.options().max_http_body_bytes) {
        refuse(413);
        return false;
    }
    keep_alive_ = framing_.keep_alive && !draining_;
    head_request_ = head_.method() == "HEAD";
    body_.clear();
    chunks_.reset();
    state_ = State::kBody;
    const bool has_body = framing_.chunked || framing_.content_length > 0;
    if (framing_.expects_continue && has_body && in_.empty()) {
        interim_ += "HTTP/1.1 100 Continue\r\n\r\n";
        carrier_.on_output();
    }
    return true;
}

bool Http1Session::take_body() {
    if (!framing_.chunked) {
        const auto missing = static_cast<size_t>(framing_.content_length) - body_.size();
        const size_t taken = std::min(missing, in_.size());
        body_.append(in_, 0, taken);
        in_.erase(0, taken);
        if (taken < missing) {
            return false;
        }
        begin_call();
        return state_ == State::kWebSocket;
    }
    size_t used = 0;
    const ChunkDecoder::Result result = chunks_.decode(in_, body_, used);
    in_.erase(0, used);
    switch (result) {
        case ChunkDecoder::Result::kNeedMore:
            break;
        case ChunkDecoder::Result::kDone:
            begin_call();
            break;
        case ChunkDecoder::Result::kTooLarge:
            refuse(413);
            break;
        case ChunkDecoder::Result::kMalformed:
            refuse(400);
            break;
    }
    return false;
}

void Http1Session::begin_call() {
    loop_.timers().cancel(*this);
    state_ = State::kAnswering;
    head_written_ = false;
    call_ = new Call(loop_, QUORATE_PROTOCOL_HTTP);
    call_->attach(*this);
    loop_.count().streams.add(1);
    carrier_.on_request();
    Call& call = *call_;
    call.begin(head_, carrier_.peer(), carrier_.tls_common_name(), service_.listener);
    if (framing_.websocket && call.response() != nullptr && call.response()->status == 101) {
        become_websocket();
        return;
    }
    call.deliver_message(body_);
    call.deliver_half_close();
    body_ = std::string();
}

void Http1Session::refuse(uint32_t status) {
    loop_.log_bad_input("rejected request", carrier_.peer(), status_line(status));
    loop_.timers().cancel(*this);
    state_ = State::kRefusing;
    in_.clear();
    // Who sends much sends JSON, and reads errors as etcd writes them.
    const bool too_large = status == 413;
    const std::string body = too_large
                                 ? "{\"code\":" + std::to_string(QUORATE_RESOURCE_EXHAUSTED) +
                                       ",\"message\":\"received message larger than max (" +
                                       std::to_string(loop_.options().max_http_body_bytes) + ")\"}"
                                 : std::to_string(status) + "\n";
    interim_ += status_line(status) + "Date: ";
    interim_ += date_now();
    interim_ += "\r\nContent-Type: ";
    interim_ += too_large ? "application/json" : "text/plain";
    interim_ += "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
    carrier_.on_output();
}

// --- answers -------------------------------------------------------------------------------------

void Http1Session::on_call_output(Call&, size_t) {
    carrier_.on_output();
}

void Http1Session::produce(OutputBuffer& out) {
    out.append(interim_);
    interim_.clear();
    if (state_ == State::kWebSocket && !in_.empty()) {
        carrier_.on_input_wanted();
    }
    if (state_ == State::kRefusing) {
        done_ = true;
    }
    if (call_ == nullptr || (call_->out().empty() && !call_->answered())) {
        return;
    }
    if (state_ == State::kWebSocket) {
        write_frames(out);
        return;
    }
    if (!head_written_) {
        write_head(out);
    }
    write_body(out);
    if (call_->answered() && call_->out().empty()) {
        finish_answer(out);
    } else if (peer_ended_) {
        abandon({});
    }
}

void Http1Session::write_head(OutputBuffer& out) {
    const ResponseHead* response = call_->response();
    const uint32_t status = response != nullptr ? response->status : 200;
    const bool whole = call_->answered();
    const bool bodyless = forbids_body(status);
    body_dropped_ = head_request_ || bodyless;
    body_chunked_ = !whole && !framing_.http10 && !body_dropped_;
    keep_alive_ = keep_alive_ && (whole || body_chunked_);
    std::string text;
    text.reserve(kHeadBytesUsual);
    text += status_line(status);
    if (response != nullptr) {
        response->each([&text](std::string_view name, std::string_view value) {
            if (!is_unfit(name, value)) {
                text.append(name).append(": ").append(value).append("\r\n");
            }
        });
    }
    text += "Date: ";
    text += date_now();
    text += "\r\n";
    if (whole && !bodyless) {
        text += "Content-Length: " + std::to_string(call_->out().size()) + "\r\n";
    }
    if (body_chunked_) {
        text += "Transfer-Encoding: chunked\r\n";
    }
    if (!keep_alive_) {
        text += "Connection: close\r\n";
    } else if (framing_.http10) {
        text += "Connection: keep-alive\r\n";
    }
    text += "\r\n";
    out.append(text);
    head_written_ = true;
}

void Http1Session::write_body(OutputBuffer& out) {
    while (!call_->out().empty() && !out.full()) {
        const size_t room = std::max<size_t>(out.room(), 1);
        const std::string_view piece = call_->out().front().substr(0, room);
        if (body_chunked_) {
            std::array<char, kChunkHeadBytesMax> head{};
            const auto end =
                std::to_chars(head.data(), head.data() + head.size(), piece.size(), 16);
            out.append({head.data(), static_cast<size_t>(end.ptr - head.data())});
            out.append("\r\n");
        }
        if (!body_dropped_) {
            out.append(piece);
        }
        if (body_chunked_) {
            out.append("\r\n");
        }
        call_->on_drained(piece.size());
    }
}

void Http1Session::finish_answer(OutputBuffer& out) {
    if (body_chunked_) {
        out.append("0\r\n\r\n");
    }
    drop_call();
    if (!keep_alive_) {
        done_ = true;
        return;
    }
    wait_for_request();
    if (!in_.empty()) {
        carrier_.on_input_wanted();
    }
}

void Http1Session::drop_call() {
    loop_.count().streams.subtract(1);
    std::exchange(call_, nullptr)->detach();
}

// --- end -----------------------------------------------------------------------------------------

void Http1Session::drain() {
    draining_ = true;
    keep_alive_ = false;
    if (state_ == State::kHead && in_.empty()) {
        done_ = true;
    }
}

void Http1Session::end_calls() {
    draining_ = true;
    keep_alive_ = false;
    if (call_ == nullptr || call_->answered()) {
        return;
    }
    call_->cancel(QUORATE_CANCEL_SHUTDOWN);
    if (!head_written_) {
        drop_call();
        refuse(503);
    }
}

void Http1Session::abandon(std::string_view) {
    done_ = true;
    loop_.timers().cancel(*this);
    if (call_ != nullptr) {
        call_->cancel(QUORATE_CANCEL_PEER);
        drop_call();
    }
}

}  // namespace quorate::http
