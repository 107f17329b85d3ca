// SPDX-License-Identifier: Apache-2.0
#include "json_writer.h"

#include <array>
#include <cstdio>

namespace quorate::load {

void JsonWriter::open_object(std::string_view key) {
    begin(key);
    out_ += '{';
    first_ = true;
}

void JsonWriter::close_object() {
    out_ += '}';
    first_ = false;
}

void JsonWriter::open_array(std::string_view key) {
    begin(key);
    out_ += '[';
    first_ = true;
}

void JsonWriter::close_array() {
    out_ += ']';
    first_ = false;
}

void JsonWriter::field(std::string_view key, std::string_view value) {
    begin(key);
    quote(value);
}

void JsonWriter::field(std::string_view key, double value) {
    begin(key);
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", value);
    out_ += text.data();
}

void JsonWriter::field(std::string_view key, uint64_t value) {
    begin(key);
    out_ += std::to_string(value);
}

void JsonWriter::begin(std::string_view key) {
    if (!first_) {
        out_ += ',';
    }
    first_ = false;
    if (!key.empty()) {
        quote(key);
        out_ += ':';
    }
}

void JsonWriter::quote(std::string_view text) {
    out_ += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out_ += '\\';
            out_ += c;
        } else if (byte < 0x20 || byte == 0x7f) {
            std::array<char, 8> escaped{};
            std::snprintf(escaped.data(), escaped.size(), "\\u%04x", byte);
            out_ += escaped.data();
        } else {
            out_ += c;
        }
    }
    out_ += '"';
}

}  // namespace quorate::load
