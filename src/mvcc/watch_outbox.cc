// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_outbox.h"

#include "base/assert.h"
#include "base/errors.h"

#include <utility>

namespace quorate::mvcc {

namespace {

WatchMessage message_of(const WatchAnswer& answer) {
    return {.watch_id = answer.watch_id,
            .revision = answer.revision,
            .created = answer.created,
            .canceled = answer.canceled,
            .compact_revision = answer.compact_revision,
            .cancel_reason = answer.cancel_reason};
}

}  // namespace

WatchOutbox::WatchOutbox(std::unique_ptr<WatchSink> sink, size_t answers_max)
    : sink_(std::move(sink)), answers_max_(answers_max) {
    QUORATE_ASSERT(sink_ != nullptr);
    QUORATE_ASSERT(answers_max_ >= 2);
}

void WatchOutbox::answer(WatchAnswer answer) {
    switch (state_) {
        case State::kOpen:
            pass(message_of(answer));
            return;
        case State::kBusy:
            if (answers_.size() >= answers_max_) {
                finish(errors::kRequestTooManyRequests);
                return;
            }
            answers_.push_back(std::move(answer));
            return;
        case State::kGone:
            return;
    }
}

void WatchOutbox::send(const WatchMessage& message) {
    QUORATE_ASSERT(open());
    pass(message);
}

void WatchOutbox::send_more(const WatchMessage& message) {
    if (state_ != State::kGone) {
        pass(message);
    }
}

void WatchOutbox::writable() {
    if (state_ != State::kBusy) {
        return;
    }
    state_ = State::kOpen;
    while (open() && !answers_.empty()) {
        const WatchAnswer answer = std::move(answers_.front());
        answers_.pop_front();
        pass(message_of(answer));
    }
}

void WatchOutbox::finish(const Status& status) {
    if (state_ == State::kGone) {
        return;
    }
    state_ = State::kGone;
    answers_.clear();
    sink_->finish(status);
}

void WatchOutbox::pass(const WatchMessage& message) {
    switch (sink_->send(message)) {
        case SinkResult::kOk:
            return;
        case SinkResult::kBusy:
            state_ = State::kBusy;
            return;
        case SinkResult::kGone:
            state_ = State::kGone;
            answers_.clear();
            return;
    }
}

}  // namespace quorate::mvcc
