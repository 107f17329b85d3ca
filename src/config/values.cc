// SPDX-License-Identifier: Apache-2.0
#include "config/values.h"

#include "base/duration.h"
#include "base/errors.h"

#include <algorithm>
#include <charconv>

namespace quorate::config {

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlanks = " \t\r\n";
    const size_t first = text.find_first_not_of(kBlanks);
    if (first == std::string_view::npos) {
        return {};
    }
    return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::vector<std::string> split_list(std::string_view text) {
    std::vector<std::string> items;
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string_view item = trim(text.substr(0, comma));
        if (!item.empty()) {
            items.emplace_back(item);
        }
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
    return items;
}

std::vector<std::string> split_unique(std::string_view text) {
    std::vector<std::string> items;
    for (std::string& item : split_list(text)) {
        if (std::find(items.begin(), items.end(), item) == items.end()) {
            items.push_back(std::move(item));
        }
    }
    return items;
}

Result<bool> to_bool(std::string_view text) {
    for (const std::string_view yes : {"1", "t", "T", "TRUE", "true", "True"}) {
        if (text == yes) {
            return true;
        }
    }
    for (const std::string_view no : {"0", "f", "F", "FALSE", "false", "False"}) {
        if (text == no) {
            return false;
        }
    }
    return Status(errors::kConfig, "must be true or false");
}

Result<uint64_t> to_uint64(std::string_view text, UintRange range) {
    uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = !text.empty() && error == std::errc() && end == text.data() + text.size();
    if (whole && value >= range.min && value <= range.max) {
        return value;
    }
    std::string allowed = "must be a whole number";
    if (range.max == UINT64_MAX) {
        allowed += ", " + std::to_string(range.min) + " or more";
    } else {
        allowed += " from " + std::to_string(range.min) + " to " + std::to_string(range.max);
    }
    return Status(errors::kConfig, std::move(allowed));
}

Result<uint32_t> to_uint32(std::string_view text, UintRange range) {
    range.max = std::min<uint64_t>(range.max, UINT32_MAX);
    const Result<uint64_t> value = to_uint64(text, range);
    if (!value) {
        return value.error();
    }
    return static_cast<uint32_t>(*value);
}

Result<int64_t> to_int64(std::string_view text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
        return Status(errors::kConfig, "must be a whole number");
    }
    return value;
}

Result<int64_t> to_duration(std::string_view text) {
    const Result<int64_t> value = parse_duration(text);
    if (value && *value < 0) {
        return Status(errors::kConfig, "must not be negative");
    }
    return value;
}

Result<std::vector<Url>> to_urls(std::string_view text) {
    if (trim(text).empty()) {
        return std::vector<Url>();
    }
    return Url::parse_list(text);
}

std::string in_quotes(std::string_view text) {
    constexpr size_t kShownBytesMax = 200;
    std::string out = "\"";
    for (const char c : text.substr(0, kShownBytesMax)) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            constexpr std::string_view kHex = "0123456789abcdef";
            out += "\\x";
            out += kHex[byte >> 4];
            out += kHex[byte & 0xf];
        } else {
            out += c;
        }
    }
    return out + (text.size() > kShownBytesMax ? "...\"" : "\"");
}

namespace {

// Levenshtein's distance, one row at a time.
size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<size_t> row(b.size() + 1);
    for (size_t j = 0; j <= b.size(); ++j) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a.size(); ++i) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b.size(); ++j) {
            const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            diagonal = row[j];
            row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
        }
    }
    return row[b.size()];
}

}  // namespace

std::string_view closest(std::string_view word, const std::vector<std::string_view>& candidates) {
    constexpr size_t kWordBytesMax = 64;  // longer than any name, and keeps the search cheap
    if (word.empty() || word.size() > kWordBytesMax) {
        return {};
    }
    std::string_view best;
    size_t best_distance = std::clamp<size_t>(word.size() / 2, 1, 3) + 1;
    for (const std::string_view candidate : candidates) {
        const size_t distance = edit_distance(word, candidate);
        if (distance < best_distance) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

}  // namespace quorate::config
