// SPDX-License-Identifier: Apache-2.0
//
// One gRPC call of a command, seen from the command's thread: messages wait in it, at most
// kWaitingBytesMax of them before the peer is held back, until they are taken.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "ctl/call_transport.h"
#include "transport/client.h"

#include <memory>
#include <optional>

namespace quorate::ctl {

// An error of the server in the words of Go's client: etcd's own texts as they are, others as
// "rpc error: code = Unavailable desc = ...".
Status server_error(Code code, std::string_view text);

class Call {
  public:
    static constexpr size_t kWaitingBytesMax = 8 * 1024 * 1024;

    struct End {
        Code code = Code::kOk;
        std::string text;
        bool never_sent = false;
        int64_t at_ns = 0;
    };

    // `connection` outlives the call. Woken through the transport's waiter.
    static Result<std::unique_ptr<Call>> start(CallTransport& transport,
                                               transport::Connection& connection,
                                               const transport::CallStart& start);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    void send(ByteView message);
    void half_close();

    // The oldest waiting message. Never waits.
    std::optional<Bytes> take();
    // Set once the call has ended and every message of it was taken.
    const End* end();

  private:
    struct State;
    class Receiver;

    Call(CallTransport& transport, std::shared_ptr<State> state)
        : transport_(transport), state_(std::move(state)) {}

    CallTransport& transport_;
    // Shared with the receiver, which the transport owns and may outlive us.
    const std::shared_ptr<State> state_;
};

}  // namespace quorate::ctl
