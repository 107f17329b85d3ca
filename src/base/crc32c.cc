// SPDX-License-Identifier: Apache-2.0
#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace quorate {
namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<uint32_t, 256> make_table() {
    std::array<uint32_t, 256> table{};
    for (uint32_t i = 0; i < 256; ++i) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; ++bit) {
            value = (value & 1) != 0 ? (value >> 1) ^ kPolynomial : value >> 1;
        }
        table[i] = value;
    }
    return table;
}

constexpr auto kTable = make_table();

uint32_t extend_by_table(uint32_t crc, ByteView data) {
    for (const char c : data) {
        crc = kTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
    }
    return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t extend_by_instruction(uint32_t crc, ByteView data) {
    const char* at = data.data();
    size_t left = data.size();
    uint64_t wide = crc;
    while (left >= 8) {
        uint64_t word;
        std::memcpy(&word, at, sizeof word);
        wide = _mm_crc32_u64(wide, word);
        at += 8;
        left -= 8;
    }
    auto narrow = static_cast<uint32_t>(wide);
    while (left > 0) {
        narrow = _mm_crc32_u8(narrow, static_cast<unsigned char>(*at));
        ++at;
        --left;
    }
    return narrow;
}
#endif

}  // namespace

uint32_t crc32c_extend(uint32_t crc, ByteView data) {
    crc = ~crc;
#if defined(__x86_64__)
    static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
    if (has_instruction) {
        return ~extend_by_instruction(crc, data);
    }
#endif
    return ~extend_by_table(crc, data);
}

}  // namespace quorate
