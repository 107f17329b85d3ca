// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/channel.h"

#include "plugins/transport/http/http2_client_session.h"
#include "plugins/transport/http/http2_stream.h"
#include "plugins/transport/http/loop.h"

#include <string>
#include <utility>

namespace quorate::http {

using plugin::Status;
using plugin::view;

Channel::Channel(Loop& loop, std::shared_ptr<const Target> target,
                 const quorate_client_events& events)
    : loop_(loop), target_(std::move(target)), events_(events) {}

Channel::~Channel() {
    for (Http2ClientSession* session : sessions_) {
        session->leave_channel();
    }
}

// --- any thread ----------------------------------------------------------------------------------

bool Channel::call(const quorate_call_start& start, void* user, quorate_request*& ret_request) {
    if (!loop_.started()) {
        return false;
    }
    auto opening = std::make_unique<CallOpening>();
    opening->path = view(start.path);
    for (size_t i = 0; i < start.header_count; ++i) {
        opening->headers.emplace_back(view(start.headers[i].name), view(start.headers[i].value));
    }
    if (start.timeout_ms != 0) {
        opening->due_ms = loop_.host().now_ms() + static_cast<int64_t>(start.timeout_ms);
    }
    auto stream = std::make_unique<Http2Stream>(loop_, events_, user, target_->send_buffer_bytes,
                                                target_->limits.message_bytes_max);
    quorate_request* const before = std::exchange(ret_request, stream.get());
    if (!stream->open(*this, std::move(opening))) {
        ret_request = before;
        return false;
    }
    static_cast<void>(stream.release());  // it frees itself
    return true;
}

void Channel::hang_up() {
    Command command{nullptr, Command::Kind::kHangUp};
    command.channel = this;
    Loop& loop = loop_;
    if (loop.mailbox().push(std::move(command), {})) {
        loop.flush();
    } else {
        delete this;
    }
}

// --- the loop's thread ---------------------------------------------------------------------------

void Channel::begin(Call& call, std::unique_ptr<CallOpening> opening) {
    if (loop_.stopping()) {
        call.end_made({QUORATE_UNAVAILABLE, "transport is stopping", true});
        return;
    }
    usable_session().open(static_cast<Http2Stream&>(call), std::move(opening));
}

Http2ClientSession& Channel::usable_session() {
    if (current_ == nullptr) {
        current_ = &loop_.dial(*this, target_);
        sessions_.push_back(current_);
    }
    return *current_;
}

void Channel::end() {
    const std::unique_ptr<Channel> last(this);
    const std::vector<Http2ClientSession*> sessions = std::move(sessions_);
    sessions_.clear();
    for (Http2ClientSession* session : sessions) {
        session->leave_channel();
        session->hang_up();
    }
}

void Channel::retire(const Http2ClientSession& session) {
    if (current_ == &session) {
        current_ = nullptr;
    }
}

void Channel::forget(const Http2ClientSession& session) {
    retire(session);
    std::erase(sessions_, &session);
}

// --- settings ------------------------------------------------------------------------------------

namespace {

Status set_local_address(const quorate_dial& where, Target& target) {
    const std::string local(view(where.local_address));
    if (local.empty()) {
        return {};
    }
    std::vector<Address> addresses;
    if (local == "localhost" || is_socket_path(local) || !parse_address(local, 0, addresses)) {
        return {QUORATE_INVALID_ARGUMENT, "cannot dial " + target.address + " from \"" + local +
                                              "\", which is no IP address"};
    }
    target.local_address = addresses.front();
    return {};
}

}  // namespace

Status make_target(const quorate_dial& where, const Options& options, TlsReloader& tls,
                   std::shared_ptr<const Target>& ret_target) {
    auto target = std::make_shared<Target>();
    target->host = view(where.host);
    const bool local = is_socket_path(target->host);
    if (target->host.empty() || (where.port == 0) != local || where.port > UINT16_MAX) {
        return {QUORATE_INVALID_ARGUMENT, "cannot dial \"" + target->host + "\" port " +
                                              std::to_string(where.port) +
                                              ": needs a host and a port from 1 to 65535"};
    }
    target->port = static_cast<uint16_t>(where.port);
    const bool v6 = !local && target->host.find(':') != std::string::npos;
    target->address =
        local ? target->host
              : (v6 ? "[" + target->host + "]" : target->host) + ":" + std::to_string(where.port);
    if (Status bound = set_local_address(where, *target); !bound.ok()) {
        return bound;
    }
    if (where.connect_timeout_ms == 0 ||
        (where.keepalive_ms != 0 && where.keepalive_timeout_ms == 0)) {
        return {QUORATE_INVALID_ARGUMENT,
                "cannot dial " + target->address + ": a timeout is 0 and would always be over"};
    }
    target->connect_timeout_ms = where.connect_timeout_ms;
    target->keepalive = {where.keepalive_ms, where.keepalive_timeout_ms};
    target->send_buffer_bytes =
        where.send_buffer_bytes != 0 ? where.send_buffer_bytes : options.send_buffer_bytes;
    Status limited =
        ReceiveLimits::make(options, where.receive_bytes_max, where.stream_window_bytes,
                            where.connection_window_bytes, target->limits);
    if (!limited.ok()) {
        return limited;
    }
    if (where.tls != nullptr) {
        Status loaded = tls.open(TlsSettings::of_client(*where.tls), target->tls);
        if (!loaded.ok()) {
            return loaded;
        }
        target->server_name = view(where.tls->server_name);
        if (target->server_name.empty()) {
            target->server_name = local ? "localhost" : target->host;
        }
    }
    ret_target = std::move(target);
    return {};
}

}  // namespace quorate::http
