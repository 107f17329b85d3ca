// SPDX-License-Identifier: Apache-2.0
#include "base/service_manager.h"

#include "base/log.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <system_error>

namespace quorate {

void notify_service_manager(std::string_view state) {
    const char* const path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    if (path == nullptr || std::strlen(path) >= sizeof address.sun_path || path[0] == '\0') {
        return;
    }
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, path);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';  // an abstract name
    }
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        return;
    }
    if (sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), length) < 0) {
        log::warn("service manager can't be told", {{"socket", path}, {"state", state}});
    }
    close(fd);
}

namespace {

constexpr int64_t kFeedsPerPeriod = 4;
constexpr int64_t kMicrosecond_ns = 1000;

// 0 when there is none, or none that is a whole number.
int64_t number_of_variable(const char* name) {
    const char* const text = std::getenv(name);
    int64_t number = 0;
    if (text == nullptr) {
        return 0;
    }
    const char* const end = text + std::strlen(text);
    const auto [stop, error] = std::from_chars(text, end, number);
    return error == std::errc() && stop == end && number > 0 ? number : 0;
}

}  // namespace

ServiceWatchdog::ServiceWatchdog() {
    const int64_t pid = number_of_variable("WATCHDOG_PID");
    if (pid == 0 || pid == getpid()) {
        period_us_ = number_of_variable("WATCHDOG_USEC");
    }
}

void ServiceWatchdog::feed(int64_t monotonic_ns) {
    if (!is_on() || monotonic_ns < next_feed_ns_) {
        return;
    }
    next_feed_ns_ = monotonic_ns + period_us_ / kFeedsPerPeriod * kMicrosecond_ns;
    notify_service_manager("WATCHDOG=1");
}

std::string ServiceWatchdog::resume_line() const {
    return is_on() ? "\nWATCHDOG_USEC=" + std::to_string(period_us_) : "";
}

void ServiceWatchdog::suspend() const {
    if (is_on()) {
        notify_service_manager("WATCHDOG_USEC=0");
    }
}

}  // namespace quorate
