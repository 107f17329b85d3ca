// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "transport/transport.h"

#include <atomic>
#include <optional>

namespace quorate::node {

// What a call was answered with; waited for with wait().
struct RecordingChannel final : transport::Reply::Channel {
    transport::SendResult send(ByteView bytes) override {
        message = Bytes(bytes);
        return transport::SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& result) override {
        status = result;
        done.store(true);
        done.notify_all();
    }
    void reply(ByteView bytes) override {
        message = Bytes(bytes);
        finish({});
    }
    void hold(bool) override {}

    void wait() { done.wait(false); }

    Bytes message;
    Status status;
    std::atomic<bool> done{false};
};

}  // namespace quorate::node
