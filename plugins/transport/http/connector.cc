// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/connector.h"

#include "plugins/transport/http/loop.h"
#include "plugins/transport/http/target.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace quorate::http {
namespace {

std::string errno_text(int error) {
    return std::system_category().message(error);
}

}  // namespace

Connector::Connector(Loop& loop, Owner& owner) : loop_(loop), owner_(owner) {}

Connector::~Connector() {
    loop_.timers().cancel(*this);
    if (ticket_ != 0) {
        loop_.forget_lookup(ticket_);
    }
}

void Connector::start(const Target& target, int64_t due_ms) {
    target_ = &target;
    due_ms_ = due_ms;
    if (parse_address(target.host, target.port, addresses_)) {
        try_next();
    } else {
        ticket_ = loop_.look_up(*this, target.host, target.port);
    }
}

void Connector::on_resolved(Resolved&& resolved) {
    ticket_ = 0;
    addresses_ = std::move(resolved.addresses);
    failure_ = "name lookup: " + resolved.error;
    try_next();
}

void Connector::try_next() {
    while (next_ < addresses_.size()) {
        const Address& address = addresses_[next_++];
        fd_ = UniqueFd(
            ::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!fd_) {
            failure_ = errno_text(errno);
            continue;
        }
        if (std::string why = bind_for(address); !why.empty()) {
            failure_ = std::move(why);
            continue;
        }
        const int on = 1;
        static_cast<void>(::setsockopt(fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
        if (::connect(fd(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0 &&
            errno != EINPROGRESS) {
            failure_ = errno_text(errno);
            continue;
        }
        // A connection that is there at once is announced by epoll like any other.
        loop_.watch(*this);
        const auto left = static_cast<int64_t>(addresses_.size() - next_);
        if (left > 0) {
            const int64_t share_ms = (due_ms_ - loop_.now_ms()) / (left + 1);
            loop_.timers().arm(*this, loop_.now_ms() + std::max<int64_t>(share_ms, 1));
        }
        return;
    }
    fd_.reset();
    owner_.on_connect_failed(std::move(failure_));
}

std::string Connector::bind_for(const Address& address) const {
    if (!target_->local_address || address.bytes.ss_family == AF_UNIX) {
        return {};
    }
    const Address& local = *target_->local_address;
    if (local.bytes.ss_family != address.bytes.ss_family) {
        return "of another family than the local address that calls are to come from";
    }
    // The port is chosen when the other side is known, so calls to several may have the same.
    const int on = 1;
    static_cast<void>(::setsockopt(fd(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on));
    if (::bind(fd(), reinterpret_cast<const sockaddr*>(&local.bytes), local.size) != 0) {
        return "the local address that calls are to come from: " + errno_text(errno);
    }
    return {};
}

void Connector::on_ready() {
    if (!fd_) {
        return;
    }
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) {
        error = errno;
    }
    if (error != 0) {
        fail_address(errno_text(error));
        return;
    }
    loop_.timers().cancel(*this);
    loop_.unwatch(*this);
    owner_.on_connected(std::move(fd_));
}

void Connector::on_timer() {
    fail_address("no answer");
}

void Connector::fail_address(std::string why) {
    loop_.timers().cancel(*this);
    failure_ = std::move(why);
    fd_.reset();
    try_next();
}

}  // namespace quorate::http
