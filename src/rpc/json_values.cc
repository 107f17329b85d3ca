// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_values.h"

#include "rpc/json_scan.h"
#include "rpc/utf8.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

namespace quorate::rpc {
namespace {

// Above a character's six bits: whether it is of the standard's alphabet alone, or of the URLs'.
// Text that has both, or a character of neither, which has both bits itself, is no base64.
constexpr uint8_t kStandardOnly = 0x40;
constexpr uint8_t kUrlOnly = 0x80;
constexpr uint8_t kNotBase64 = kStandardOnly | kUrlOnly;
constexpr uint32_t kSixBits = 0x3f;

constexpr std::array<uint8_t, 256> make_base64_table() {
    std::array<uint8_t, 256> table{};
    for (auto& entry : table) {
        entry = kNotBase64;
    }
    const auto set = [&table](char c, int value) {
        table[static_cast<unsigned char>(c)] = static_cast<uint8_t>(value);
    };
    for (int i = 0; i < 26; ++i) {
        set(static_cast<char>('A' + i), i);
        set(static_cast<char>('a' + i), 26 + i);
    }
    for (int i = 0; i < 10; ++i) {
        set(static_cast<char>('0' + i), 52 + i);
    }
    set('+', 62 | kStandardOnly);
    set('-', 62 | kUrlOnly);
    set('/', 63 | kStandardOnly);
    set('_', 63 | kUrlOnly);
    return table;
}

constexpr std::array<uint8_t, 256> kBase64 = make_base64_table();

ByteView unquoted(ByteView string) {
    return string.substr(1, string.size() - 2);
}

std::optional<Bytes> decode_base64(ByteView text) {
    // Padding is either whole or left out.
    if (text.size() % 4 == 0 && text.ends_with('=')) {
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    const size_t rest = text.size() % 4;
    if (rest == 1) {
        return std::nullopt;
    }
    Bytes out(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
    char* to = out.data();
    uint8_t seen = 0;
    // `count` characters as the high bits of 24.
    const auto group_at = [&](size_t at, size_t count) {
        uint32_t group = 0;
        for (size_t i = 0; i < count; ++i) {
            const uint8_t entry = kBase64[static_cast<unsigned char>(text[at + i])];
            seen |= entry;
            group |= (entry & kSixBits) << (18 - 6 * i);
        }
        return group;
    };
    for (size_t at = 0; at + 4 <= text.size(); at += 4) {
        const uint32_t group = group_at(at, 4);
        *to++ = static_cast<char>(group >> 16);
        *to++ = static_cast<char>(group >> 8);
        *to++ = static_cast<char>(group);
    }
    if (rest > 0) {
        const uint32_t group = group_at(text.size() - rest, rest);
        *to++ = static_cast<char>(group >> 16);
        if (rest == 3) {
            *to++ = static_cast<char>(group >> 8);
        }
    }
    if ((seen & kNotBase64) == kNotBase64) {
        return std::nullopt;
    }
    return out;
}

uint32_t hex_number(ByteView digits) {
    uint32_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    return value;
}

// An escape at the beginning of `text`: its size, and what it stands for at the end of `out`. Zero
// for half a surrogate pair.
size_t take_escape(ByteView text, Bytes& out) {
    constexpr ByteView kNames = "\"\\/bfnrt";
    constexpr ByteView kValues = "\"\\/\b\f\n\r\t";
    if (text[1] != 'u') {
        out.push_back(kValues[kNames.find(text[1])]);
        return 2;
    }
    constexpr size_t kEscapeSize = 6;
    const uint32_t point = hex_number(text.substr(2, 4));
    if (point < 0xd800 || point > 0xdfff) {
        append_utf8(point, out);
        return kEscapeSize;
    }
    const ByteView next = text.substr(kEscapeSize);
    if (point > 0xdbff || !next.starts_with("\\u")) {
        return 0;
    }
    const uint32_t low = hex_number(next.substr(2, 4));
    if (low < 0xdc00 || low > 0xdfff) {
        return 0;
    }
    append_utf8(0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00), out);
    return 2 * kEscapeSize;
}

// A whole number without sign, point and exponent: "-" and digits.
std::optional<std::string> plain_integer(ByteView text) {
    const bool negative = text.starts_with('-');
    text.remove_prefix(negative ? 1 : 0);
    const size_t mark = text.find_first_of("eE");
    int exponent = 0;
    if (mark != ByteView::npos) {
        ByteView written = text.substr(mark + 1);
        written.remove_prefix(written.starts_with('+') ? 1 : 0);
        const auto end = std::from_chars(written.data(), written.data() + written.size(), exponent);
        // Beyond all numbers that fit; zero alone could have such an exponent, and nobody writes
        // it.
        if (end.ec != std::errc() || exponent > 1000 || exponent < -1000) {
            return std::nullopt;
        }
    }
    const ByteView mantissa = text.substr(0, mark);
    const size_t point = mantissa.find('.');
    std::string digits(mantissa.substr(0, point));
    if (point != ByteView::npos) {
        digits += mantissa.substr(point + 1);
        exponent -= static_cast<int>(std::min<size_t>(mantissa.size() - point - 1, 2'000'000'000));
    }
    for (; exponent < 0 && digits.ends_with('0'); ++exponent) {
        digits.pop_back();
    }
    const bool zero = digits.find_first_not_of('0') == std::string::npos;
    if (exponent < 0 && !zero) {
        return std::nullopt;
    }
    if (zero) {
        return "0";
    }
    digits.append(static_cast<size_t>(exponent), '0');
    return (negative ? "-" : "") + digits;
}

template <typename Number>
std::optional<Number> whole_number(ByteView value) {
    if (value.starts_with('"')) {
        ByteView inside = unquoted(value);
        const ByteView as_written = inside;
        // The text inside has to be one JSON number and nothing else.
        const auto number = take_json_value(inside);
        if (!number || !*number || **number != as_written) {
            return std::nullopt;
        }
        value = as_written;
    }
    if (value.empty() || (value[0] != '-' && (value[0] < '0' || value[0] > '9'))) {
        return std::nullopt;
    }
    const auto plain = plain_integer(value);
    if (!plain) {
        return std::nullopt;
    }
    Number number = 0;
    const auto end = std::from_chars(plain->data(), plain->data() + plain->size(), number);
    if (end.ec != std::errc() || end.ptr != plain->data() + plain->size()) {
        return std::nullopt;
    }
    return number;
}

}  // namespace

std::optional<Bytes> json_text(ByteView value) {
    ByteView rest = unquoted(value);
    Bytes out;
    out.reserve(rest.size());
    while (!rest.empty()) {
        if (rest.front() == '\\') {
            const size_t size = take_escape(rest, out);
            if (size == 0) {
                return std::nullopt;
            }
            rest.remove_prefix(size);
            continue;
        }
        const size_t size = utf8_size(rest);
        if (size == 0) {
            return std::nullopt;
        }
        out += rest.substr(0, size);
        rest.remove_prefix(size);
    }
    return out;
}

std::optional<Bytes> json_bytes(ByteView value) {
    const ByteView text = unquoted(value);
    if (text.find('\\') == ByteView::npos) {
        return decode_base64(text);
    }
    // Some encoders escape the slash; line breaks inside base64 are left out, as MIME does.
    auto unescaped = json_text(value);
    if (!unescaped) {
        return std::nullopt;
    }
    std::erase_if(*unescaped, [](char c) { return c == '\r' || c == '\n'; });
    return decode_base64(*unescaped);
}

std::optional<int64_t> json_int64(ByteView value) {
    return whole_number<int64_t>(value);
}

std::optional<uint64_t> json_uint64(ByteView value) {
    return whole_number<uint64_t>(value);
}

}  // namespace quorate::rpc
