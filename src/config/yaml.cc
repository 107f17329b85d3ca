// SPDX-License-Identifier: Apache-2.0
#include "config/yaml.h"

#include "base/errors.h"
#include "config/values.h"

#include <algorithm>

namespace quorate::config {

const YamlNode* YamlNode::find(std::string_view key) const {
    for (const auto& [name, node] : fields) {
        if (name == key) {
            return &node;
        }
    }
    return nullptr;
}

namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// Appends a code point of at most 0xffff, which is what \uXXXX can say; surrogates are refused
// before.
void append_utf8(std::string& out, unsigned code) {
    if (code < 0x80) {
        out += static_cast<char>(code);
    } else if (code < 0x800) {
        out += static_cast<char>(0xc0 | (code >> 6));
        out += static_cast<char>(0x80 | (code & 0x3f));
    } else {
        out += static_cast<char>(0xe0 | (code >> 12));
        out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (code & 0x3f));
    }
}

// One pass over the characters. Block structure is read from the column of the first character of a
// line; inside brackets lines mean nothing.
class Reader {
  public:
    Reader(std::string_view name, std::string_view content) : name_(name), rest_(content) {}

    Result<YamlNode> document() {
        skip_marker();
        skip_to_content();
        if (rest_.empty()) {
            return YamlNode();
        }
        Result<YamlNode> root = block(column_, 0);
        if (!root) {
            return root;
        }
        skip_to_content();
        if (!rest_.empty()) {
            return fail("unexpected " + in_quotes(rest_.substr(0, rest_.find('\n'))));
        }
        return root;
    }

  private:
    Status fail(const std::string& what) const {
        return {errors::kConfig, name_ + ":" + std::to_string(line_) + ": " + what};
    }

    char peek() const { return rest_.empty() ? '\0' : rest_.front(); }

    void advance() {
        if (rest_.front() == '\n') {
            ++line_;
            column_ = 0;
        } else {
            ++column_;
        }
        rest_.remove_prefix(1);
    }

    void skip_marker() {
        if (rest_.substr(0, 3) == "\xef\xbb\xbf") {
            rest_.remove_prefix(3);
        }
        skip_to_content();
        if (column_ == 0 && rest_.substr(0, 3) == "---" &&
            (rest_.size() == 3 || rest_[3] == '\n' || rest_[3] == '\r')) {
            for (int i = 0; i < 3; ++i) {
                advance();
            }
        }
    }

    // Blanks, comments and line ends.
    void skip_to_content() {
        bool comment_may_start = true;
        while (!rest_.empty()) {
            if (peek() == '#' && comment_may_start) {
                skip_line();
            } else if (is_blank(peek()) || peek() == '\n' || peek() == '\r') {
                comment_may_start = true;
                advance();
            } else {
                return;
            }
        }
    }

    void skip_line() {
        while (!rest_.empty() && peek() != '\n') {
            advance();
        }
    }

    // Behind a value: blanks and a comment up to the end of the line.
    Status expect_line_end() {
        const bool apart = is_blank(peek());
        while (is_blank(peek())) {
            advance();
        }
        if (peek() == '#' && apart) {
            skip_line();
        }
        if (peek() == '\r') {
            advance();
        }
        if (rest_.empty() || peek() == '\n') {
            return {};
        }
        return fail("unexpected " + in_quotes(rest_.substr(0, rest_.find('\n'))));
    }

    // A list, a mapping or a scalar whose first character stands in `indent`.
    Result<YamlNode> block(size_t indent, int depth) {
        if (depth > kYamlDepthMax) {
            return fail("nested too deeply");
        }
        if (at_dash()) {
            return block_list(indent, depth);
        }
        if (peek() == '{' || peek() == '[') {
            return inline_value(depth);
        }
        return block_map(indent, depth);
    }

    bool at_dash() const {
        return peek() == '-' && (rest_.size() == 1 || is_blank(rest_[1]) || rest_[1] == '\n');
    }

    Result<YamlNode> block_list(size_t indent, int depth) {
        YamlNode list;
        list.kind = YamlNode::Kind::kList;
        list.line = line_;
        while (!rest_.empty() && column_ == indent && at_dash()) {
            advance();
            while (is_blank(peek())) {
                advance();
            }
            Result<YamlNode> item = inline_value(depth);
            if (!item) {
                return item;
            }
            list.items.push_back(std::move(item).value());
            skip_to_content();
        }
        return list;
    }

    Result<YamlNode> block_map(size_t indent, int depth) {
        YamlNode map;
        map.kind = YamlNode::Kind::kMap;
        map.line = line_;
        while (!rest_.empty() && column_ == indent) {
            Result<std::string> key = block_key();
            if (!key) {
                return key.error();
            }
            if (map.find(*key) != nullptr) {
                return fail("key " + in_quotes(*key) + " is there twice");
            }
            Result<YamlNode> value = block_value(indent, depth);
            if (!value) {
                return value;
            }
            map.fields.push_back({std::move(key).value(), std::move(value).value()});
            skip_to_content();
        }
        if (column_ > indent && !rest_.empty()) {
            return fail("unexpected indentation");
        }
        return map;
    }

    // "key:" with the colon taken, and at least one blank or the line's end behind it.
    Result<std::string> block_key() {
        const std::string_view line = rest_.substr(0, rest_.find('\n'));
        Result<std::string> key = std::string();
        if (peek() == '"' || peek() == '\'') {
            key = quoted_text();
            if (!key) {
                return key;
            }
        } else {
            if (Status s = check_plain_start(); !s.ok()) {
                return s;
            }
            size_t length = 0;
            while (length < line.size() && !(line[length] == ':' && (length + 1 == line.size() ||
                                                                     is_blank(line[length + 1]) ||
                                                                     line[length + 1] == '\r'))) {
                ++length;
            }
            if (length == line.size() || length == 0) {
                return fail("expected key: value, found " + in_quotes(trim(line)));
            }
            key = std::string(trim(line.substr(0, length)));
            for (size_t i = 0; i < length; ++i) {
                advance();
            }
        }
        if (peek() != ':') {
            return fail("expected a colon behind the key");
        }
        advance();
        return key;
    }

    Result<YamlNode> block_value(size_t indent, int depth) {
        while (is_blank(peek())) {
            advance();
        }
        const bool on_this_line =
            !rest_.empty() && peek() != '\n' && peek() != '\r' && peek() != '#';
        if (on_this_line) {
            return inline_value(depth);
        }
        const size_t line = line_;
        skip_to_content();
        // A list may stand in the column of its key.
        if (!rest_.empty() && (column_ > indent || (column_ == indent && at_dash()))) {
            return block(column_, depth + 1);
        }
        YamlNode null;
        null.line = line;
        return null;
    }

    // A value that ends with its line, or with its bracket.
    Result<YamlNode> inline_value(int depth) {
        Result<YamlNode> value = YamlNode();
        if (peek() == '{' || peek() == '[') {
            value = flow(depth + 1);
        } else {
            value = scalar("\n");
        }
        if (!value) {
            return value;
        }
        if (Status s = expect_line_end(); !s.ok()) {
            return s;
        }
        return value;
    }

    Result<YamlNode> flow(int depth) {
        if (depth > kYamlDepthMax) {
            return fail("nested too deeply");
        }
        const bool is_map = peek() == '{';
        const char close = is_map ? '}' : ']';
        YamlNode node;
        node.kind = is_map ? YamlNode::Kind::kMap : YamlNode::Kind::kList;
        node.line = line_;
        advance();
        while (true) {
            skip_to_content();
            if (peek() == close) {
                advance();
                return node;
            }
            if (rest_.empty()) {
                return fail(std::string("the closing ") + close + " is missing");
            }
            if (Status s = flow_entry(node, depth); !s.ok()) {
                return s;
            }
            skip_to_content();
            if (peek() == ',') {
                advance();
            } else if (peek() != close && !rest_.empty()) {
                return fail(std::string("expected a comma or ") + close);
            }
        }
    }

    Status flow_entry(YamlNode& node, int depth) {
        if (node.kind == YamlNode::Kind::kList) {
            Result<YamlNode> item = flow_value(depth);
            if (!item) {
                return item.error();
            }
            node.items.push_back(std::move(item).value());
            return {};
        }
        Result<YamlNode> key = scalar(":,{}[]\n");
        if (!key) {
            return key.error();
        }
        skip_to_content();
        if (peek() != ':') {
            return fail("expected a colon behind " + in_quotes(key->text));
        }
        advance();
        skip_to_content();
        if (node.find(key->text) != nullptr) {
            return fail("key " + in_quotes(key->text) + " is there twice");
        }
        Result<YamlNode> value = flow_value(depth);
        if (!value) {
            return value.error();
        }
        node.fields.push_back({key->text, std::move(value).value()});
        return {};
    }

    Result<YamlNode> flow_value(int depth) {
        if (peek() == '{' || peek() == '[') {
            return flow(depth + 1);
        }
        return scalar(",{}[]\n");
    }

    Status check_plain_start() const {
        constexpr std::string_view kSpecial = "&*!|>%@`?";
        if (kSpecial.find(peek()) != std::string_view::npos) {
            return fail(
                "anchors, aliases, tags, multi-line texts and ? keys are not supported; put "
                "quotes around a text that begins with " +
                in_quotes(rest_.substr(0, 1)));
        }
        return {};
    }

    // A quoted text, or a plain one up to a comment or one of `ends`.
    Result<YamlNode> scalar(std::string_view ends) {
        YamlNode node;
        node.line = line_;
        if (peek() == '"' || peek() == '\'') {
            Result<std::string> text = quoted_text();
            if (!text) {
                return text.error();
            }
            node.kind = YamlNode::Kind::kScalar;
            node.text = std::move(text).value();
            return node;
        }
        if (Status s = check_plain_start(); !s.ok()) {
            return s;
        }
        std::string text;
        while (!rest_.empty() && ends.find(peek()) == std::string_view::npos && peek() != '\r') {
            if (peek() == '#' && (text.empty() || is_blank(text.back()))) {
                break;
            }
            text += peek();
            advance();
        }
        // What follows a comment must still find its blank.
        node.text = std::string(trim(text));
        if (!node.text.empty() && node.text != "null" && node.text != "~") {
            node.kind = YamlNode::Kind::kScalar;
        }
        if (peek() == '#') {
            skip_line();
        }
        return node;
    }

    Result<std::string> quoted_text() {
        const char quote = peek();
        std::string out;
        advance();
        while (!rest_.empty() && peek() != '\n') {
            const char c = peek();
            advance();
            if (c == quote) {
                if (quote == '"' || peek() != '\'') {
                    return out;
                }
                advance();  // '' inside single quotes
                out += '\'';
            } else if (c == '\\' && quote == '"') {
                if (Status s = escape(out); !s.ok()) {
                    return s;
                }
            } else {
                out += c;
            }
        }
        return fail("the closing quote is missing");
    }

    Status escape(std::string& out) {
        const char c = peek();
        constexpr std::string_view kNames = "nrtbf0\"\\/";
        constexpr std::string_view kValues("\n\r\t\b\f\0\"\\/", 9);
        if (const size_t at = kNames.find(c); c != '\0' && at != std::string_view::npos) {
            out += kValues[at];
            advance();
            return {};
        }
        if (c != 'u' || rest_.size() < 5) {
            return fail("unknown escape in quotes");
        }
        advance();
        unsigned code = 0;
        for (int i = 0; i < 4; ++i) {
            constexpr std::string_view kHex = "0123456789abcdef";
            const size_t digit = kHex.find(static_cast<char>(peek() | 0x20));
            if (digit == std::string_view::npos) {
                return fail("unknown escape in quotes");
            }
            code = code * 16 + static_cast<unsigned>(digit);
            advance();
        }
        if (code >= 0xd800 && code <= 0xdfff) {
            return fail("surrogates are not supported in quotes");
        }
        append_utf8(out, code);
        return {};
    }

    const std::string name_;
    std::string_view rest_;
    size_t line_ = 1;
    size_t column_ = 0;
};

}  // namespace

Result<YamlNode> parse_yaml(std::string_view name, std::string_view content) {
    for (const char c : content) {
        if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t') {
            return Status(errors::kConfig,
                          std::string(name) + ": control characters are not allowed");
        }
    }
    return Reader(name, content).document();
}

}  // namespace quorate::config
