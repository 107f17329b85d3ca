// SPDX-License-Identifier: Apache-2.0
#include "connection.h"

#include "base/assert.h"
#include "base/errors.h"
#include "gateway_session.h"
#include "grpc_session.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace quorate::load {
namespace {

constexpr size_t kReadBytes = 256 << 10;  // one read, shared by all connections of a thread

Status system_error(std::string what) {
    return {errors::kUnavailable, std::move(what) + ": " + std::strerror(errno)};
}

Result<int> connect_to(const Endpoint& endpoint) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const std::string port = std::to_string(endpoint.port);
    const int failure = getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &found);
    if (failure != 0) {
        return Status(errors::kUnavailable, endpoint.host + ": " + gai_strerror(failure));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> list(found, freeaddrinfo);
    Status status(errors::kUnavailable, endpoint.host + ": no address");
    for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
        const int fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0) {
            return system_error("socket");
        }
        if (connect(fd, one->ai_addr, one->ai_addrlen) == 0) {
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
            return fd;
        }
        status = system_error("cannot connect to " + endpoint.authority);
        ::close(fd);
    }
    return status;
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Endpoint& endpoint,
                                                     std::vector<Connection*>& unsent) {
    Result<int> fd = connect_to(endpoint);
    if (!fd) {
        return fd.error();
    }
    std::unique_ptr<Tls> tls;
    if (endpoint.tls) {
        Result<std::unique_ptr<Tls>> opened = Tls::open(*endpoint.tls, *fd, endpoint.host);
        if (!opened) {
            ::close(*fd);
            return opened.error();
        }
        tls = std::move(*opened);
    }
    fcntl(*fd, F_SETFL, fcntl(*fd, F_GETFL) | O_NONBLOCK);
    std::unique_ptr<Connection> connection(new Connection(*fd, std::move(tls), unsent));
    if (endpoint.gateway) {
        connection->session_ = std::make_unique<GatewaySession>(*connection, endpoint);
        return connection;
    }
    Result<std::unique_ptr<GrpcSession>> session = GrpcSession::open(*connection, endpoint);
    if (!session) {
        return session.error();
    }
    connection->session_ = std::move(*session);
    connection->flush();
    return connection;
}

Connection::~Connection() {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

Stream& Connection::start(Method method, const google::protobuf::MessageLite& message,
                          Sending sending, StreamHandler& handler) {
    QUORATE_ASSERT(!closed());
    Stream& stream = acquire();
    stream.handler = &handler;
    stream.half_close = sending == Sending::kUnary;
    session_->start(stream, method, message);
    return stream;
}

void Connection::send(Stream& stream, const google::protobuf::MessageLite& message) {
    QUORATE_ASSERT(!stream.half_close);
    session_->send(stream, message);
}

void Connection::mark_unsent() {
    if (!marked_) {
        marked_ = true;
        unsent_.push_back(this);
    }
}

ssize_t Connection::read_some(void* into, size_t size) {
    return tls_ ? tls_->read(into, size) : ::read(fd_, into, size);
}

ssize_t Connection::send_some(const void* data, size_t size) {
    return tls_ ? tls_->send(data, size) : ::send(fd_, data, size, MSG_NOSIGNAL);
}

void Connection::on_readable() {
    static thread_local std::string buffer(kReadBytes, '\0');
    while (!closed()) {
        const ssize_t got = read_some(buffer.data(), buffer.size());
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0 && errno == EAGAIN) {
            return;
        }
        if (got <= 0) {
            close(got == 0 ? "the server closed the connection" : std::strerror(errno));
            return;
        }
        const auto size = static_cast<size_t>(got);
        if (const std::string why = session_->receive({buffer.data(), size}); !why.empty()) {
            close(why);
            return;
        }
        if (!tls_ && size < buffer.size()) {
            return;  // a short read: the socket is empty, and epoll is level-triggered anyway
        }
    }
}

void Connection::flush() {
    marked_ = false;
    while (!closed()) {
        if (const std::string why = session_->produce(pending_); !why.empty()) {
            close(why);
            return;
        }
        if (pending_.empty()) {
            return;
        }
        const ssize_t wrote = send_some(pending_.data() + written_, pending_.size() - written_);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote < 0 && errno == EAGAIN) {
            return;
        }
        if (wrote < 0) {
            close(std::strerror(errno));
            return;
        }
        written_ += static_cast<size_t>(wrote);
        if (written_ == pending_.size()) {
            pending_.clear();
            written_ = 0;
        }
    }
}

void Connection::close(std::string_view why) {
    if (closed()) {
        return;
    }
    ::close(fd_);
    fd_ = -1;
    const GrpcStatus status{GrpcStatus::kUnavailable, "connection lost: " + std::string(why)};
    // Handlers see closed() and start nothing new here, so the list does not grow underneath.
    for (const std::unique_ptr<Stream>& stream : streams_) {
        if (stream->busy) {
            stream->handler->on_end(*stream, status);
            release(*stream);
        }
    }
}

void Connection::end(Stream& stream) {
    stream.handler->on_end(stream, stream.status);
    release(stream);
}

Stream& Connection::acquire() {
    if (free_.empty()) {
        streams_.push_back(std::make_unique<Stream>());
        streams_.back()->connection = this;
        free_.push_back(streams_.back().get());
    }
    Stream& stream = *free_.back();
    free_.pop_back();
    stream.busy = true;
    return stream;
}

void Connection::release(Stream& stream) {
    stream.busy = false;
    stream.id = -1;
    stream.flaw = nullptr;
    stream.messages = 0;
    stream.out.clear();
    stream.sent = 0;
    stream.deferred = false;
    stream.in.clear();
    stream.http_status = 0;
    stream.has_status = false;
    stream.status.code = 0;
    stream.status.text.clear();
    free_.push_back(&stream);
}

}  // namespace quorate::load
