// SPDX-License-Identifier: Apache-2.0
//
// Telling the service manager how we are (systemd's notification protocol: a datagram to the socket
// named by NOTIFY_SOCKET). Without such a socket nothing happens.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace quorate {

// `state` is one or more lines such as "READY=1" or "STOPPING=1". Any thread.
void notify_service_manager(std::string_view state);

// The watchdog of the service manager: it ends a process that has not been heard of for as long as
// WATCHDOG_USEC says, once the process has said that it is ready. One thread.
class ServiceWatchdog {
  public:
    // From the environment; off when it is meant for another process.
    ServiceWatchdog();

    bool is_on() const { return period_us_ > 0; }
    // Says that we are alive, four times in the watchdog's time at most.
    void feed(int64_t monotonic_ns);
    // To go into the message that says we are ready: sets the watchdog's time again, which
    // suspend() has taken away. Empty when it is off.
    std::string resume_line() const;
    // While the process starts again in place nobody feeds it, for as long as that takes.
    void suspend() const;

  private:
    int64_t period_us_ = 0;
    int64_t next_feed_ns_ = 0;
};

}  // namespace quorate
