// SPDX-License-Identifier: Apache-2.0
#include "ctl/call.h"

#include "base/errors.h"

#include <deque>
#include <mutex>
#include <utility>

namespace quorate::ctl {

// The transport's thread fills it, the command's thread empties it.
struct Call::State {
    explicit State(Waiter& waiting) : waiter(waiting) {}

    Waiter& waiter;
    std::mutex mutex;
    std::deque<Bytes> messages;
    size_t bytes = 0;
    bool held = false;
    std::optional<End> end;
    transport::Request request;  // empty until Connection::call has returned

    // With the lock held: the peer is held back as long as too much waits.
    void balance() {
        const bool hold = held ? bytes > kWaitingBytesMax / 2 : bytes > kWaitingBytesMax;
        if (hold != held && request && !end) {
            held = hold;
            request.hold(held);
        }
    }
};

class Call::Receiver final : public transport::ClientCall {
  public:
    explicit Receiver(std::shared_ptr<State> state) : state_(std::move(state)) {}

    void on_message(ByteView message) override {
        {
            const std::lock_guard lock(state_->mutex);
            state_->messages.emplace_back(message);
            state_->bytes += message.size();
            state_->balance();
        }
        state_->waiter.wake();
    }

    void on_end(const transport::CallEnd& end) override {
        {
            const std::lock_guard lock(state_->mutex);
            state_->end = End{end.code, std::string(end.text), end.never_sent, now_ns()};
        }
        state_->waiter.wake();
    }

  private:
    const std::shared_ptr<State> state_;
};

Status server_error(Code code, std::string_view text) {
    constexpr std::string_view kEtcd = "etcdserver: ";
    std::string shown;
    if (text.starts_with(kEtcd)) {
        shown = std::string(text);
    } else if (code == Code::kDeadlineExceeded) {
        shown = std::string(errors::kContextDeadline.text);
    } else {
        shown =
            "rpc error: code = " + std::string(code_name(code)) + " desc = " + std::string(text);
    }
    return Status::from_wire(static_cast<uint32_t>(code), std::move(shown));
}

Result<std::unique_ptr<Call>> Call::start(CallTransport& transport,
                                          transport::Connection& connection,
                                          const transport::CallStart& start) {
    auto state = std::make_shared<State>(transport.waiter());
    auto request = connection.call(start, std::make_unique<Receiver>(state));
    if (!request) {
        return request.error();
    }
    {
        const std::lock_guard lock(state->mutex);
        state->request = std::move(request).value();
        state->balance();
    }
    return std::unique_ptr<Call>(new Call(transport, std::move(state)));
}

Call::~Call() {
    transport::Request request;
    {
        const std::lock_guard lock(state_->mutex);
        request = std::move(state_->request);
    }
    request.close();
    transport_.flush();
}

void Call::send(ByteView message) {
    {
        const std::lock_guard lock(state_->mutex);
        // Busy has taken the message, and a command sends little; gone shows in the end.
        static_cast<void>(state_->request.send(message));
    }
    transport_.flush();
}

void Call::half_close() {
    {
        const std::lock_guard lock(state_->mutex);
        state_->request.half_close();
    }
    transport_.flush();
}

std::optional<Bytes> Call::take() {
    bool resumed = false;
    std::optional<Bytes> message;
    {
        const std::lock_guard lock(state_->mutex);
        if (state_->messages.empty()) {
            return std::nullopt;
        }
        message = std::move(state_->messages.front());
        state_->messages.pop_front();
        state_->bytes -= message->size();
        const bool held = state_->held;
        state_->balance();
        resumed = held && !state_->held;
    }
    if (resumed) {
        transport_.flush();
    }
    return message;
}

const Call::End* Call::end() {
    const std::lock_guard lock(state_->mutex);
    return state_->end && state_->messages.empty() ? &*state_->end : nullptr;
}

}  // namespace quorate::ctl
