// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/grpc_status.h"

#include <algorithm>

namespace quorate::http {
namespace {

constexpr std::string_view kUpperHex = "0123456789ABCDEF";
constexpr std::string_view kLowerHex = "0123456789abcdef";

bool printable(char c) {
    return c >= 0x20 && c <= 0x7e;
}

void append_hex(std::string& out, char c, std::string_view digits) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
}

}  // namespace

std::string percent_encode(std::string_view text) {
    const auto plain = [](char c) { return printable(c) && c != '%'; };
    if (std::all_of(text.begin(), text.end(), plain)) {
        return std::string(text);
    }
    std::string out;
    out.reserve(text.size() + 16);
    for (const char c : text) {
        if (plain(c)) {
            out += c;
        } else {
            out += '%';
            append_hex(out, c, kUpperHex);
        }
    }
    return out;
}

std::string percent_decode(std::string_view text) {
    const auto digit = [](char c) {
        if (c >= '0' && c <= '9') {
            return c - '0';
        }
        const char lower = static_cast<char>(c | 0x20);
        return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
    };
    std::string out;
    out.reserve(text.size());
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
            digit(text[i + 2]) >= 0) {
            out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string go_quote(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (printable(c)) {
            out += c;
        } else {
            out += "\\x";
            append_hex(out, c, kLowerHex);
        }
    }
    return out + '"';
}

}  // namespace quorate::http
