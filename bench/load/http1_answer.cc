// SPDX-License-Identifier: Apache-2.0
#include "http1_answer.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace quorate::load {
namespace {

constexpr std::string_view kVersion = "HTTP/1.1 ";
constexpr std::string_view kLineEnd = "\r\n";

bool equals(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return std::tolower(static_cast<unsigned char>(x)) ==
               std::tolower(static_cast<unsigned char>(y));
    });
}

bool parse(std::string_view text, int base, size_t& ret_number) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, ret_number, base);
    return result.ec == std::errc() && result.ptr == end;
}

// Takes a line off `rest`; false while it has not ended.
bool take_line(std::string_view& rest, std::string_view& ret_line) {
    const size_t end = rest.find(kLineEnd);
    if (end == std::string_view::npos) {
        return false;
    }
    ret_line = rest.substr(0, end);
    rest.remove_prefix(end + kLineEnd.size());
    return true;
}

Http1Progress read_chunks(std::string_view& rest, std::string& body) {
    std::string_view line;
    while (take_line(rest, line)) {
        size_t size = 0;
        if (!parse(line, 16, size)) {
            return Http1Progress::kMalformed;
        }
        if (rest.size() < size + kLineEnd.size()) {
            return Http1Progress::kMore;
        }
        body.append(rest.substr(0, size));
        rest.remove_prefix(size + kLineEnd.size());
        if (size == 0) {
            return Http1Progress::kDone;
        }
    }
    return Http1Progress::kMore;
}

}  // namespace

Http1Progress read_http1_answer(std::string_view bytes, Http1Answer& answer) {
    answer = {};
    std::string_view rest = bytes;
    std::string_view line;
    if (!take_line(rest, line)) {
        return Http1Progress::kMore;
    }
    size_t status = 0;
    if (!line.starts_with(kVersion) || !parse(line.substr(kVersion.size(), 3), 10, status)) {
        return Http1Progress::kMalformed;
    }
    answer.status = static_cast<int>(status);
    size_t length = 0;
    bool chunked = false;
    for (;;) {
        if (!take_line(rest, line)) {
            return Http1Progress::kMore;
        }
        if (line.empty()) {
            break;
        }
        const size_t colon = std::min(line.find(": "), line.size());
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = line.substr(std::min(colon + 2, line.size()));
        chunked = chunked || (equals(name, "transfer-encoding") && equals(value, "chunked"));
        answer.closes = answer.closes || (equals(name, "connection") && equals(value, "close"));
        if (equals(name, "content-length") && !parse(value, 10, length)) {
            return Http1Progress::kMalformed;
        }
    }
    if (chunked) {
        const Http1Progress progress = read_chunks(rest, answer.body);
        answer.size = bytes.size() - rest.size();
        return progress;
    }
    if (rest.size() < length) {
        return Http1Progress::kMore;
    }
    answer.body = rest.substr(0, length);
    answer.size = bytes.size() - rest.size() + length;
    return Http1Progress::kDone;
}

}  // namespace quorate::load
