// SPDX-License-Identifier: Apache-2.0
#include "rpc/late_call.h"

#include "base/errors.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace quorate::rpc {
namespace {

using transport::Call;
using transport::CancelReason;
using transport::Reply;

struct RecordingChannel final : Reply::Channel {
    transport::SendResult send(ByteView) override { return transport::SendResult::kOk; }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override { finished = status; }
    void reply(ByteView) override { finished = Status(); }
    void hold(bool) override {}
    std::optional<Status> finished;
};

// Writes down what it hears of.
class RecordingCall final : public Call {
  public:
    explicit RecordingCall(std::vector<std::string>& heard, Reply reply)
        : heard_(heard), reply_(std::move(reply)) {}
    ~RecordingCall() override {
        if (reply_) {
            reply_.finish({});
        }
    }
    void on_message(ByteView message) override { heard_.push_back(std::string(message)); }
    void on_half_close() override { heard_.push_back("(half close)"); }
    void on_cancel(CancelReason) override { heard_.push_back("(cancel)"); }
    void on_writable() override { heard_.push_back("(writable)"); }

  private:
    std::vector<std::string>& heard_;
    Reply reply_;
};

class LateCallTest : public testing::Test {
  protected:
    LateCallTest()
        : late_(std::make_shared<LateCall>(Reply(&channel_))), front_(LateCall::front_of(late_)) {}

    void open() {
        late_->open([this](Reply reply) {
            return std::make_unique<RecordingCall>(heard_, std::move(reply));
        });
    }

    RecordingChannel channel_;
    std::vector<std::string> heard_;
    std::shared_ptr<LateCall> late_;
    std::unique_ptr<Call> front_;
};

TEST_F(LateCallTest, HearsAllInOrder) {
    front_->on_message("one");
    front_->on_message("two");
    EXPECT_TRUE(heard_.empty());
    open();
    front_->on_message("three");
    front_->on_half_close();
    front_->on_cancel(CancelReason::kPeer);
    EXPECT_EQ(heard_,
              (std::vector<std::string>{"one", "two", "three", "(half close)", "(cancel)"}));
    EXPECT_FALSE(channel_.finished.has_value());
}

TEST_F(LateCallTest, IsRefusedWithAnError) {
    front_->on_message("one");
    late_->refuse(errors::kInvalidAuthToken);
    ASSERT_TRUE(channel_.finished.has_value());
    EXPECT_TRUE(channel_.finished->is(errors::kInvalidAuthToken));
    open();
    front_->on_message("two");
    EXPECT_TRUE(heard_.empty());
}

TEST_F(LateCallTest, EndsWithItsClient) {
    front_->on_message("one");
    front_->on_cancel(CancelReason::kDeadline);
    ASSERT_TRUE(channel_.finished.has_value());
    EXPECT_TRUE(channel_.finished->is(errors::kContextDeadline));
    front_.reset();
    open();
    late_->refuse(errors::kTimeout);
    EXPECT_TRUE(heard_.empty());
}

TEST_F(LateCallTest, KeepsNoMoreThanItsBound) {
    for (size_t i = 0; i < LateCall::kMessagesMax; ++i) {
        front_->on_message("m");
    }
    EXPECT_FALSE(channel_.finished.has_value());
    front_->on_message("one too many");
    ASSERT_TRUE(channel_.finished.has_value());
    EXPECT_TRUE(channel_.finished->is(errors::kRequestTooManyRequests));
    open();
    EXPECT_TRUE(heard_.empty());
}

TEST_F(LateCallTest, ACallThatAnswersAtOnceNeedsNoMore) {
    front_->on_message("one");
    late_->open([](Reply reply) -> std::unique_ptr<Call> {
        reply.finish(errors::kNotSupportedForLearner);
        return nullptr;
    });
    EXPECT_TRUE(channel_.finished->is(errors::kNotSupportedForLearner));
    front_->on_message("two");
    front_->on_cancel(CancelReason::kPeer);
    EXPECT_TRUE(heard_.empty());
}

}  // namespace
}  // namespace quorate::rpc
