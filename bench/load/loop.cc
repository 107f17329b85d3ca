// SPDX-License-Identifier: Apache-2.0
#include "loop.h"

#include "base/errors.h"
#include "load_time.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace quorate::load {

Result<std::unique_ptr<Loop>> Loop::open(Waiting waiting) {
    const int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0) {
        return Status(errors::kUnavailable, std::string("epoll: ") + std::strerror(errno));
    }
    return std::unique_ptr<Loop>(new Loop(fd, waiting));
}

Loop::~Loop() {
    ::close(epoll_fd_);
}

Result<Connection*> Loop::connect(const Endpoint& endpoint) {
    Result<std::unique_ptr<Connection>> opened = Connection::open(endpoint, unsent_);
    if (!opened) {
        return opened.error();
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = opened->get();
    if (epoll_ctl(epoll_fd_, EPOLL_CTL_ADD, (*opened)->fd(), &event) != 0) {
        return Status(errors::kUnavailable, std::string("epoll: ") + std::strerror(errno));
    }
    connections_.push_back(std::move(*opened));
    return connections_.back().get();
}

void Loop::turn(int64_t timeout_ns) {
    flush_unsent();
    const int64_t wait =
        waiting_ == Waiting::kPolling ? 0 : std::clamp<int64_t>(timeout_ns, 0, kSecondNs);
    const timespec timeout{wait / kSecondNs, wait % kSecondNs};
    std::array<epoll_event, kReadyMax> ready;
    const int count = epoll_pwait2(epoll_fd_, ready.data(), kReadyMax, &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = ready[static_cast<size_t>(i)];
        serve(*static_cast<Connection*>(event.data.ptr), event.events);
    }
}

size_t Loop::open_connections() const {
    return static_cast<size_t>(std::count_if(connections_.begin(), connections_.end(),
                                             [](const auto& one) { return !one->closed(); }));
}

void Loop::serve(Connection& connection, uint32_t events) {
    if (connection.closed()) {
        return;
    }
    if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) {
        connection.on_readable();
    }
    flush(connection);  // also what nghttp2 answers by itself: settings, pings, windows
    flush_unsent();
}

void Loop::flush_unsent() {
    // A flush that loses its connection runs handlers, which may queue more elsewhere.
    while (!unsent_.empty()) {
        Connection& connection = *unsent_.back();
        unsent_.pop_back();
        flush(connection);
    }
}

void Loop::flush(Connection& connection) {
    if (connection.closed()) {
        return;
    }
    connection.flush();
    if (connection.closed() || connection.blocked() == connection.awaits_writable) {
        return;
    }
    connection.awaits_writable = connection.blocked();
    epoll_event event{};
    event.events = connection.awaits_writable ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &connection;
    epoll_ctl(epoll_fd_, EPOLL_CTL_MOD, connection.fd(), &event);
}

}  // namespace quorate::load
