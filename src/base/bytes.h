// SPDX-License-Identifier: Apache-2.0
//
// Byte strings and the few integer encodings that more than one folder needs.
// Any thread. A ByteView borrows: whoever keeps the bytes copies them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quorate {

using Bytes = std::string;
using ByteView = std::string_view;

// Big endian keeps integer order equal to byte order, so it is used for everything that becomes
// an engine key; little endian is used inside log records, where only we read the bytes.
inline void append_be64(Bytes& out, uint64_t value) {
    char raw[8];
    for (int i = 7; i >= 0; --i) {
        raw[i] = static_cast<char>(value & 0xff);
        value >>= 8;
    }
    out.append(raw, sizeof raw);
}

inline uint64_t load_be64(const char* raw) {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) {
        value = (value << 8) | static_cast<unsigned char>(raw[i]);
    }
    return value;
}

inline void store_le32(char* raw, uint32_t value) {
    for (int i = 0; i < 4; ++i) {
        raw[i] = static_cast<char>((value >> (8 * i)) & 0xff);
    }
}

inline uint32_t load_le32(const char* raw) {
    uint32_t value = 0;
    for (int i = 3; i >= 0; --i) {
        value = (value << 8) | static_cast<unsigned char>(raw[i]);
    }
    return value;
}

inline void store_le64(char* raw, uint64_t value) {
    for (int i = 0; i < 8; ++i) {
        raw[i] = static_cast<char>((value >> (8 * i)) & 0xff);
    }
}

inline uint64_t load_le64(const char* raw) {
    uint64_t value = 0;
    for (int i = 7; i >= 0; --i) {
        value = (value << 8) | static_cast<unsigned char>(raw[i]);
    }
    return value;
}

}  // namespace quorate
