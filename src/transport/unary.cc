// SPDX-License-Identifier: Apache-2.0
#include "transport/unary.h"

#include "base/errors.h"

#include <future>
#include <memory>
#include <optional>
#include <utility>

namespace quorate::transport {
namespace {

class WaitedCall final : public ClientCall {
  public:
    explicit WaitedCall(std::promise<Result<Bytes>> answer) : answer_(std::move(answer)) {}

    void on_message(ByteView message) override { message_ = Bytes(message); }
    void on_end(const CallEnd& end) override {
        if (end.code != Code::kOk) {
            answer_.set_value(
                Status::from_wire(static_cast<uint32_t>(end.code), std::string(end.text)));
        } else if (!message_) {
            answer_.set_value(Status(errors::kUnavailable, "the peer has answered nothing"));
        } else {
            answer_.set_value(std::move(*message_));
        }
    }

  private:
    std::promise<Result<Bytes>> answer_;
    std::optional<Bytes> message_;
};

}  // namespace

Result<Bytes> call_and_wait(Transport& transport, Connection& connection, const CallStart& start,
                            ByteView request) {
    std::promise<Result<Bytes>> answer;
    auto future = answer.get_future();
    auto call = connection.call(start, std::make_unique<WaitedCall>(std::move(answer)));
    if (!call) {
        return call.error();
    }
    static_cast<void>(call->send(request));  // its end says what became of it
    call->half_close();
    transport.flush();
    return future.get();
}

}  // namespace quorate::transport
