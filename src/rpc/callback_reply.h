// SPDX-License-Identifier: Apache-2.0
//
// A Reply whose answer comes back to whoever made it, for services that ask others before they
// answer their own caller. One message and its end; the callback runs once, on the answering
// thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "transport/transport.h"

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace quorate::rpc {

using AnswerCallback = std::function<void(Result<Bytes>)>;

// Owned by the Reply above it.
class CallbackChannel final : public transport::Reply::Channel {
  public:
    explicit CallbackChannel(AnswerCallback callback) : callback_(std::move(callback)) {}

    transport::SendResult send(ByteView message) override {
        message_ = Bytes(message);
        return transport::SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override {
        const std::unique_ptr<CallbackChannel> self(this);
        callback_(status.ok() ? Result<Bytes>(std::move(message_)) : Result<Bytes>(status));
    }
    void reply(ByteView message) override {
        message_ = Bytes(message);
        finish({});
    }
    void hold(bool) override {}

  private:
    const AnswerCallback callback_;
    Bytes message_;
};

inline transport::Reply callback_reply(AnswerCallback callback) {
    return transport::Reply(std::make_unique<CallbackChannel>(std::move(callback)).release());
}

}  // namespace quorate::rpc
