// SPDX-License-Identifier: Apache-2.0
#include "config/config_file.h"

#include "base/errors.h"
#include "config/values.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <utility>

namespace quorate::config {

namespace {

constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

// The line up to a comment: a # at its start, after a blank, and not inside quotes.
std::string_view without_comment(std::string_view line) {
    bool quoting = false;
    for (size_t i = 0; i < line.size(); ++i) {
        if (quoting && line[i] == '\\') {
            ++i;
        } else if (line[i] == '"') {
            // Only a value that begins with a quote is a quoted one.
            const std::string_view before = trim(line.substr(0, i));
            quoting = !quoting && !before.empty() && before.back() == '=' &&
                      before.find('=') == before.size() - 1;
        } else if (line[i] == '#' && !quoting && (i == 0 || is_blank(line[i - 1]))) {
            return line.substr(0, i);
        }
    }
    return line;
}

Result<std::string> unquoted(std::string_view value) {
    if (value.empty() || value.front() != '"') {
        return std::string(value);
    }
    std::string out;
    for (size_t i = 1; i < value.size(); ++i) {
        if (value[i] == '"') {
            if (i + 1 != value.size()) {
                return Status(errors::kConfig, "nothing may follow the closing quote");
            }
            return out;
        }
        if (value[i] == '\\') {
            ++i;
            if (i == value.size() || (value[i] != '"' && value[i] != '\\')) {
                return Status(errors::kConfig, "only \\\" and \\\\ are escapes in quotes");
            }
        }
        out += value[i];
    }
    return Status(errors::kConfig, "the closing quote is missing");
}

bool is_name(std::string_view text) {
    return !text.empty() && text.find_first_not_of(
                                "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.") == std::string_view::npos;
}

class Parser {
  public:
    explicit Parser(std::string_view path) : path_(path) {}

    Status line(std::string_view raw) {
        ++line_;
        for (const char c : raw) {
            if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
                return fail("control characters are not allowed");
            }
        }
        const std::string_view text = trim(without_comment(raw));
        if (text.empty()) {
            return {};
        }
        return text.front() == '[' ? section(text) : entry(text);
    }

    std::vector<FileEntry> take() { return std::move(entries_); }

  private:
    Status fail(const std::string& what) const {
        return {errors::kConfig, path_ + ":" + std::to_string(line_) + ": " + what};
    }

    Status section(std::string_view text) {
        const std::string_view name = trim(text.substr(1, text.size() - 2));
        if (text.back() != ']' || text.size() < 3 || !is_name(name)) {
            return fail("a section is written [kind.name], such as [storage.leveldb]");
        }
        section_ = std::string(name);
        return {};
    }

    Status entry(std::string_view text) {
        const size_t equals = text.find('=');
        const std::string_view key = trim(text.substr(0, equals));
        if (equals == std::string_view::npos) {
            return fail("expected key = value, found " + in_quotes(text));
        }
        if (!is_name(key)) {
            return fail("not a key: " + in_quotes(key));
        }
        Result<std::string> value = unquoted(trim(text.substr(equals + 1)));
        if (!value) {
            return fail(std::string(key) + ": " + value.error().message());
        }
        const auto [known, added] = lines_.emplace(std::pair(section_, std::string(key)), line_);
        if (!added) {
            return fail(std::string(key) + " is already set in line " +
                        std::to_string(known->second));
        }
        entries_.push_back({section_, std::string(key), std::move(value).value(), line_});
        return {};
    }

    const std::string path_;
    std::string section_;
    size_t line_ = 0;
    std::map<std::pair<std::string, std::string>, size_t> lines_;
    std::vector<FileEntry> entries_;
};

}  // namespace

Result<std::vector<FileEntry>> parse_config_file(std::string_view path, std::string_view content) {
    if (content.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
        content.remove_prefix(kByteOrderMark.size());
    }
    Parser parser(path);
    while (!content.empty()) {
        const size_t end = std::min(content.find('\n'), content.size());
        std::string_view line = content.substr(0, end);
        content.remove_prefix(std::min(end + 1, content.size()));
        if (!line.empty() && line.back() == '\r') {
            line.remove_suffix(1);
        }
        if (Status s = parser.line(line); !s.ok()) {
            return s;
        }
    }
    return parser.take();
}

Result<std::string> read_config_file(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::string content(kConfigFileBytesMax + 1, '\0');
    if (in) {
        in.read(content.data(), static_cast<std::streamsize>(content.size()));
    }
    if (!in.is_open() || in.bad() || (in.fail() && !in.eof())) {
        return Status(errors::kConfig, "cannot read the configuration file " + in_quotes(path) +
                                           ": " + std::strerror(errno));
    }
    content.resize(static_cast<size_t>(in.gcount()));
    if (content.size() > kConfigFileBytesMax) {
        return Status(errors::kConfig,
                      "the configuration file " + in_quotes(path) + " is larger than 1 MiB");
    }
    return content;
}

}  // namespace quorate::config
