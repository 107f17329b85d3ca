// SPDX-License-Identifier: Apache-2.0
#include "transport/transport.h"

#include "base/errors.h"

#include <utility>

namespace quorate::transport {

std::string host_of(const Url& url) {
    return url.is_unix() ? "unix:" + url.path : url.host;
}

ByteView CallInfo::header(ByteView name) const {
    for (const Header& h : headers) {
        if (h.name == name) {
            return h.value;
        }
    }
    return {};
}

Reply& Reply::operator=(Reply&& other) noexcept {
    if (this != &other) {
        const Reply dropped(std::move(*this));
        channel_ = std::exchange(other.channel_, nullptr);
        observer_ = other.observer_;
    }
    return *this;
}

Reply::~Reply() {
    if (channel_ != nullptr) {
        finish(errors::kStopped);
    }
}

SendResult Reply::send(ByteView message) {
    QUORATE_ASSERT(channel_ != nullptr);
    if (observer_ != nullptr) {
        observer_->sent(message);
    }
    return channel_->send(message);
}

void Reply::respond(uint32_t http_status, const std::vector<Header>& headers) {
    QUORATE_ASSERT(channel_ != nullptr);
    channel_->respond(http_status, headers);
}

void Reply::finish(const Status& status) {
    QUORATE_ASSERT(channel_ != nullptr);
    if (observer_ != nullptr) {
        observer_->finished(status.code());
    }
    std::exchange(channel_, nullptr)->finish(status);
}

void Reply::reply(ByteView message) {
    QUORATE_ASSERT(channel_ != nullptr);
    if (observer_ != nullptr) {
        observer_->sent(message);
        observer_->finished(Code::kOk);
    }
    std::exchange(channel_, nullptr)->reply(message);
}

void Reply::hold(bool held) {
    QUORATE_ASSERT(channel_ != nullptr);
    channel_->hold(held);
}

}  // namespace quorate::transport
