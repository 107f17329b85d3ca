// SPDX-License-Identifier: Apache-2.0
#include "rpc/json_scan.h"

#include "base/errors.h"

#include <string>
#include <utility>
#include <vector>

namespace quorate::rpc {
namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

bool is_hex_digit(char c) {
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// A character as Go prints it in an error.
std::string quoted(char c) {
    if (c == '\'') {
        return R"('\'')";
    }
    const auto value = static_cast<unsigned char>(c);
    if (value >= 0x20 && value < 0x7f) {
        return c == '\\' ? R"('\\')" : std::string("'") + c + "'";
    }
    switch (c) {
        case '\n':
            return R"('\n')";
        case '\r':
            return R"('\r')";
        case '\t':
            return R"('\t')";
        default:
            break;
    }
    constexpr ByteView kHex = "0123456789abcdef";
    return std::string("'\\x") + kHex[value >> 4] + kHex[value & 15] + "'";
}

// What may come next.
enum class Expect : uint8_t { kValue, kFirstElement, kFirstKey, kKey, kColon, kNext };

class Scanner {
  public:
    explicit Scanner(ByteView text) : text_(text) {}

    // From the first character of a value.
    Status scan() {
        do {
            skip_space();
            if (at_ == text_.size()) {
                return end();
            }
            if (Status s = step(); !s.ok()) {
                return s;
            }
        } while (!open_.empty() || expect_ != Expect::kNext);
        return {};
    }

    size_t at() const { return at_; }

  private:
    Status step() {
        const char c = text_[at_];
        switch (expect_) {
            case Expect::kFirstElement:
                if (c == ']') {
                    return close();
                }
                return value();
            case Expect::kValue:
                return value();
            case Expect::kFirstKey:
                if (c == '}') {
                    return close();
                }
                return key();
            case Expect::kKey:
                return key();
            case Expect::kColon:
                return go_on(c == ':', Expect::kValue, "after object key");
            case Expect::kNext:
                break;
        }
        if (open_.back() == '{') {
            return c == '}' ? close()
                            : go_on(c == ',', Expect::kKey, "after object key:value pair");
        }
        return c == ']' ? close() : go_on(c == ',', Expect::kValue, "after array element");
    }

    Status go_on(bool fits, Expect next, ByteView where) {
        if (!fits) {
            return unexpected(where);
        }
        ++at_;
        expect_ = next;
        return {};
    }

    Status key() {
        if (text_[at_] != '"') {
            return unexpected("looking for beginning of object key string");
        }
        expect_ = Expect::kColon;
        return string();
    }

    Status value() {
        const char c = text_[at_];
        if (c == '{' || c == '[') {
            if (open_.size() == kJsonDepthMax) {
                return {errors::kInvalidArgument, "exceeded max depth"};
            }
            open_.push_back(c);
            ++at_;
            expect_ = c == '{' ? Expect::kFirstKey : Expect::kFirstElement;
            return {};
        }
        expect_ = Expect::kNext;
        if (c == '"') {
            return string();
        }
        if (c == '-' || is_digit(c)) {
            return number();
        }
        switch (c) {
            case 't':
                return literal("true");
            case 'f':
                return literal("false");
            case 'n':
                return literal("null");
            default:
                return unexpected("looking for beginning of value");
        }
    }

    Status close() {
        ++at_;
        open_.pop_back();
        expect_ = Expect::kNext;
        return {};
    }

    Status literal(ByteView word) {
        for (const char expected : word) {
            if (at_ == text_.size()) {
                return end();
            }
            if (text_[at_] != expected) {
                return unexpected("in literal " + std::string(word) + " (expecting " +
                                  quoted(expected) + ")");
            }
            ++at_;
        }
        return {};
    }

    Status string() {
        for (++at_; at_ < text_.size(); ++at_) {
            const char c = text_[at_];
            if (c == '"') {
                ++at_;
                return {};
            }
            if (static_cast<unsigned char>(c) < 0x20) {
                return unexpected("in string literal");
            }
            if (c == '\\') {
                if (Status s = escape(); !s.ok()) {
                    return s;
                }
            }
        }
        return end();
    }

    // Leaves at_ on the escape's last character.
    Status escape() {
        if (++at_ == text_.size()) {
            return end();
        }
        if (text_[at_] != 'u') {
            return ByteView("\"\\/bfnrt").find(text_[at_]) == ByteView::npos
                       ? unexpected("in string escape code")
                       : Status();
        }
        for (int i = 0; i < 4; ++i) {
            if (++at_ == text_.size()) {
                return end();
            }
            if (!is_hex_digit(text_[at_])) {
                return unexpected("in \\u hexadecimal character escape");
            }
        }
        return {};
    }

    Status number() {
        if (text_[at_] == '-') {
            ++at_;
        }
        if (at_ < text_.size() && text_[at_] == '0') {
            ++at_;
        } else if (Status s = digits("in numeric literal"); !s.ok()) {
            return s;
        }
        if (at_ < text_.size() && text_[at_] == '.') {
            ++at_;
            if (Status s = digits("after decimal point in numeric literal"); !s.ok()) {
                return s;
            }
        }
        if (at_ < text_.size() && (text_[at_] == 'e' || text_[at_] == 'E')) {
            ++at_;
            if (at_ < text_.size() && (text_[at_] == '+' || text_[at_] == '-')) {
                ++at_;
            }
            return digits("in exponent of numeric literal");
        }
        return {};
    }

    // One or more.
    Status digits(ByteView where) {
        if (at_ == text_.size()) {
            return end();
        }
        if (!is_digit(text_[at_])) {
            return unexpected(where);
        }
        while (at_ < text_.size() && is_digit(text_[at_])) {
            ++at_;
        }
        return {};
    }

    void skip_space() {
        while (at_ < text_.size() && is_json_space(text_[at_])) {
            ++at_;
        }
    }

    Status unexpected(ByteView where) const {
        return {errors::kInvalidArgument,
                "invalid character " + quoted(text_[at_]) + " " + std::string(where)};
    }

    static Status end() { return {errors::kInvalidArgument, "unexpected EOF"}; }

    const ByteView text_;
    size_t at_ = 0;
    Expect expect_ = Expect::kValue;
    std::vector<char> open_;
};

}  // namespace

bool is_json_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

Result<std::optional<ByteView>> take_json_value(ByteView& rest) {
    size_t start = 0;
    while (start < rest.size() && is_json_space(rest[start])) {
        ++start;
    }
    if (start == rest.size()) {
        rest = {};
        return std::optional<ByteView>();
    }
    Scanner scanner(rest.substr(start));
    if (Status s = scanner.scan(); !s.ok()) {
        return s;
    }
    const ByteView value = rest.substr(start, scanner.at());
    rest.remove_prefix(start + scanner.at());
    return std::optional<ByteView>(value);
}

}  // namespace quorate::rpc
