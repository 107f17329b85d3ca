// SPDX-License-Identifier: Apache-2.0
//
// The keys of a run: number i <-> key bytes, and in which order numbers are drawn. A key is the
// prefix, eight digits and padding, so byte order equals number order and a key tells its number.
// Values; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate::load {

// SplitMix64: two multiplications a number, and any seed is a good one.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        state_ += 0x9e3779b97f4a7c15U;
        return mix(state_);
    }
    // Uniform in [0, bound); bound > 0. The bias of the multiplication is below 2^-32 for our
    // bounds.
    uint64_t below(uint64_t bound) { return ((next() >> 32) * bound) >> 32; }
    double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

    static uint64_t mix(uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
        return z ^ (z >> 31);
    }

  private:
    uint64_t state_;
};

struct KeyShape {
    static constexpr size_t kDigits = 8;
    static constexpr uint64_t kCountMax = 100'000'000;

    std::string prefix;
    size_t size_min = 16;  // bytes, prefix included; at least prefix + kDigits
    size_t size_max = 16;  // sizes in between are drawn from the key's number
    uint64_t count = 1;    // numbers are 0 .. count-1, at most kCountMax
};

// Replaces `out` with key `number`.
void make_key(const KeyShape& shape, uint64_t number, std::string& out);

enum class Order : uint8_t { kSequential, kRandom, kZipf };

// Draws key numbers. Threads that share a key space get different `lane`s of `lanes`: sequential
// numbers are dealt out among them, the others are seeded differently.
class KeyPicker {
  public:
    struct Lane {
        uint64_t index = 0;
        uint64_t lanes = 1;
    };
    KeyPicker(Order order, uint64_t count, Lane lane, uint64_t seed);

    uint64_t next();

  private:
    uint64_t zipf();

    const Order order_;
    const uint64_t count_;
    const Lane lane_;
    uint64_t sequence_ = 0;
    Random random_;
    // The constants of Gray et al., "Quickly generating billion-record synthetic databases".
    double zeta_ = 0;
    double eta_ = 0;
    double alpha_ = 0;
};

}  // namespace quorate::load
