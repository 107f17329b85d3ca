// SPDX-License-Identifier: Apache-2.0
#include "rpc/http_target.h"

#include <algorithm>

namespace quorate::rpc {
namespace {

int hex_digit(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

// A percent sign without two digits stays as it is.
std::string decode(ByteView text) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
            hex_digit(text[i + 2]) >= 0) {
            out.push_back(static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2])));
            i += 2;
        } else {
            out.push_back(text[i] == '+' ? ' ' : text[i]);
        }
    }
    return out;
}

}  // namespace

HttpTarget HttpTarget::parse(ByteView target) {
    HttpTarget parsed;
    const size_t mark = target.find('?');
    parsed.path = decode(target.substr(0, mark));
    ByteView rest = mark == ByteView::npos ? ByteView() : target.substr(mark + 1);
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('&'), rest.size());
        const ByteView pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (pair.empty()) {
            continue;
        }
        const size_t equals = pair.find('=');
        parsed.query.emplace_back(
            decode(pair.substr(0, equals)),
            equals == ByteView::npos ? std::string() : decode(pair.substr(equals + 1)));
    }
    return parsed;
}

bool HttpTarget::has(ByteView name) const {
    return std::any_of(query.begin(), query.end(),
                       [name](const auto& pair) { return pair.first == name; });
}

std::vector<std::string> HttpTarget::all(ByteView name) const {
    std::vector<std::string> values;
    for (const auto& [key, value] : query) {
        if (key == name) {
            values.push_back(value);
        }
    }
    return values;
}

}  // namespace quorate::rpc
