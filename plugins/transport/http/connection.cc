// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/connection.h"

#include "plugins/transport/http/either_stream.h"
#include "plugins/transport/http/http1_session.h"
#include "plugins/transport/http/http2_client_session.h"
#include "plugins/transport/http/http2_session.h"
#include "plugins/transport/http/loop.h"

#include <sys/epoll.h>

#include <algorithm>
#include <utility>

namespace quorate::http {
namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr int64_t kLingerMs = 1000;
// How often one connection's output fills the buffer before the others have their turn.
constexpr int kSendRoundsMax = 4;

int64_t from_now(const Loop& loop, uint64_t ms) {
    return loop.now_ms() + static_cast<int64_t>(ms);
}

}  // namespace

Connection::Connection(Loop& loop, Accepted&& accepted, std::unique_ptr<ByteStream> stream)
    : loop_(loop),
      fd_(std::move(accepted.fd)),
      peer_(std::move(accepted.peer)),
      host_(std::move(accepted.host)),
      listener_(accepted.listener),
      stream_(std::move(stream)) {}

Connection::Connection(Loop& loop, Channel& channel, std::shared_ptr<const Target> target)
    : loop_(loop),
      peer_(target->address),
      target_(std::move(target)),
      connector_(new Connector(loop, *this)),
      session_(std::make_unique<Http2ClientSession>(loop, *this, channel, target_)),
      state_(State::kConnecting) {}

Connection::~Connection() {
    loop_.timers().cancel(*this);
    forget_lookup();
}

Http2ClientSession& Connection::client_session() {
    return static_cast<Http2ClientSession&>(*session_);
}

void Connection::start() {
    if (made()) {
        const int64_t due_ms = loop_.now_ms() + target_->connect_timeout_ms;
        loop_.timers().arm(*this, due_ms);
        connector_->start(*target_, due_ms);
        return;
    }
    watched_ = EPOLLIN;
    loop_.watch(*this, watched_);
    loop_.timers().arm(*this, from_now(loop_, loop_.options().handshake_timeout));
    if (listener_->tls() == nullptr) {
        shake_hands();
    } else {
        loop_.waiting().enter(*listener_, WaitingRoom::Kind::kHandshake, *this, waiting_);
    }
}

void Connection::on_connected(UniqueFd fd) {
    fd_ = std::move(fd);
    stream_ = target_->tls ? target_->tls->open(this->fd(), target_->server_name)
                           : make_plain_stream(this->fd());
    if (!stream_) {
        close("out of memory");
        return;
    }
    state_ = State::kHandshaking;
    watched_ = EPOLLIN;
    loop_.watch(*this, watched_);
    shake_hands();
}

void Connection::on_connect_failed(std::string why) {
    close(why);
}

void Connection::on_ready(uint32_t epoll_events) {
    if (closed()) {
        return;
    }
    const bool broken = (epoll_events & (EPOLLERR | EPOLLHUP)) != 0;
    if (state_ == State::kHandshaking && !made()) {
        if (!shakes_later_) {
            shakes_later_ = true;
            loop_.shake_hands_later(*this);
        }
        return;
    }
    if (broken && (watched_ & EPOLLIN) == 0) {
        close("connection reset");
        return;
    }
    if ((epoll_events & EPOLLOUT) != 0) {
        on_output();
    }
    if (broken || (epoll_events & EPOLLIN) != 0) {
        read();
    }
}

void Connection::read_more() {
    unread_ = false;
    if (closed()) {
        return;
    }
    if (carries()) {
        session_->receive({});
        on_output();
        if (!session_->wants_input()) {
            return;
        }
    }
    if (stream_->has_unread() && !blocked()) {
        read();
    }
}

void Connection::go_on_shaking_hands() {
    shakes_later_ = false;
    if (state_ == State::kHandshaking) {
        read();
    }
}

void Connection::make_room() {
    refuse("made room for newer connections");
}

void Connection::shake_hands() {
    switch (stream_->handshake()) {
        case IoState::kOk:
            on_hands_shaken();
            break;
        case IoState::kWouldBlock:
            update_watch();
            break;
        case IoState::kClosed:
        case IoState::kFailed:
            refuse(stream_->failure());
            break;
    }
}

void Connection::on_hands_shaken() {
    if (!made()) {
        check_address();
        return;
    }
    state_ = State::kGreeting;
    on_output();
}

void Connection::check_address() {
    if (!listener_->checks_address()) {
        begin_detecting();
        return;
    }
    AddressCheck check = stream_->check_address(host_);
    switch (check.result) {
        case AddressCheck::Result::kPassed:
            begin_detecting();
            break;
        case AddressCheck::Result::kFailed:
            refuse(check.why);
            break;
        case AddressCheck::Result::kLookUp:
            state_ = State::kChecking;
            names_ = std::move(check.names);
            ticket_ = loop_.check_names(*this, host_, names_);
            update_watch();
            break;
    }
}

void Connection::forget_lookup() {
    if (ticket_ != 0) {
        loop_.forget_lookup(std::exchange(ticket_, 0));
    }
}

void Connection::on_resolved(Resolved&& resolved) {
    ticket_ = 0;
    if (resolved.matches) {
        names_.clear();
        begin_detecting();
        update_watch();
        on_input_wanted();
        return;
    }
    std::string names;
    for (const std::string& name : names_) {
        names += (names.empty() ? "\"" : " \"") + name + "\"";
    }
    refuse("tls: \"" + host_ + "\" does not match any of DNSNames [" + names + "]" +
           (resolved.error.empty() ? "" : " (" + resolved.error + ")"));
}

void Connection::begin_detecting() {
    state_ = State::kDetecting;
    loop_.waiting().enter(*listener_, WaitingRoom::Kind::kRequest, *this, waiting_);
    loop_.timers().arm(*this, from_now(loop_, loop_.options().header_timeout));
}

void Connection::on_greeted() {
    state_ = State::kServing;
    loop_.timers().cancel(*this);
}

void Connection::read() {
    if (state_ == State::kHandshaking) {
        shake_hands();
    }
    if (state_ == State::kHandshaking || state_ == State::kChecking || closed()) {
        return;
    }
    const IoResult result = stream_->read(loop_.input(), Loop::kInputBytes);
    switch (result.state) {
        case IoState::kOk:
            take(std::string_view(loop_.input(), result.bytes));
            break;
        case IoState::kWouldBlock:
            return;
        case IoState::kClosed:
            on_peer_closed();
            return;
        case IoState::kFailed:
            close(stream_->failure());
            return;
    }
    if (!closed() && stream_->has_unread()) {
        on_input_wanted();
    }
}

void Connection::take(std::string_view bytes) {
    switch (state_) {
        case State::kDetecting:
            detect(bytes);
            break;
        case State::kGreeting:
        case State::kServing:
            session_->receive(bytes);
            on_output();
            break;
        case State::kConnecting:
        case State::kHandshaking:
        case State::kChecking:
        case State::kLingering:
        case State::kClosed:
            break;
    }
}

void Connection::detect(std::string_view bytes) {
    first_bytes_.append(bytes);
    if (listener_->tls() == nullptr && begins_tls(first_bytes_.front())) {
        // It would wait for an answer that does not come.
        refuse("the client speaks TLS, and this address does not");
        return;
    }
    const size_t compared = std::min(first_bytes_.size(), kHttp2Preface.size());
    const bool http2 = first_bytes_.compare(0, compared, kHttp2Preface.substr(0, compared)) == 0;
    if (http2 && compared < kHttp2Preface.size()) {
        return;
    }
    if (http2) {
        on_request();
        session_ = Http2Session::create(loop_, *this, listener_->service());
    } else if ((listener_->service().serve & QUORATE_SERVE_HTTP) != 0) {
        session_ = std::make_unique<Http1Session>(loop_, *this, listener_->service());
    } else {
        refuse("bogus greeting from client");
        return;
    }
    loop_.timers().cancel(*this);
    state_ = State::kServing;
    const std::string first = std::move(first_bytes_);
    if (loop_.draining()) {
        session_->drain();
    }
    session_->receive(first);
    on_output();
}

// Failures of our own connections are told by the calls' ends.
void Connection::refuse(std::string_view why) {
    if (!made()) {
        loop_.log_bad_input(listener_->rejected(), peer_, why);
    }
    close(why);
}

void Connection::on_peer_closed() {
    peer_closed_ = true;
    if (!carries()) {
        close("closed by the server");
        return;
    }
    session_->receive_end();
    on_output();
}

void Connection::on_output() {
    if (!dirty_ && !closed()) {
        dirty_ = true;
        loop_.add_dirty(*this);
    }
}

void Connection::on_input_wanted() {
    if (!unread_ && !closed()) {
        unread_ = true;
        loop_.read_again(*this);
    }
}

void Connection::on_failed(std::string_view why) {
    if (!made()) {
        loop_.log_bad_input("closing connection", peer_, why);
    }
    close(why);
}

void Connection::flush() {
    dirty_ = false;
    if (closed()) {
        return;
    }
    if (state_ == State::kHandshaking && made()) {
        shake_hands();
    }
    if (state_ == State::kConnecting || state_ == State::kHandshaking ||
        state_ == State::kChecking) {
        if (made() && session_->done()) {
            close();  // nobody waits for it any more
        }
        return;
    }
    const bool sent = send_unsent() && (!carries() || send_produced());
    if (closed()) {
        return;
    }
    if (sent && carries() && session_->done()) {
        linger();
        return;
    }
    if (sent && stream_->has_unread()) {
        on_input_wanted();
    }
    update_watch();
}

bool Connection::blocked() const {
    return !unsent_.empty() || stream_->has_unsent();
}

bool Connection::send_unsent() {
    if (!blocked()) {
        return true;
    }
    const std::string bytes = std::move(unsent_);
    unsent_.clear();
    return handle_write(stream_->write(bytes), bytes);
}

bool Connection::send_produced() {
    OutputBuffer& out = loop_.output();
    for (int round = 0; round < kSendRoundsMax; ++round) {
        out.clear();
        session_->produce(out);
        if (out.view().empty()) {
            return true;
        }
        const bool more = out.full();
        if (!handle_write(stream_->write(out.view()), out.view())) {
            return false;
        }
        if (!more) {
            return true;
        }
    }
    on_output();
    return false;
}

bool Connection::handle_write(IoResult written, std::string_view bytes) {
    if (written.state == IoState::kFailed || written.state == IoState::kClosed) {
        close(stream_->failure());
        return false;
    }
    unsent_.assign(bytes.substr(written.bytes));
    if (!blocked()) {
        if (state_ == State::kServing) {
            loop_.timers().cancel(*this);
        }
        return true;
    }
    // A peer that takes nothing for this long is dead.
    if (state_ == State::kServing && (written.bytes > 0 || !armed())) {
        loop_.timers().arm(*this, from_now(loop_, loop_.options().send_timeout));
    }
    return false;
}

void Connection::update_watch() {
    // A peer that does not take its answers is not listened to either.
    const bool listens =
        carries() ? !blocked() && session_->wants_input() : state_ != State::kChecking;
    uint32_t wanted = 0;
    wanted |= listens && !peer_closed_ ? static_cast<uint32_t>(EPOLLIN) : 0U;
    wanted |= blocked() ? static_cast<uint32_t>(EPOLLOUT) : 0U;
    if (wanted != watched_) {
        watched_ = wanted;
        loop_.change_watch(*this, watched_);
    }
}

void Connection::drain() {
    if (closed()) {
        return;
    }
    if (carries() || made()) {
        session_->drain();
        on_output();
    } else {
        close();
    }
}

void Connection::end() {
    if (closed()) {
        return;
    }
    if (carries()) {
        session_->end_calls();
        if (send_unsent() && send_produced()) {
            stream_->shut_down();
        }
    }
    if (!closed()) {
        close("transport is stopping");
    }
}

void Connection::linger() {
    stream_->shut_down();
    session_->abandon({});
    if (peer_closed_) {
        close();
        return;
    }
    state_ = State::kLingering;
    unsent_.clear();
    loop_.timers().arm(*this, from_now(loop_, kLingerMs));
    update_watch();
}

void Connection::close(std::string_view why) {
    if (closed()) {
        return;
    }
    state_ = State::kClosed;
    waiting_.leave();
    forget_lookup();
    loop_.timers().cancel(*this);
    loop_.add_closed(*this);
    if (session_) {
        session_->abandon(why);
    }
}

void Connection::on_timer() {
    const auto late = [this](const char* what) {
        return std::string(what) + " within " + std::to_string(target_->connect_timeout_ms) + " ms";
    };
    switch (state_) {
        case State::kConnecting:
            close(late("no answer"));
            break;
        case State::kHandshaking:
            refuse(made() ? late("no TLS handshake") : "TLS handshake took too long");
            break;
        case State::kChecking:
            refuse("the lookup of the names in the certificate took too long");
            break;
        case State::kDetecting:
            refuse("no request in time");
            break;
        case State::kGreeting:
            close(late("no word of HTTP/2"));
            break;
        case State::kServing:
            refuse("peer takes no bytes");
            break;
        case State::kLingering:
        case State::kClosed:
            close();
            break;
    }
}

}  // namespace quorate::http
