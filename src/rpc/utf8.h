// SPDX-License-Identifier: Apache-2.0
//
// One character of UTF-8 at a time. Pure, any thread.
#pragma once

#include "base/bytes.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace quorate::rpc {

// The size of the character that `text` begins with, 0 when it begins with none (overlong forms,
// surrogates and numbers beyond Unicode included) or is empty.
inline size_t utf8_size(ByteView text) {
    if (text.empty()) {
        return 0;
    }
    const auto byte = [&text](size_t at) { return static_cast<unsigned char>(text[at]); };
    const auto continues = [&](size_t count) {
        if (text.size() <= count) {
            return false;
        }
        for (size_t i = 1; i <= count; ++i) {
            if ((byte(i) & 0xc0) != 0x80) {
                return false;
            }
        }
        return true;
    };
    const unsigned char first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return continues(1) ? 2 : 0;
    }
    if (first >= 0xe0 && first <= 0xef) {
        const bool fits =
            continues(2) && (first != 0xe0 || byte(1) >= 0xa0) && (first != 0xed || byte(1) < 0xa0);
        return fits ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const bool fits =
            continues(3) && (first != 0xf0 || byte(1) >= 0x90) && (first != 0xf4 || byte(1) < 0x90);
        return fits ? 4 : 0;
    }
    return 0;
}

inline bool is_utf8(ByteView text) {
    while (!text.empty()) {
        const size_t size = utf8_size(text);
        if (size == 0) {
            return false;
        }
        text.remove_prefix(size);
    }
    return true;
}

// `point` is no surrogate and at most 0x10ffff.
inline void append_utf8(uint32_t point, std::string& out) {
    const auto put = [&out](uint32_t value) { out.push_back(static_cast<char>(value)); };
    if (point < 0x80) {
        put(point);
    } else if (point < 0x800) {
        put(0xc0 | (point >> 6));
        put(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        put(0xe0 | (point >> 12));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
    } else {
        put(0xf0 | (point >> 18));
        put(0x80 | ((point >> 12) & 0x3f));
        put(0x80 | ((point >> 6) & 0x3f));
        put(0x80 | (point & 0x3f));
    }
}

}  // namespace quorate::rpc
