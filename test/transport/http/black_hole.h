// SPDX-License-Identifier: Apache-2.0
//
// BlackHole: a server that never says a word, unless told to.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace quorate::http::testing {

// A socket that listens and does not accept.
class BlackHole {
  public:
    BlackHole() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
        EXPECT_EQ(::listen(fd_, 1), 0);
        ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    ~BlackHole() { close(); }
    void close() {
        if (fd_ >= 0) {
            ::close(std::exchange(fd_, -1));
        }
    }
    // Accepts one connection after all, says `text` and waits for the other side to close.
    void answer(std::string_view text) const {
        const int peer = ::accept(fd_, nullptr, nullptr);
        EXPECT_EQ(::send(peer, text.data(), text.size(), MSG_NOSIGNAL),
                  static_cast<ssize_t>(text.size()));
        std::array<char, 4096> ignored;
        while (::recv(peer, ignored.data(), ignored.size(), 0) > 0) {
        }
        ::close(peer);
    }
    // Accepts one connection after all, and tells the address that it comes from.
    std::string caller() const {
        sockaddr_in address{};
        socklen_t size = sizeof address;
        const int peer = ::accept(fd_, reinterpret_cast<sockaddr*>(&address), &size);
        EXPECT_GE(peer, 0);
        ::close(peer);
        std::array<char, INET_ADDRSTRLEN> text{};
        return ::inet_ntop(AF_INET, &address.sin_addr, text.data(), text.size());
    }
    uint16_t port() const { return port_; }

  private:
    int fd_;
    uint16_t port_ = 0;
};

}  // namespace quorate::http::testing
