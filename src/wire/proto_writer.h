// SPDX-License-Identifier: Apache-2.0
//
// Appends protobuf fields to a byte string. For answers whose bulk is already encoded (stored
// pairs, events): they are spliced between a few hand-written fields instead of being decoded and
// encoded again. Proto3 rules: fields are written in order of their numbers and zeros are left out,
// so the result is what protobuf itself would write. Any thread.
#pragma once

#include "base/bytes.h"

#include <cstdint>

namespace quorate::wire {

inline size_t varint_size(uint64_t value) {
    size_t size = 1;
    while (value >= 0x80) {
        value >>= 7;
        ++size;
    }
    return size;
}

inline void append_varint(Bytes& out, uint64_t value) {
    char raw[10];
    size_t size = 0;
    while (value >= 0x80) {
        raw[size] = static_cast<char>(value | 0x80);
        ++size;
        value >>= 7;
    }
    raw[size] = static_cast<char>(value);
    out.append(raw, size + 1);
}

// Field numbers are below 2^28; `field` is the number, not the tag.
inline void append_tag(Bytes& out, uint32_t field, uint32_t wire_type) {
    append_varint(out, (static_cast<uint64_t>(field) << 3) | wire_type);
}

inline constexpr uint32_t kVarint = 0;
inline constexpr uint32_t kFixed64 = 1;
inline constexpr uint32_t kLengthDelimited = 2;

inline void append_uint(Bytes& out, uint32_t field, uint64_t value) {
    if (value != 0) {
        append_tag(out, field, kVarint);
        append_varint(out, value);
    }
}

inline void append_int(Bytes& out, uint32_t field, int64_t value) {
    append_uint(out, field, static_cast<uint64_t>(value));
}

inline void append_bool(Bytes& out, uint32_t field, bool value) {
    append_uint(out, field, value);
}

// A nested message or an element of a repeated field: written even when it is empty.
inline void append_message(Bytes& out, uint32_t field, ByteView encoded) {
    append_tag(out, field, kLengthDelimited);
    append_varint(out, encoded.size());
    out.append(encoded);
}

// A singular string or bytes field: left out when it is empty.
inline void append_bytes(Bytes& out, uint32_t field, ByteView value) {
    if (!value.empty()) {
        append_message(out, field, value);
    }
}

// What append_message adds for an encoded size.
inline size_t message_field_size(uint32_t field, size_t encoded_bytes) {
    return varint_size(static_cast<uint64_t>(field) << 3) + varint_size(encoded_bytes) +
           encoded_bytes;
}

}  // namespace quorate::wire
