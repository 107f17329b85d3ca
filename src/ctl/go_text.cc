// SPDX-License-Identifier: Apache-2.0
#include "ctl/go_text.h"

#include "base/errors.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <clocale>
#include <cwctype>

namespace quorate::ctl {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

struct Rune {
    uint32_t value = 0;
    size_t bytes = 0;  // 0: no UTF-8
};

Rune take_rune(ByteView text) {
    const auto at = [&text](size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = at(0);
    if (first < 0x80) {
        return {first, 1};
    }
    const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || bytes > text.size()) {
        return {};
    }
    uint32_t value = first & (0xffU >> (bytes + 1));
    for (size_t i = 1; i < bytes; ++i) {
        if ((at(i) & 0xc0) != 0x80) {
            return {};
        }
        value = (value << 6) | (at(i) & 0x3fU);
    }
    constexpr std::array<uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
    if (value < kLeast[bytes] || value > 0x10ffff || (value >= 0xd800 && value < 0xe000)) {
        return {};
    }
    return {value, bytes};
}

// Letters, marks, numbers, punctuation and symbols; of the spaces only the ASCII one. Which those
// are is the C library's knowledge, but for spaces, formats and private use, which it lets pass.
bool is_printable(uint32_t rune) {
    if (rune < 0x7f) {
        return rune >= 0x20;
    }
    struct Range {
        uint32_t first;
        uint32_t last;
    };
    constexpr std::array<Range, 17> kHidden = {{{0x7f, 0xa0},
                                                {0xad, 0xad},
                                                {0x600, 0x605},
                                                {0x61c, 0x61c},
                                                {0x6dd, 0x6dd},
                                                {0x70f, 0x70f},
                                                {0x1680, 0x1680},
                                                {0x180e, 0x180e},
                                                {0x2000, 0x200f},
                                                {0x2028, 0x202f},
                                                {0x205f, 0x206f},
                                                {0x3000, 0x3000},
                                                {0xe000, 0xf8ff},
                                                {0xfeff, 0xfeff},
                                                {0xfff9, 0xfffb},
                                                {0xe0001, 0xe007f},
                                                {0xf0000, 0x10ffff}}};
    if (std::any_of(kHidden.begin(), kHidden.end(), [rune](const Range& range) {
            return rune >= range.first && rune <= range.last;
        })) {
        return false;
    }
    static const locale_t kUtf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
    return kUtf8 == nullptr || iswprint_l(static_cast<wint_t>(rune), kUtf8) != 0;
}

void append_hex(std::string& out, uint32_t value, int digits) {
    for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
        out.push_back(kDigits[(value >> shift) & 15]);
    }
}

constexpr std::string_view kEscaped = "abfnrtv\\\"'";
constexpr std::string_view kMeaning = "\a\b\f\n\r\t\v\\\"'";

void append_rune_quoted(std::string& out, uint32_t rune, ByteView encoded) {
    const size_t known =
        rune < 0x80 ? kMeaning.find(static_cast<char>(rune)) : std::string_view::npos;
    if (known != std::string_view::npos && rune != '\'') {
        out += '\\';
        out += kEscaped[known];
    } else if (is_printable(rune)) {
        out += encoded;
    } else if (rune < 0x80) {
        out += "\\x";
        append_hex(out, rune, 2);
    } else if (rune < 0x10000) {
        out += "\\u";
        append_hex(out, rune, 4);
    } else {
        out += "\\U";
        append_hex(out, rune, 8);
    }
}

void append_utf8(std::string& out, uint32_t rune) {
    const auto tail = [&out, rune](int shift) {
        out.push_back(static_cast<char>(0x80 | ((rune >> shift) & 0x3f)));
    };
    if (rune < 0x80) {
        out.push_back(static_cast<char>(rune));
    } else if (rune < 0x800) {
        out.push_back(static_cast<char>(0xc0 | (rune >> 6)));
        tail(0);
    } else if (rune < 0x10000) {
        out.push_back(static_cast<char>(0xe0 | (rune >> 12)));
        tail(6);
        tail(0);
    } else {
        out.push_back(static_cast<char>(0xf0 | (rune >> 18)));
        tail(12);
        tail(6);
        tail(0);
    }
}

std::optional<uint32_t> take_number(std::string_view& rest, size_t digits, int base) {
    uint32_t value = 0;
    if (rest.size() < digits) {
        return std::nullopt;
    }
    const char* last = rest.data() + digits;
    const auto [end, error] = std::from_chars(rest.data(), last, value, base);
    if (error != std::errc() || end != last) {
        return std::nullopt;
    }
    rest.remove_prefix(digits);
    return value;
}

// What follows a backslash.
bool take_escape(std::string_view& rest, Bytes& out) {
    const char letter = rest.front();
    if (const size_t known = kEscaped.find(letter);
        known != std::string_view::npos && letter != '\'') {
        out.push_back(kMeaning[known]);
        rest.remove_prefix(1);
        return true;
    }
    if (letter >= '0' && letter <= '7') {
        const auto value = take_number(rest, 3, 8);
        if (!value || *value > 255) {
            return false;
        }
        out.push_back(static_cast<char>(*value));
        return true;
    }
    const size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
    if (digits == 0) {
        return false;
    }
    rest.remove_prefix(1);
    const auto value = take_number(rest, digits, 16);
    if (!value) {
        return false;
    }
    if (digits == 2) {
        out.push_back(static_cast<char>(*value));
        return true;
    }
    if (*value > 0x10ffff || (*value >= 0xd800 && *value < 0xe000)) {
        return false;
    }
    append_utf8(out, *value);
    return true;
}

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

}  // namespace

std::string go_quote(ByteView text) {
    std::string out = "\"";
    while (!text.empty()) {
        const Rune rune = take_rune(text);
        if (rune.bytes == 0) {
            out += "\\x";
            append_hex(out, static_cast<unsigned char>(text.front()), 2);
            text.remove_prefix(1);
            continue;
        }
        append_rune_quoted(out, rune.value, text.substr(0, rune.bytes));
        text.remove_prefix(rune.bytes);
    }
    return out + '"';
}

std::optional<Bytes> take_go_quoted(std::string_view& rest) {
    if (rest.empty() || (rest.front() != '"' && rest.front() != '`')) {
        return std::nullopt;
    }
    const char quote = rest.front();
    std::string_view at = rest.substr(1);
    Bytes out;
    while (!at.empty() && at.front() != quote) {
        const char c = at.front();
        at.remove_prefix(1);
        if (quote == '"' && c == '\\') {
            if (at.empty() || !take_escape(at, out)) {
                return std::nullopt;
            }
        } else if (quote == '"' && c == '\n') {
            return std::nullopt;
        } else {
            out.push_back(c);
        }
    }
    if (at.empty()) {
        return std::nullopt;
    }
    rest = at.substr(1);
    return out;
}

std::string hex_escaped(ByteView bytes) {
    std::string out;
    for (const char c : bytes) {
        out += "\\x";
        append_hex(out, static_cast<unsigned char>(c), 2);
    }
    return out;
}

std::string hex(uint64_t number) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, 16);
    return {digits.data(), end.ptr};
}

std::string hex16(uint64_t number) {
    const std::string digits = hex(number);
    return std::string(16 - digits.size(), '0') + digits;
}

std::optional<uint64_t> parse_hex(std::string_view text) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

std::optional<int64_t> parse_decimal(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) {
        return std::nullopt;
    }
    return value;
}

Result<std::vector<std::string>> split_line(std::string_view line) {
    std::vector<std::string> parts;
    while (true) {
        while (!line.empty() && is_blank(line.front())) {
            line.remove_prefix(1);
        }
        if (line.empty()) {
            return parts;
        }
        if (line.front() == '"') {
            auto part = take_go_quoted(line);
            if (!part) {
                return Status(errors::kUsage,
                              "bad quotes or an unknown escape in: " + std::string(line));
            }
            parts.push_back(std::move(*part));
            continue;
        }
        if (line.front() == '\'') {
            const size_t end = line.find('\'', 1);
            if (end == std::string_view::npos) {
                return Status(errors::kUsage, "a quote is not closed in: " + std::string(line));
            }
            parts.emplace_back(line.substr(1, end - 1));
            line.remove_prefix(end + 1);
            continue;
        }
        const size_t end =
            static_cast<size_t>(std::find_if(line.begin(), line.end(), is_blank) - line.begin());
        parts.emplace_back(line.substr(0, end));
        line.remove_prefix(end);
    }
}

Bytes prefix_end(ByteView prefix) {
    Bytes end(prefix);
    while (!end.empty()) {
        if (static_cast<unsigned char>(end.back()) < 0xff) {
            ++end.back();
            return end;
        }
        end.pop_back();
    }
    return {'\0'};
}

}  // namespace quorate::ctl
