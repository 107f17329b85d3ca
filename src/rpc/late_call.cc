// SPDX-License-Identifier: Apache-2.0
#include "rpc/late_call.h"

#include "base/errors.h"

#include <utility>

namespace quorate::rpc {

using transport::Call;
using transport::CancelReason;
using transport::Reply;

class LateCall::Front final : public Call {
  public:
    explicit Front(std::shared_ptr<LateCall> late) : late_(std::move(late)) {}

    void on_message(ByteView message) override {
        if (!late_->keep([bytes = Bytes(message)](Call& call) { call.on_message(bytes); }, true)) {
            late_->inner_->on_message(message);
        }
    }
    void on_half_close() override {
        if (!late_->keep([](Call& call) { call.on_half_close(); }, false)) {
            late_->inner_->on_half_close();
        }
    }
    void on_writable() override {
        if (!late_->keep([](Call& call) { call.on_writable(); }, false)) {
            late_->inner_->on_writable();
        }
    }
    void on_cancel(CancelReason reason) override {
        if (!late_->keep([reason](Call& call) { call.on_cancel(reason); }, false)) {
            late_->inner_->on_cancel(reason);
            return;
        }
        late_->end(reason);
    }

  private:
    const std::shared_ptr<LateCall> late_;
};

std::unique_ptr<Call> LateCall::front_of(std::shared_ptr<LateCall> self) {
    return std::make_unique<Front>(std::move(self));
}

bool LateCall::keep(Event event, bool is_message) {
    Reply refused;
    {
        const std::lock_guard lock(mutex_);
        if (opened_ && inner_ != nullptr) {
            return false;
        }
        if (ended_ || opened_) {
            return true;  // nobody is left to hear of it
        }
        messages_ += is_message ? 1 : 0;
        if (messages_ <= kMessagesMax) {
            kept_.push_back(std::move(event));
            return true;
        }
        ended_ = true;
        refused = std::move(reply_);
    }
    if (refused) {
        refused.finish(errors::kRequestTooManyRequests);
    }
    return true;
}

// The transport lets go of a call that it has cancelled: one that was not opened answers at once.
void LateCall::end(CancelReason reason) {
    if (Reply reply = take_reply()) {
        reply.finish(reason == CancelReason::kDeadline ? errors::kContextDeadline
                                                       : errors::kContextCanceled);
    }
}

Reply LateCall::take_reply() {
    const std::lock_guard lock(mutex_);
    if (!reply_) {
        return {};
    }
    ended_ = true;
    return std::move(reply_);
}

void LateCall::refuse(const Status& status) {
    if (Reply reply = take_reply()) {
        reply.finish(status);
    }
}

void LateCall::open(const Open& open) {
    Reply reply;
    {
        const std::lock_guard lock(mutex_);
        if (ended_) {
            return;
        }
        reply = std::move(reply_);
    }
    inner_ = open(std::move(reply));
    while (true) {
        std::vector<Event> kept;
        {
            const std::lock_guard lock(mutex_);
            if (kept_.empty() || inner_ == nullptr) {
                opened_ = true;
                kept_.clear();
                return;
            }
            kept.swap(kept_);
        }
        for (const Event& event : kept) {
            event(*inner_);
        }
    }
}

}  // namespace quorate::rpc
