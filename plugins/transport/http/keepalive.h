// SPDX-License-Identifier: Apache-2.0
//
// Keepalive: watches one connection for silence. After `interval_ms` without a byte of the peer it
// asks for a ping, and if nothing comes within `timeout_ms` the peer is given up. The loop's
// thread.
#pragma once

#include "plugins/transport/http/timer_heap.h"

#include <cstdint>

namespace quorate::http {

class Loop;

class Keepalive final : private Timer {
  public:
    class Peer {
      public:
        virtual void send_keepalive_ping() = 0;
        virtual void on_keepalive_lost() = 0;

      protected:
        ~Peer() = default;
    };
    struct Times {
        int64_t interval_ms;  // 0: never pings
        int64_t timeout_ms;
    };

    Keepalive(Loop& loop, Times times, Peer& peer);
    ~Keepalive() override;

    // From now on silence counts. Nothing happens if it is on already.
    void start();
    void stop();
    // Bytes have come.
    void on_received();

  private:
    void on_timer() override;

    Loop& loop_;
    const Times times_;
    Peer& peer_;
    int64_t last_ms_ = 0;
    bool pinging_ = false;  // a ping is out and nothing has come since
};

}  // namespace quorate::http
