// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/http1_request.h"

#include "plugins/transport/http/websocket.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace quorate::http {
namespace {

constexpr size_t kChunkLineBytesMax = 256;
constexpr size_t kTrailerBytesMax = 8192;
constexpr uint32_t kBadRequest = 400;
constexpr uint32_t kNotImplemented = 501;
constexpr uint32_t kVersionNotSupported = 505;

constexpr std::array<bool, 256> make_token_table() {
    std::array<bool, 256> table{};
    for (const char c : std::string_view("!#$%&'*+-.^_`|~0123456789")) {
        table[static_cast<unsigned char>(c)] = true;
    }
    for (char c = 'a'; c <= 'z'; ++c) {
        table[static_cast<unsigned char>(c)] = true;
        table[static_cast<unsigned char>(c - 'a' + 'A')] = true;
    }
    return table;
}

constexpr std::array<bool, 256> kTokenChars = make_token_table();

bool is_token_char(char c) {
    return kTokenChars[static_cast<unsigned char>(c)];
}

bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_field_value(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; });
}

bool is_target(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return static_cast<unsigned char>(c) > 0x20 && c != 0x7f;
    });
}

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [](char x, char y) { return lower(x) == lower(y); });
}

std::string_view trim(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t");
    return first == std::string_view::npos
               ? std::string_view()
               : text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// Whether a list such as "keep-alive, Upgrade" has the word.
bool lists(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        const size_t comma = std::min(list.find(','), list.size());
        if (equals(trim(list.substr(0, comma)), word)) {
            return true;
        }
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

bool parse_length(std::string_view text, uint64_t& ret_length) {
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, ret_length);
    return result.ec == std::errc() && result.ptr == end;
}

// "GET http://host/path" names the host in the target.
void set_target(std::string_view target, RequestHead& head) {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (target.starts_with(scheme)) {
            const std::string_view rest = target.substr(scheme.size());
            const size_t slash = std::min(rest.find('/'), rest.size());
            head.set_authority(rest.substr(0, slash));
            head.set_path(slash == rest.size() ? std::string_view("/") : rest.substr(slash));
            return;
        }
    }
    head.set_path(target);
}

// Reads a block line by line into `head`. Every function returns 0, or the status that refuses the
// request.
class HeadParser {
  public:
    HeadParser(std::string_view block, RequestHead& head) : block_(block), head_(head) {}

    uint32_t parse(Http1Head& out) {
        uint32_t status = parse_request_line(out);
        std::string_view line;
        while (status == 0 && !(line = take_line()).empty()) {
            status = parse_field(line, out);
        }
        return status == 0 ? judge(out) : status;
    }

  private:
    // Without its end; empty at the end of the block.
    std::string_view take_line() {
        const size_t newline = std::min(block_.find('\n'), block_.size());
        std::string_view line = block_.substr(0, newline);
        block_.remove_prefix(std::min(newline + 1, block_.size()));
        if (line.ends_with('\r')) {
            line.remove_suffix(1);
        }
        return line;
    }

    uint32_t parse_request_line(Http1Head& out) {
        const std::string_view line = take_line();
        const size_t first = line.find(' ');
        const size_t last = line.rfind(' ');
        if (first == std::string_view::npos || first == last) {
            return kBadRequest;
        }
        const std::string_view method = line.substr(0, first);
        const std::string_view target = line.substr(first + 1, last - first - 1);
        const std::string_view version = line.substr(last + 1);
        out.http10 = version == "HTTP/1.0";
        if (!out.http10 && version != "HTTP/1.1") {
            return version.starts_with("HTTP/") ? kVersionNotSupported : kBadRequest;
        }
        if (!is_token(method) || !is_target(target)) {
            return kBadRequest;
        }
        is_get_ = method == "GET";
        head_.set_method(method);
        set_target(target, head_);
        return 0;
    }

    // A line that continues the one before is an old way to hide things: its name is no token.
    uint32_t parse_field(std::string_view line, Http1Head& out) {
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) {
            return kBadRequest;
        }
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trim(line.substr(colon + 1));
        if (!is_token(name) || !is_field_value(value)) {
            return kBadRequest;
        }
        if (equals(name, "host")) {
            ++hosts_;
            if (head_.authority().empty()) {
                head_.set_authority(value);
            }
        } else if (equals(name, "content-length")) {
            ++lengths_;
            return parse_length(value, out.content_length) ? 0 : kBadRequest;
        } else if (equals(name, "transfer-encoding")) {
            ++encodings_;
            return equals(value, "chunked") ? 0 : kNotImplemented;
        } else if (equals(name, "connection")) {
            closes_ = closes_ || lists(value, "close");
            keeps_ = keeps_ || lists(value, "keep-alive");
            upgrades_ = upgrades_ || lists(value, "upgrade");
        } else if (equals(name, "expect")) {
            out.expects_continue = equals(value, "100-continue");
        } else if (equals(name, "upgrade")) {
            upgrade_ = value;
        } else if (!equals(name, "keep-alive") && !equals(name, "trailer") && !equals(name, "te")) {
            note_websocket(name, value);
            head_.add(name, value);
        }
        return 0;
    }

    void note_websocket(std::string_view name, std::string_view value) {
        if (equals(name, "sec-websocket-version")) {
            websocket_.version = value;
        } else if (equals(name, "sec-websocket-key")) {
            websocket_.key = value;
        }
    }

    uint32_t judge(Http1Head& out) {
        out.chunked = encodings_ == 1;
        if (lengths_ + encodings_ > 1 || (out.chunked && out.http10) || hosts_ > 1 ||
            (hosts_ == 0 && !out.http10)) {
            return kBadRequest;
        }
        out.keep_alive = out.http10 ? keeps_ : !closes_;
        out.expects_continue = out.expects_continue && !out.http10;
        websocket_.upgrade = upgrade_;
        out.websocket = is_get_ && !out.http10 && upgrades_ && asks_for_websocket(websocket_);
        if (out.websocket) {
            head_.add("upgrade", upgrade_);
        }
        return 0;
    }

    std::string_view block_;
    RequestHead& head_;
    bool is_get_ = false;
    size_t hosts_ = 0;
    size_t lengths_ = 0;
    size_t encodings_ = 0;
    bool closes_ = false;
    bool keeps_ = false;
    bool upgrades_ = false;
    std::string_view upgrade_;
    WebSocketHeaders websocket_;
};

}  // namespace

size_t find_head_end(std::string_view bytes, size_t from) {
    // The empty line may have begun in what was searched before.
    size_t at = from < 3 ? 0 : from - 3;
    while ((at = bytes.find('\n', at)) != std::string_view::npos) {
        const std::string_view rest = bytes.substr(at + 1);
        if (rest.starts_with('\n')) {
            return at + 2;
        }
        if (rest.starts_with("\r\n")) {
            return at + 3;
        }
        ++at;
    }
    return 0;
}

Http1Head parse_http1_head(std::string_view block, RequestHead& head) {
    head.clear();
    Http1Head out;
    const uint32_t status = HeadParser(block, head).parse(out);
    if (status != 0) {
        out = Http1Head{};
        out.error_status = status;
    }
    return out;
}

void ChunkDecoder::reset() {
    state_ = State::kSize;
    line_.clear();
    chunk_left_ = 0;
    trailer_bytes_ = 0;
}

ChunkDecoder::Result ChunkDecoder::take_line(std::string_view line) {
    if (state_ == State::kDataEnd) {
        state_ = State::kSize;
        return line.empty() ? Result::kNeedMore : Result::kMalformed;
    }
    if (state_ == State::kTrailer) {
        trailer_bytes_ += line.size();
        if (trailer_bytes_ > kTrailerBytesMax) {
            return Result::kTooLarge;
        }
        return line.empty() ? Result::kDone : Result::kNeedMore;
    }
    const std::string_view digits = line.substr(0, line.find(';'));
    const std::string_view trimmed = digits.substr(0, digits.find_last_not_of(" \t") + 1);
    const auto result =
        std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), chunk_left_, 16);
    if (result.ec != std::errc() || result.ptr != trimmed.data() + trimmed.size()) {
        return Result::kMalformed;
    }
    state_ = chunk_left_ == 0 ? State::kTrailer : State::kData;
    return Result::kNeedMore;
}

ChunkDecoder::Result ChunkDecoder::decode(std::string_view input, std::string& body,
                                          size_t& ret_used) {
    ret_used = 0;
    while (ret_used < input.size()) {
        const std::string_view rest = input.substr(ret_used);
        if (state_ == State::kData) {
            if (chunk_left_ > body_bytes_max_ || body.size() + chunk_left_ > body_bytes_max_) {
                return Result::kTooLarge;
            }
            const auto take = static_cast<size_t>(std::min<uint64_t>(chunk_left_, rest.size()));
            body.append(rest.substr(0, take));
            ret_used += take;
            chunk_left_ -= take;
            state_ = chunk_left_ == 0 ? State::kDataEnd : State::kData;
            continue;
        }
        const size_t newline = rest.find('\n');
        const size_t line_bytes = std::min(newline, rest.size());
        const size_t line_max = state_ == State::kTrailer ? kTrailerBytesMax : kChunkLineBytesMax;
        if (line_.size() + line_bytes > line_max) {
            return Result::kMalformed;
        }
        line_.append(rest.substr(0, line_bytes));
        if (newline == std::string_view::npos) {
            ret_used = input.size();
            break;
        }
        ret_used += newline + 1;
        if (line_.ends_with('\r')) {
            line_.pop_back();
        }
        const Result result = take_line(line_);
        line_.clear();
        if (result != Result::kNeedMore) {
            return result;
        }
    }
    return Result::kNeedMore;
}

}  // namespace quorate::http
