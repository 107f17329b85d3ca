// SPDX-License-Identifier: Apache-2.0
//
// Loop: the connections of one thread and the epoll that drives them. One thread.
#pragma once

#include "base/status.h"
#include "connection.h"
#include "endpoint.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace quorate::load {

enum class Waiting : uint8_t {
    kAsleep,
    kPolling,  // never asleep: what is measured is without the time that this thread takes to wake
};

class Loop {
  public:
    static Result<std::unique_ptr<Loop>> open(Waiting waiting);
    ~Loop();
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;

    // Connects; the connection lives as long as the loop.
    Result<Connection*> connect(const Endpoint& endpoint);
    // Sends what is queued, waits for sockets at most `timeout_ns`, or not at all when
    // polling, serves those that are ready.
    void turn(int64_t timeout_ns);
    // How many connections are still open.
    size_t open_connections() const;

  private:
    static constexpr int kReadyMax = 256;

    Loop(int epoll_fd, Waiting waiting) : epoll_fd_(epoll_fd), waiting_(waiting) {}
    void serve(Connection& connection, uint32_t events);
    void flush_unsent();
    void flush(Connection& connection);

    const int epoll_fd_;
    const Waiting waiting_;
    std::vector<Connection*> unsent_;
    std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace quorate::load
