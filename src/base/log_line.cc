// SPDX-License-Identifier: Apache-2.0
#include "base/log_line.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace quorate::log {

std::string_view level_name(Level level) {
    switch (level) {
        case Level::kDebug:
            return "debug";
        case Level::kInfo:
            return "info";
        case Level::kWarn:
            return "warn";
        case Level::kError:
            return "error";
        case Level::kPanic:
            return "panic";
        case Level::kFatal:
            return "fatal";
    }
    QUORATE_ASSERT(false);
}

std::string_view short_path(std::string_view path) {
    constexpr std::string_view kRoot = "src/";
    const size_t root = path.rfind(kRoot);
    if (root != std::string_view::npos && (root == 0 || path[root - 1] == '/')) {
        return path.substr(root + kRoot.size());
    }
    const size_t file = path.rfind('/');
    if (file == std::string_view::npos || file == 0) {
        return path;
    }
    const size_t folder = path.rfind('/', file - 1);
    return folder == std::string_view::npos ? path : path.substr(folder + 1);
}

std::string_view module_of(std::string_view path) {
    const std::string_view shortened = short_path(path);
    const size_t slash = shortened.find('/');
    return slash == std::string_view::npos ? std::string_view() : shortened.substr(0, slash);
}

namespace {

// The length of the well-formed UTF-8 sequence at the front of `text`, 0 when there is none
// (overlong forms, surrogates and what lies beyond U+10FFFF are not well-formed).
size_t sequence_length(std::string_view text) {
    const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) {
        return 1;
    }
    if (first >= 0xc2 && first <= 0xdf) {
        return continues(1, 0x80, 0xbf) ? 2 : 0;
    }
    if (first >= 0xe0 && first <= 0xef) {
        const unsigned low = first == 0xe0 ? 0xa0 : 0x80;
        const unsigned high = first == 0xed ? 0x9f : 0xbf;
        return continues(1, low, high) && continues(2, 0x80, 0xbf) ? 3 : 0;
    }
    if (first >= 0xf0 && first <= 0xf4) {
        const unsigned low = first == 0xf0 ? 0x90 : 0x80;
        const unsigned high = first == 0xf4 ? 0x8f : 0xbf;
        return continues(1, low, high) && continues(2, 0x80, 0xbf) && continues(3, 0x80, 0xbf) ? 4
                                                                                               : 0;
    }
    return 0;
}

void append_ascii(std::string& out, char c) {
    constexpr std::string_view kHex = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    switch (c) {
        case '"':
        case '\\':
            out += '\\';
            out += c;
            return;
        case '\n':
            out += "\\n";
            return;
        case '\r':
            out += "\\r";
            return;
        case '\t':
            out += "\\t";
            return;
        default:
            if (byte < 0x20 || byte == 0x7f) {
                out += "\\u00";
                out += kHex[byte >> 4];
                out += kHex[byte & 0xf];
            } else {
                out += c;
            }
    }
}

}  // namespace

void append_escaped(std::string& out, std::string_view text) {
    const size_t whole = text.size();
    text = text.substr(0, kTextBytesMax);
    while (!text.empty()) {
        const size_t length = sequence_length(text);
        if (length == 0) {
            out += "\\ufffd";
            text.remove_prefix(1);
            continue;
        }
        if (length == 1) {
            append_ascii(out, text.front());
        } else {
            out += text.substr(0, length);
        }
        text.remove_prefix(length);
    }
    if (whole > kTextBytesMax) {
        out += "... (" + std::to_string(whole) + " bytes)";
    }
}

namespace {

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    append_escaped(out, text);
    out += '"';
}

void append_double(std::string& out, double value) {
    if (std::isnan(value)) {
        out += "\"NaN\"";
    } else if (std::isinf(value)) {
        out += value > 0 ? "\"+Inf\"" : "\"-Inf\"";
    } else {
        char digits[400];  // the longest double in plain notation has 325 digits
        const auto end =
            std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed).ptr;
        out.append(digits, end);
    }
}

// Local time as 2006-01-02T15:04:05.000000Z, or +0200 in place of the Z.
}  // namespace

void append_time(std::string& out, int64_t unix_us) {
    int64_t seconds = unix_us / 1'000'000;
    int64_t micros = unix_us % 1'000'000;
    if (micros < 0) {
        micros += 1'000'000;
        --seconds;
    }
    const auto time = static_cast<time_t>(seconds);
    tm parts;
    localtime_r(&time, &parts);
    char text[64];
    size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    out.append(text, length);
    length =
        static_cast<size_t>(std::snprintf(text, sizeof text, ".%06d", static_cast<int>(micros)));
    out.append(text, length);
    if (parts.tm_gmtoff == 0) {
        out += 'Z';
        return;
    }
    const long minutes = std::labs(parts.tm_gmtoff) / 60;
    length = static_cast<size_t>(std::snprintf(text, sizeof text, "%c%02ld%02ld",
                                               parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
                                               minutes % 60));
    out.append(text, length);
}

namespace {

void append_caller(std::string& out, const SourceLocation& where) {
    append_escaped(out, short_path(where.file_name()));
    out += ':';
    out += std::to_string(where.line());
}

}  // namespace

void append_value(std::string& out, const Field::Value& value) {
    if (const auto* text = std::get_if<std::string>(&value)) {
        append_quoted(out, *text);
    } else if (const auto* whole = std::get_if<int64_t>(&value)) {
        out += std::to_string(*whole);
    } else if (const auto* natural = std::get_if<uint64_t>(&value)) {
        out += std::to_string(*natural);
    } else if (const auto* real = std::get_if<double>(&value)) {
        append_double(out, *real);
    } else if (const auto* flag = std::get_if<bool>(&value)) {
        out += *flag ? "true" : "false";
    }
}

void append_json(std::string& out, const Line& line) {
    out += R"({"level":")";
    out += level_name(line.level);
    out += R"(","ts":")";
    append_time(out, line.unix_us);
    out += R"(","caller":")";
    append_caller(out, line.where);
    out += R"(","msg":)";
    append_quoted(out, line.message);
    for (const Field& field : line.fields) {
        out += ',';
        append_quoted(out, field.key);
        out += ':';
        append_value(out, field.value);
    }
    out += "}\n";
}

void append_console(std::string& out, const Line& line) {
    append_time(out, line.unix_us);
    out += '\t';
    out += level_name(line.level);
    out += '\t';
    append_caller(out, line.where);
    out += '\t';
    append_escaped(out, line.message);
    for (const Field& field : line.fields) {
        out += &field == line.fields.data() ? "\t{" : ", ";
        append_quoted(out, field.key);
        out += ": ";
        append_value(out, field.value);
    }
    out += line.fields.empty() ? "\n" : "}\n";
}

}  // namespace quorate::log
