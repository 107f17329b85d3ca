// SPDX-License-Identifier: Apache-2.0
//
// How pairs lie in LMDB, which has neither checksums nor a way to tell that something is missing.
//
// - A value ends with a CRC-32C over key and value.
// - One row, the tally, counts all others and adds up a hash of each. Every write brings it up to
//   date, so that what a walk over the store adds up must come to the same.
// - In front of a key stands the half that it is in. The core appends revisions in table 'K' and
//   rewrites what is behind it all the time; with 'K' at the end of the tree a new record goes into
//   its last leaf, where LMDB leaves full pages behind instead of half empty ones. This is for
//   speed and space alone: any keys may be anywhere.
#pragma once

#include "plugin/cxx/crc32c.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

namespace quorate::lmdb_engine {

inline constexpr size_t kKeyBytesMax = 255;
inline constexpr size_t kChecksumBytes = sizeof(uint32_t);

enum class Half : char { kSecond = 1, kFirst = 2 };  // in the order of the keys kFirst comes first
inline constexpr char kFirstHalfEnd = 'K';
inline constexpr std::string_view kTallyKey("\0", 1);

inline Half half_of(std::string_view key) {
    const auto byte = static_cast<unsigned char>(key.empty() ? '\0' : key.front());
    return byte <= static_cast<unsigned char>(kFirstHalfEnd) ? Half::kFirst : Half::kSecond;
}

// A key as LMDB has it, at most kKeyBytesMax long before.
class StoredKey {
  public:
    StoredKey(Half half, std::string_view key) : bytes_(1 + key.size()) {
        buffer_[0] = static_cast<char>(half);
        std::copy(key.begin(), key.end(), buffer_.begin() + 1);
    }
    explicit StoredKey(std::string_view key) : StoredKey(half_of(key), key) {}
    // The first key behind a half.
    static StoredKey end_of(Half half) {
        return StoredKey(static_cast<Half>(static_cast<char>(half) + 1), {});
    }
    std::string_view view() const { return {buffer_.data(), bytes_}; }

  private:
    std::array<char, 1 + kKeyBytesMax> buffer_;
    size_t bytes_;
};

inline uint32_t record_checksum(std::string_view stored_key, std::string_view value) {
    return plugin::crc32c_extend(plugin::crc32c(stored_key), value);
}

inline std::optional<uint32_t> stored_checksum(std::string_view stored_value) {
    if (stored_value.size() < kChecksumBytes) {
        return std::nullopt;
    }
    uint32_t sum = 0;
    std::memcpy(&sum, stored_value.data() + stored_value.size() - kChecksumBytes, kChecksumBytes);
    return sum;
}

// The value as it was given; nothing when it is not what was stored under the key.
inline std::optional<std::string_view> checked_value(std::string_view stored_key,
                                                     std::string_view stored_value) {
    const std::optional<uint32_t> sum = stored_checksum(stored_value);
    if (!sum) {
        return std::nullopt;
    }
    stored_value.remove_suffix(kChecksumBytes);
    return record_checksum(stored_key, stored_value) == *sum ? std::optional(stored_value)
                                                             : std::nullopt;
}

struct Tally {
    uint64_t transaction = 0;  // LMDB's number of the write that left this
    uint64_t rows = 0;
    uint64_t hash = 0;  // sum over all rows, which does not depend on their order

    void add(std::string_view stored_key, std::string_view stored_value) {
        ++rows;
        hash += hash_of(stored_key, stored_value);
    }
    void remove(std::string_view stored_key, std::string_view stored_value) {
        --rows;
        hash -= hash_of(stored_key, stored_value);
    }
    bool operator==(const Tally&) const = default;

    // Of a row that was checked. splitmix64's finish, so that small differences make large ones.
    static uint64_t hash_of(std::string_view stored_key, std::string_view stored_value) {
        uint64_t x = uint64_t{stored_checksum(stored_value).value_or(0)} << 32 ^
                     stored_value.size() << 9 ^ stored_key.size();
        x += 0x9e3779b97f4a7c15U;
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        return x ^ (x >> 31);
    }
};

}  // namespace quorate::lmdb_engine
