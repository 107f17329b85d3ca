// SPDX-License-Identifier: Apache-2.0
#include "base/duration.h"

#include "base/errors.h"

#include <array>
#include <limits>

namespace quorate {

namespace {

struct Unit {
    std::string_view name;
    uint64_t nanoseconds;
};

constexpr uint64_t kMicrosecond = 1000;
constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
constexpr uint64_t kSecond = 1000 * kMillisecond;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr uint64_t kHour = 60 * kMinute;
constexpr uint64_t kMagnitudeMax = uint64_t{1} << 63;

// Both spellings of the micro sign, as Go accepts them.
constexpr std::array<Unit, 8> kUnits = {{{"ns", 1},
                                         {"us", kMicrosecond},
                                         {"\xc2\xb5s", kMicrosecond},
                                         {"\xce\xbcs", kMicrosecond},
                                         {"ms", kMillisecond},
                                         {"s", kSecond},
                                         {"m", kMinute},
                                         {"h", kHour}}};

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

Status malformed() {
    return {errors::kConfig, "must be a duration such as 500ms, 10s, 5m or 1h30m"};
}

Status too_large() {
    return {errors::kConfig, "is too long, the maximum is about 292 years"};
}

// One "number unit" of a duration.
struct Part {
    uint64_t whole = 0;
    uint64_t fraction = 0;  // of `scale`
    uint64_t scale = 1;
    uint64_t unit_ns = 0;
};

Result<Part> take_number(std::string_view& rest) {
    Part part;
    size_t digits = 0;
    for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), ++digits) {
        const auto digit = static_cast<uint64_t>(rest.front() - '0');
        if (part.whole > (kMagnitudeMax - digit) / 10) {
            return too_large();
        }
        part.whole = part.whole * 10 + digit;
    }
    if (!rest.empty() && rest.front() == '.') {
        rest.remove_prefix(1);
        for (; !rest.empty() && is_digit(rest.front()); rest.remove_prefix(1), ++digits) {
            // Digits beyond what a nanosecond of an hour can show are dropped.
            if (part.scale < 1'000'000'000'000'000) {
                part.fraction = part.fraction * 10 + static_cast<uint64_t>(rest.front() - '0');
                part.scale *= 10;
            }
        }
    }
    if (digits == 0) {
        return malformed();
    }
    return part;
}

Status take_unit(std::string_view& rest, Part& part) {
    size_t length = 0;
    while (length < rest.size() && rest[length] != '.' && !is_digit(rest[length])) {
        ++length;
    }
    const std::string_view name = rest.substr(0, length);
    for (const Unit& unit : kUnits) {
        if (unit.name == name) {
            part.unit_ns = unit.nanoseconds;
            rest.remove_prefix(length);
            return {};
        }
    }
    return malformed();
}

}  // namespace

Result<int64_t> parse_duration(std::string_view text) {
    std::string_view rest = text;
    bool negative = false;
    if (!rest.empty() && (rest.front() == '-' || rest.front() == '+')) {
        negative = rest.front() == '-';
        rest.remove_prefix(1);
    }
    if (rest == "0") {
        return int64_t{0};
    }
    if (rest.empty()) {
        return malformed();
    }
    uint64_t total = 0;
    while (!rest.empty()) {
        Result<Part> part = take_number(rest);
        if (!part) {
            return part.error();
        }
        if (Status s = take_unit(rest, *part); !s.ok()) {
            return s;
        }
        if (part->whole > kMagnitudeMax / part->unit_ns) {
            return too_large();
        }
        const double fraction =
            static_cast<double>(part->fraction) *
            (static_cast<double>(part->unit_ns) / static_cast<double>(part->scale));
        total += part->whole * part->unit_ns + static_cast<uint64_t>(fraction);
        if (total > kMagnitudeMax) {
            return too_large();
        }
    }
    if (negative) {
        return static_cast<int64_t>(-total);
    }
    if (total > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
        return too_large();
    }
    return static_cast<int64_t>(total);
}

namespace {

// `value` in units of `unit`, without trailing zeros after the point.
std::string with_fraction(uint64_t value, uint64_t unit) {
    std::string text = std::to_string(value / unit);
    uint64_t rest = value % unit;
    if (rest == 0) {
        return text;
    }
    text += '.';
    for (uint64_t scale = unit / 10; rest != 0; scale /= 10) {
        text += static_cast<char>('0' + rest / scale);
        rest %= scale;
    }
    return text;
}

}  // namespace

std::string format_duration(int64_t nanoseconds) {
    if (nanoseconds == 0) {
        return "0s";
    }
    const bool negative = nanoseconds < 0;
    const uint64_t value =
        negative ? -static_cast<uint64_t>(nanoseconds) : static_cast<uint64_t>(nanoseconds);
    std::string text = negative ? "-" : "";
    if (value < kMicrosecond) {
        return text + std::to_string(value) + "ns";
    }
    if (value < kMillisecond) {
        return text + with_fraction(value, kMicrosecond) + "\xc2\xb5s";
    }
    if (value < kSecond) {
        return text + with_fraction(value, kMillisecond) + "ms";
    }
    if (value >= kHour) {
        text += std::to_string(value / kHour) + "h";
    }
    if (value >= kMinute) {
        text += std::to_string(value % kHour / kMinute) + "m";
    }
    return text + with_fraction(value % kMinute, kSecond) + "s";
}

}  // namespace quorate
