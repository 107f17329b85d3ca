// SPDX-License-Identifier: Apache-2.0
#include "key_space.h"

#include "base/assert.h"

#include <algorithm>
#include <cmath>

namespace quorate::load {
namespace {

constexpr double kTheta = 0.99;  // the skew that YCSB made customary

double zeta(uint64_t count) {
    double sum = 0;
    for (uint64_t i = 1; i <= count; ++i) {
        sum += std::pow(1.0 / static_cast<double>(i), kTheta);
    }
    return sum;
}

}  // namespace

void make_key(const KeyShape& shape, uint64_t number, std::string& out) {
    QUORATE_ASSERT(number < KeyShape::kCountMax);
    size_t size = shape.size_min;
    if (shape.size_max > shape.size_min) {
        size += Random::mix(number) % (shape.size_max - shape.size_min + 1);
    }
    out.assign(shape.prefix);
    char digits[KeyShape::kDigits];
    for (size_t i = KeyShape::kDigits; i > 0; --i) {
        digits[i - 1] = static_cast<char>('0' + number % 10);
        number /= 10;
    }
    out.append(digits, sizeof digits);
    out.resize(std::max(size, out.size()), '.');
}

KeyPicker::KeyPicker(Order order, uint64_t count, Lane lane, uint64_t seed)
    : order_(order),
      count_(count),
      lane_(lane),
      random_(Random::mix(seed) ^ Random::mix(lane.index + 1)) {
    QUORATE_ASSERT(count > 0);
    QUORATE_ASSERT(lane.index < lane.lanes);
    if (order == Order::kZipf) {
        const auto n = static_cast<double>(count);
        zeta_ = zeta(count);
        alpha_ = 1.0 / (1.0 - kTheta);
        eta_ = (1.0 - std::pow(2.0 / n, 1.0 - kTheta)) /
               (1.0 - zeta(std::min<uint64_t>(2, count)) / zeta_);
    }
}

uint64_t KeyPicker::next() {
    switch (order_) {
        case Order::kSequential:
            return (lane_.index + lane_.lanes * sequence_++) % count_;
        case Order::kRandom:
            return random_.below(count_);
        case Order::kZipf:
            return zipf();
    }
    return 0;
}

uint64_t KeyPicker::zipf() {
    const double u = random_.unit();
    const double uz = u * zeta_;
    uint64_t rank = 0;
    if (uz >= 1.0) {
        rank = 1;
        if (uz >= 1.0 + std::pow(0.5, kTheta)) {
            rank = static_cast<uint64_t>(static_cast<double>(count_) *
                                         std::pow(eta_ * u - eta_ + 1.0, alpha_));
        }
    }
    // Popular keys are spread over the key space, as they are in life.
    return Random::mix(std::min(rank, count_ - 1)) % count_;
}

}  // namespace quorate::load
