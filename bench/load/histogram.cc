// SPDX-License-Identifier: Apache-2.0
#include "histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace quorate::load {
namespace {

// Values below 2^kLinearBits have a bucket each; every further power of two is cut into as many
// buckets, so a bucket's width is at most 1/2^kLinearBits of its values.
constexpr int kLinearBits = 7;
constexpr size_t kPerBlock = size_t{1} << kLinearBits;
constexpr int kBlocks = 40 - kLinearBits + 1;

size_t bucket_of(uint64_t value) {
    if (value < kPerBlock) {
        return value;
    }
    const int shift = static_cast<int>(std::bit_width(value)) - 1 - kLinearBits;
    return kPerBlock * static_cast<size_t>(shift) + (value >> shift);
}

uint64_t upper_bound_of(size_t bucket) {
    if (bucket < kPerBlock) {
        return bucket;
    }
    const size_t shift = bucket / kPerBlock - 1;
    const uint64_t mantissa = kPerBlock + bucket % kPerBlock;
    return ((mantissa + 1) << shift) - 1;
}

}  // namespace

Histogram::Histogram() : buckets_(kPerBlock * static_cast<size_t>(kBlocks)) {}

void Histogram::record(int64_t ns) {
    const int64_t value = std::clamp<int64_t>(ns, 0, kMaxNs);
    ++buckets_[bucket_of(static_cast<uint64_t>(value))];
    ++count_;
    sum_ += static_cast<double>(value);
    max_ = std::max(max_, value);
}

void Histogram::merge(const Histogram& other) {
    for (size_t i = 0; i < buckets_.size(); ++i) {
        buckets_[i] += other.buckets_[i];
    }
    count_ += other.count_;
    sum_ += other.sum_;
    max_ = std::max(max_, other.max_);
}

void Histogram::clear() {
    std::fill(buckets_.begin(), buckets_.end(), 0);
    count_ = 0;
    sum_ = 0;
    max_ = 0;
}

double Histogram::mean() const {
    return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

int64_t Histogram::percentile(double percent) const {
    if (count_ == 0) {
        return 0;
    }
    const double wanted = std::ceil(static_cast<double>(count_) * percent / 100.0);
    const auto rank = std::clamp<uint64_t>(static_cast<uint64_t>(wanted), 1, count_);
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen >= rank) {
            return std::min(static_cast<int64_t>(upper_bound_of(i)), max_);
        }
    }
    return max_;
}

}  // namespace quorate::load
