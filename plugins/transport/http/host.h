// SPDX-License-Identifier: Apache-2.0
//
// Host: the server's services in C++ dress, and the transport's log lines. Any thread.
#pragma once

#include "plugin/abi/common.h"
#include "plugin/cxx/barrier.h"

#include <cstdint>
#include <initializer_list>
#include <string_view>

namespace quorate::http {

struct LogField {
    std::string_view key;
    std::string_view value;
};

class Host {
  public:
    explicit Host(const quorate_host& host) : host_(host) {}

    int64_t now_ms() const { return host_.now_ms(host_.ctx); }
    void add(std::string_view metric, uint64_t amount = 1) const {
        host_.metric_add(host_.ctx, plugin::bytes(metric), amount);
    }
    void log(int32_t level, std::string_view message,
             std::initializer_list<LogField> fields = {}) const;

  private:
    const quorate_host& host_;
};

// Lets one line per second through, so that a flood of bad input is not a flood of lines. One
// thread.
class LogGate {
  public:
    // True when the line may be written; `suppressed` is then how many were not since the last.
    bool open(int64_t now_ms, uint64_t& suppressed) {
        if (now_ms - last_ms_ < kQuietMs) {
            ++suppressed_;
            return false;
        }
        last_ms_ = now_ms;
        suppressed = suppressed_;
        suppressed_ = 0;
        return true;
    }

  private:
    static constexpr int64_t kQuietMs = 1000;
    int64_t last_ms_ = -kQuietMs;
    uint64_t suppressed_ = 0;
};

}  // namespace quorate::http
