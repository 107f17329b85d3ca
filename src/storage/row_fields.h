// SPDX-License-Identifier: Apache-2.0
//
// Rows that hold texts: a text is its length (4 bytes, big endian) and its bytes, a list its number
// of elements (4 bytes) and the elements. Pure functions and values, any thread.
#pragma once

#include "base/bytes.h"
#include "storage/schema.h"

#include <cstdint>
#include <string>
#include <vector>

namespace quorate::storage {

inline void append_text(Bytes& out, ByteView text) {
    append_be32(out, static_cast<uint32_t>(text.size()));
    out.append(text);
}

inline void append_texts(Bytes& out, const std::vector<std::string>& texts) {
    append_be32(out, static_cast<uint32_t>(texts.size()));
    for (const std::string& text : texts) {
        append_text(out, text);
    }
}

// Takes values from the front of a row; once one is missing, ok() stays false.
class FieldReader {
  public:
    explicit FieldReader(ByteView row) : rest_(row) {}

    ByteView bytes(size_t count) {
        if (count > rest_.size()) {
            ok_ = false;
            rest_ = {};
            return {};
        }
        const ByteView taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    uint8_t byte() {
        const ByteView taken = bytes(1);
        return taken.empty() ? uint8_t{0} : static_cast<uint8_t>(taken[0]);
    }
    uint32_t number() {
        uint32_t value = 0;
        for (const char byte : bytes(4)) {
            value = (value << 8) | static_cast<unsigned char>(byte);
        }
        return value;
    }
    uint64_t long_number() {
        const ByteView taken = bytes(8);
        return taken.empty() ? 0 : load_be64(taken.data());
    }
    std::string text() { return std::string(bytes(number())); }
    std::vector<std::string> texts() {
        std::vector<std::string> out;
        // Each takes four bytes at least: a wrong count can't ask for more than there is.
        for (uint32_t left = number(); left > 0 && ok_; --left) {
            out.push_back(text());
        }
        return out;
    }
    bool ok() const { return ok_; }
    bool at_end() const { return ok_ && rest_.empty(); }

  private:
    ByteView rest_;
    bool ok_ = true;
};

}  // namespace quorate::storage
