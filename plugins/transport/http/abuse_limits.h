// SPDX-License-Identifier: Apache-2.0
//
// Bounds on what a peer may do for free. Pure; time is handed in, in milliseconds.
#pragma once

#include <algorithm>
#include <cstdint>

namespace quorate::http {

// `burst` events at once, refilled at `per_second`.
class TokenBucket {
  public:
    TokenBucket(uint64_t burst, uint64_t per_second)
        : burst_milli_(burst * 1000), per_second_(per_second), milli_(burst_milli_) {}

    // False when the bucket is empty.
    [[nodiscard]] bool take(int64_t now_ms) {
        if (now_ms > last_ms_) {
            const auto passed_ms = static_cast<uint64_t>(now_ms - last_ms_);
            // A day refills any bucket that can be configured; more would overflow.
            const uint64_t counted_ms = std::min<uint64_t>(passed_ms, 86400000);
            milli_ = std::min(burst_milli_, milli_ + counted_ms * per_second_);
            last_ms_ = now_ms;
        }
        if (milli_ < 1000) {
            return false;
        }
        milli_ -= 1000;
        return true;
    }

  private:
    const uint64_t burst_milli_;
    const uint64_t per_second_;
    uint64_t milli_;
    int64_t last_ms_ = 0;
};

// grpc-go's rule for pings of a client: a ping that follows the one before too soon is a strike,
// unless the server has sent headers or data since. The third strike ends the connection.
class PingPolicy {
  public:
    PingPolicy(int64_t min_time_ms, bool permit_without_stream)
        : min_time_ms_(min_time_ms), permit_without_stream_(permit_without_stream) {}

    void on_sent_headers_or_data() { forgive_ = true; }

    // False when this ping is one too many.
    [[nodiscard]] bool on_ping(int64_t now_ms, bool has_streams) {
        const int64_t last_ms = last_ms_;
        last_ms_ = now_ms;
        if (forgive_) {
            forgive_ = false;
            strikes_ = 0;
            return true;
        }
        const bool idle = !has_streams && !permit_without_stream_;
        const int64_t min_ms = idle ? kIdleMinTimeMs : min_time_ms_;
        if (last_ms != kNever && now_ms < last_ms + min_ms) {
            ++strikes_;
        }
        return strikes_ <= kStrikesMax;
    }

  private:
    static constexpr int64_t kIdleMinTimeMs = 2 * 3600 * 1000;
    static constexpr int kStrikesMax = 2;
    static constexpr int64_t kNever = INT64_MIN;

    const int64_t min_time_ms_;
    const bool permit_without_stream_;
    bool forgive_ = false;
    int strikes_ = 0;
    int64_t last_ms_ = kNever;
};

}  // namespace quorate::http
