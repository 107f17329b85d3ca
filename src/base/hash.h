// SPDX-License-Identifier: Apache-2.0
//
// A keyed hash for tables whose keys clients choose: without the seed nobody can make keys collide.
// Values differ between processes and machines, so they are never stored, sent or iterated by.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quorate {

namespace hash_detail {

// Any odd numbers without pattern do.
inline constexpr uint64_t kMultiplierA = 0x9e3779b97f4a7c15;
inline constexpr uint64_t kMultiplierB = 0xd6e8feb86659fd93;

inline uint64_t fold(uint64_t a, uint64_t b) {
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

}  // namespace hash_detail

inline uint64_t hash_number(uint64_t number, uint64_t seed) {
    return hash_detail::fold(number ^ seed, hash_detail::kMultiplierA ^ (seed >> 32));
}

inline uint64_t hash_bytes(ByteView bytes, uint64_t seed) {
    uint64_t hash = seed ^ hash_detail::kMultiplierB;
    const char* at = bytes.data();
    size_t left = bytes.size();
    uint64_t word = 0;
    while (left >= sizeof word) {
        std::memcpy(&word, at, sizeof word);
        hash = hash_detail::fold(hash ^ word, hash_detail::kMultiplierA);
        at += sizeof word;
        left -= sizeof word;
    }
    word = 0;
    if (left > 0) {
        std::memcpy(&word, at, left);
    }
    hash = hash_detail::fold(hash ^ word, hash_detail::kMultiplierB);
    return hash_detail::fold(hash ^ bytes.size(), hash_detail::kMultiplierA);
}

// For std::unordered_map<Bytes, T, BytesHash, std::equal_to<>>: looks up by ByteView.
struct BytesHash {
    using is_transparent = void;
    uint64_t seed = 0;
    size_t operator()(ByteView bytes) const { return hash_bytes(bytes, seed); }
};

struct NumberHash {
    uint64_t seed = 0;
    size_t operator()(int64_t number) const {
        return hash_number(static_cast<uint64_t>(number), seed);
    }
};

}  // namespace quorate
