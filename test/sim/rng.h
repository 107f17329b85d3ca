// SPDX-License-Identifier: Apache-2.0
//
// Streams of random numbers, all from one seed and independent of each other: taking more from one
// leaves the others as they were. So a run without one of its faults stays like the run with it for
// as long as possible, which is what shrinking lives on. Values.
#pragma once

#include <cstdint>
#include <string_view>

namespace quorate::sim {

class Rng {
  public:
    explicit Rng(uint64_t seed) : state_(seed) {}
    Rng(uint64_t seed, std::string_view name, uint64_t number = 0) : state_(seed) {
        for (const char c : name) {
            state_ = next() ^ static_cast<uint8_t>(c);
        }
        state_ = next() ^ number;
    }

    // splitmix64.
    uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    uint64_t below(uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    int64_t between(int64_t low, int64_t high) {
        return low + static_cast<int64_t>(below(static_cast<uint64_t>(high - low + 1)));
    }
    bool permille(uint64_t rate) { return below(1000) < rate; }
    // Many short ones, few long ones: 2^0 to 2^(log2_max) units.
    int64_t skewed(int64_t unit, uint64_t log2_max) {
        return static_cast<int64_t>(1 + below(static_cast<uint64_t>(unit))) << below(log2_max + 1);
    }

  private:
    uint64_t state_;
};

}  // namespace quorate::sim
