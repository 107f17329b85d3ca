// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/listener.h"

#include "plugins/transport/http/resolver.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

namespace quorate::http {
namespace {

using plugin::Status;

constexpr int kBacklog = 4096;

struct FreeAddresses {
    void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

std::string address_text(const std::string& host, uint32_t port) {
    const bool v6 = host.find(':') != std::string::npos;
    return (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::string errno_text(int error) {
    return std::system_category().message(error);
}

void set_flag(int fd, int level, int name) {
    const int on = 1;
    static_cast<void>(::setsockopt(fd, level, name, &on, sizeof on));
}

// The port of a bound or connected address, and its text.
uint16_t port_of(const sockaddr_storage& address) {
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        return ntohs(v6.sin6_port);
    }
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return ntohs(v4.sin_port);
}

// The address of a peer without its port; of a socket in the file system it has none.
std::string host_text(const sockaddr_storage& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.ss_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    } else if (address.ss_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    }
    return text.data();
}

// Of a server that has ended; one that runs takes the connection.
bool is_abandoned(const Address& address) {
    const UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return fd &&
           ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) !=
               0 &&
           errno == ECONNREFUSED;
}

Status bind_socket_file(const std::string& host, UniqueFd& ret_fd, std::string& ret_path) {
    Address address;
    if (!socket_address(host, address)) {
        return {QUORATE_INVALID_ARGUMENT, "cannot listen: the path of a socket has 1 to " +
                                              std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                              " characters, not " + host};
    }
    const std::string path = host.substr(host.find(':') + 1);
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const auto bind = [&] {
        return fd && ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes),
                            address.size) == 0;
    };
    bool bound = bind();
    if (!bound && errno == EADDRINUSE && is_abandoned(address)) {
        ::unlink(path.c_str());
        bound = bind();
    }
    if (!bound || ::listen(fd.get(), kBacklog) != 0) {
        return {QUORATE_FAILED_PRECONDITION, "cannot listen on " + host + ": " + errno_text(errno)};
    }
    ret_fd = std::move(fd);
    ret_path = path;
    return {};
}

// -1 with errno set on failure.
int bind_one(const addrinfo& address, bool reuse_port) {
    UniqueFd fd(::socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
        return -1;
    }
    set_flag(fd.get(), SOL_SOCKET, SO_REUSEADDR);
    if (reuse_port) {
        set_flag(fd.get(), SOL_SOCKET, SO_REUSEPORT);
    }
    if (address.ai_family == AF_INET6) {
        set_flag(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY);
    }
    if (::bind(fd.get(), address.ai_addr, address.ai_addrlen) != 0 ||
        ::listen(fd.get(), kBacklog) != 0) {
        return -1;
    }
    return fd.release();
}

Status bind_host(const std::string& host, uint32_t port, bool reuse_port, UniqueFd& ret_fd) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
    // "localhost" must work without a resolver.
    const std::string name = host == "localhost" ? "127.0.0.1" : host;
    addrinfo* found = nullptr;
    const int result = getaddrinfo(name.empty() ? nullptr : name.c_str(),
                                   std::to_string(port).c_str(), &hints, &found);
    const std::unique_ptr<addrinfo, FreeAddresses> list(found);
    if (result != 0) {
        return {QUORATE_INVALID_ARGUMENT,
                "cannot listen on " + address_text(host, port) + ": " + gai_strerror(result)};
    }
    int error = 0;
    for (const addrinfo* address = list.get(); address != nullptr; address = address->ai_next) {
        const int fd = bind_one(*address, reuse_port);
        if (fd >= 0) {
            ret_fd = UniqueFd(fd);
            return {};
        }
        error = errno;
    }
    return {QUORATE_FAILED_PRECONDITION,
            "cannot listen on " + address_text(host, port) + ": " + errno_text(error)};
}

}  // namespace

Listener::~Listener() {
    if (!socket_path_.empty()) {
        ::unlink(socket_path_.c_str());
    }
}

Status Listener::open(const quorate_listen& where, uint32_t id, const Options& options,
                      TlsReloader& tls, std::unique_ptr<Listener>& ret_listener) {
    if (where.port > UINT16_MAX) {
        return {QUORATE_INVALID_ARGUMENT, "port " + std::to_string(where.port) + " is over 65535"};
    }
    if ((where.serve & (QUORATE_SERVE_GRPC | QUORATE_SERVE_HTTP)) == 0) {
        return {QUORATE_INVALID_ARGUMENT, "a listener must serve gRPC, HTTP or both"};
    }
    Service service{id, where.serve, where.uncounted == 0, {}, where.keepalive_min_time_ms};
    if (service.keepalive_min_time_ms == 0) {
        service.keepalive_min_time_ms = static_cast<int64_t>(options.keepalive_min_time);
    }
    const Status limited =
        ReceiveLimits::make(options, where.receive_bytes_max, where.stream_window_bytes,
                            where.connection_window_bytes, service.limits);
    if (!limited.ok()) {
        return limited;
    }
    std::unique_ptr<Listener> listener(new Listener(service));
    if (where.tls != nullptr) {
        const Status loaded = tls.open(TlsSettings::of_listener(*where.tls), listener->tls_);
        if (!loaded.ok()) {
            return loaded;
        }
        listener->takes_plain_ = where.plain_too != 0;
    }
    if (const std::string_view name = plugin::view(where.name); !name.empty()) {
        listener->rejected_ += " on " + std::string(name) + " endpoint";
    }
    const Status bound =
        listener->bind(std::string(plugin::view(where.host)), where.port, options.reuse_port == 1);
    if (!bound.ok()) {
        return bound;
    }
    ret_listener = std::move(listener);
    return {};
}

Status Listener::bind(const std::string& host, uint32_t port, bool reuse_port) {
    if (is_socket_path(host)) {
        return bind_socket_file(host, fd_, socket_path_);
    }
    Status bound = bind_host(host, port, reuse_port, fd_);
    if (!bound.ok()) {
        return bound;
    }
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (::getsockname(fd(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        return {QUORATE_INTERNAL, "cannot read the bound address: " + errno_text(errno)};
    }
    port_ = port_of(address);
    return {};
}

AcceptResult accept_one(const Listener& listener, Accepted& ret_accepted) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    UniqueFd fd(::accept4(listener.fd(), reinterpret_cast<sockaddr*>(&address), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!fd) {
        switch (errno) {
            case EAGAIN:
                return AcceptResult::kNothing;
            case EMFILE:
            case ENFILE:
            case ENOBUFS:
            case ENOMEM:
                return AcceptResult::kNoDescriptors;
            default:  // the peer has gone again, or a network error of its connection
                return AcceptResult::kAgain;
        }
    }
    set_flag(fd.get(), IPPROTO_TCP, TCP_NODELAY);
    std::string host = host_text(address);
    std::string peer = host.empty() ? "@" : address_text(host, port_of(address));
    ret_accepted = {std::move(fd), std::move(peer), std::move(host), &listener};
    return AcceptResult::kOk;
}

}  // namespace quorate::http
