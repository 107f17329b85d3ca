// SPDX-License-Identifier: Apache-2.0
//
// Histogram: latencies in logarithmic buckets, each at most 0.8 % wide, so that percentiles of any
// number of requests cost a fixed 27 KiB. Nanoseconds; what is beyond the range counts as its end.
// A value; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::load {

class Histogram {
  public:
    static constexpr int64_t kMaxNs = (int64_t{1} << 40) - 1;  // about 18 minutes

    Histogram();

    void record(int64_t ns);
    void merge(const Histogram& other);
    void clear();

    uint64_t count() const { return count_; }
    int64_t max() const { return max_; }
    double mean() const;
    // The smallest bucket bound that `percent` of all values do not exceed, never above max();
    // 0 when nothing was recorded.
    int64_t percentile(double percent) const;

  private:
    std::vector<uint64_t> buckets_;
    uint64_t count_ = 0;
    int64_t max_ = 0;
    double sum_ = 0;
};

}  // namespace quorate::load
