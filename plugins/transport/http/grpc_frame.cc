// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/grpc_frame.h"

#include <algorithm>
#include <cstring>

namespace quorate::http {
namespace {

// Memory above this is given back when a message is done.
constexpr size_t kKeptBytes = 4096;

void clear_bounded(std::string& text) {
    if (text.capacity() > kKeptBytes) {
        text = std::string();
    } else {
        text.clear();
    }
}

}  // namespace

std::array<char, kMessagePrefixBytes> message_prefix(size_t size) {
    return {0, static_cast<char>(size >> 24), static_cast<char>(size >> 16),
            static_cast<char>(size >> 8), static_cast<char>(size)};
}

uint64_t MessageReader::announced() const {
    uint64_t size = 0;
    for (size_t i = 1; i < kMessagePrefixBytes; ++i) {
        size = size << 8 | static_cast<unsigned char>(prefix_[i]);
    }
    return size;
}

uint64_t MessageReader::expected_bytes() const {
    return prefix_size_ == kMessagePrefixBytes ? announced() + kMessagePrefixBytes : 0;
}

void MessageReader::reset() {
    prefix_size_ = 0;
    delivered_ = false;
    clear_bounded(body_);
}

MessageReader::Step MessageReader::finish_message(std::string_view body, size_t used) {
    prefix_size_ = 0;
    return {Result::kMessage, used, body, body.size(), static_cast<uint8_t>(prefix_[0])};
}

MessageReader::Step MessageReader::next(std::string_view input) {
    if (delivered_) {
        delivered_ = false;
        clear_bounded(body_);
    }
    size_t used = 0;
    if (prefix_size_ < kMessagePrefixBytes) {
        used = std::min(input.size(), kMessagePrefixBytes - prefix_size_);
        std::memcpy(prefix_.data() + prefix_size_, input.data(), used);
        prefix_size_ = static_cast<uint8_t>(prefix_size_ + used);
        input.remove_prefix(used);
        if (prefix_size_ < kMessagePrefixBytes) {
            return {Result::kNeedMore, used, {}, 0, 0};
        }
        const auto flag = static_cast<uint8_t>(prefix_[0]);
        if (flag > 1) {
            return {Result::kBadFlag, used, {}, announced(), flag};
        }
        if (announced() > message_bytes_max_) {
            return {Result::kTooLarge, used, {}, announced(), flag};
        }
    }
    const uint64_t missing = announced() - body_.size();
    if (input.size() < missing) {
        body_.append(input);
        return {Result::kNeedMore, used + input.size(), {}, 0, 0};
    }
    const std::string_view rest = input.substr(0, static_cast<size_t>(missing));
    if (body_.empty()) {
        return finish_message(rest, used + rest.size());
    }
    body_.append(rest);
    delivered_ = true;
    return finish_message(body_, used + rest.size());
}

}  // namespace quorate::http
