// SPDX-License-Identifier: Apache-2.0
#include "plugins/auth/jwt/base64url.h"

#include <array>
#include <cstdint>

namespace quorate::auth_jwt {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr uint8_t kNone = 0xff;

constexpr std::array<uint8_t, 256> make_values() {
    std::array<uint8_t, 256> values{};
    values.fill(kNone);
    for (uint8_t i = 0; i < kDigits.size(); ++i) {
        values[static_cast<unsigned char>(kDigits[i])] = i;
    }
    return values;
}
constexpr std::array<uint8_t, 256> kValues = make_values();

}  // namespace

std::string to_base64url(std::string_view bytes) {
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    uint32_t bits = 0;
    int held = 0;
    for (const char byte : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(byte);
        for (held += 8; held >= 6; held -= 6) {
            text += kDigits[bits >> (held - 6) & 63];
        }
        bits &= (1U << held) - 1;
    }
    if (held > 0) {
        text += kDigits[bits << (6 - held) & 63];
    }
    return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
    if (text.size() % 4 == 1) {
        return std::nullopt;
    }
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    uint32_t bits = 0;
    int held = 0;
    for (const char digit : text) {
        const uint8_t value = kValues[static_cast<unsigned char>(digit)];
        if (value == kNone) {
            return std::nullopt;
        }
        bits = bits << 6 | value;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes += static_cast<char>(bits >> held & 0xff);
        }
        bits &= (1U << held) - 1;
    }
    return bits == 0 ? std::optional(std::move(bytes)) : std::nullopt;
}

}  // namespace quorate::auth_jwt
