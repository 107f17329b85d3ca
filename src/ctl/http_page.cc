// SPDX-License-Identifier: Apache-2.0
#include "ctl/http_page.h"

#include "base/errors.h"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

namespace quorate::ctl {
namespace {

constexpr size_t kBodyBytesMax = 64 * 1024 * 1024;

class Socket {
  public:
    explicit Socket(int fd) : fd_(fd) {}
    ~Socket() {
        if (fd_ >= 0) {
            close(fd_);
        }
    }
    Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Socket& operator=(Socket&&) = delete;
    int fd() const { return fd_; }

  private:
    int fd_;
};

Status failed(const std::string& what) {
    return {errors::kUnavailable, what};
}

Result<Socket> connect_to(const Url& server, int timeout_ms) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    const int error =
        getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found);
    if (error != 0) {
        return failed(server.address() + ": " + gai_strerror(error));
    }
    const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> freeing(found, freeaddrinfo);
    const timeval timeout{timeout_ms / 1000, (timeout_ms % 1000) * 1000};
    for (const addrinfo* one = found; one != nullptr; one = one->ai_next) {
        Socket socket(::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
        setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
        setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
        if (connect(socket.fd(), one->ai_addr, one->ai_addrlen) == 0) {
            return socket;
        }
    }
    return failed(server.address() + ": " + std::strerror(errno));
}

}  // namespace

Result<std::string> fetch_page(const Url& server, std::string_view path, int timeout_ms) {
    const auto socket = connect_to(server, timeout_ms);
    if (!socket) {
        return socket.error();
    }
    // HTTP/1.0, so that the body ends with the connection.
    const std::string request =
        "GET " + std::string(path) + " HTTP/1.0\r\nHost: " + server.address() + "\r\n\r\n";
    if (send(socket->fd(), request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size())) {
        return failed(server.address() + ": " + std::strerror(errno));
    }
    std::string answer;
    char buffer[16384];
    ssize_t bytes = 0;
    while ((bytes = recv(socket->fd(), buffer, sizeof buffer, 0)) > 0 &&
           answer.size() < kBodyBytesMax) {
        answer.append(buffer, static_cast<size_t>(bytes));
    }
    if (bytes != 0) {
        return failed(server.address() + std::string(path) + ": the answer did not end");
    }
    const size_t body = answer.find("\r\n\r\n");
    const size_t blank = answer.find(' ');
    if (body == std::string::npos || blank == std::string::npos ||
        answer.compare(blank + 1, 3, "200") != 0) {
        return failed(server.address() + std::string(path) + ": answered " +
                      answer.substr(0, answer.find('\r')));
    }
    return answer.substr(body + 4);
}

}  // namespace quorate::ctl
