// SPDX-License-Identifier: Apache-2.0
#include "transport/client.h"

namespace quorate::transport {

Request& Request::operator=(Request&& other) noexcept {
    if (this != &other) {
        close();
        channel_ = std::exchange(other.channel_, nullptr);
    }
    return *this;
}

SendResult Request::send(ByteView message) {
    QUORATE_ASSERT(channel_ != nullptr);
    return channel_->send(message);
}

void Request::half_close() {
    QUORATE_ASSERT(channel_ != nullptr);
    channel_->half_close();
}

void Request::hold(bool held) {
    QUORATE_ASSERT(channel_ != nullptr);
    channel_->hold(held);
}

void Request::detach() {
    if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->detach();
    }
}

void Request::close() {
    if (channel_ != nullptr) {
        std::exchange(channel_, nullptr)->close();
    }
}

}  // namespace quorate::transport
