// SPDX-License-Identifier: Apache-2.0
//
// Mailbox: how other threads reach a loop. Pushing copies small messages into one buffer that is
// swapped out whole, so a command costs no allocation; large messages travel in the block their
// sender made. What waits here is bounded by the calls' own bounds: a call that is busy is not sent
// to, and an answered call is not sent to at all.
//
// Waking: a pusher does not wake the loop. flush() does, once, and only if the loop sleeps:
//   1. the loop announces that it is about to sleep, then looks at `waiting` once more;
//   2. the pusher sets `waiting`, then looks at `asleep`.
// Both sides use sequentially consistent order, so at least one of them sees the other.
#pragma once

#include "plugin/abi/common.h"
#include "plugins/transport/http/response_head.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quorate::http {

class Call;
class Channel;

// What a made call begins with.
struct CallOpening {
    std::string path;
    std::vector<std::pair<std::string, std::string>> headers;
    int64_t due_ms = 0;  // the deadline; 0: none
};

struct Command {
    enum class Kind : uint8_t {
        kSend,
        kReply,
        kFinish,
        kRespond,
        kHold,
        kResume,
        kOpen,  // a made call, over `channel`
        kHalfClose,
        kClose,
        kHangUp,  // `channel`, without a call
    };

    Call* call;
    Kind kind;
    quorate_code code = QUORATE_OK;
    size_t offset = 0;  // of the small payload in CommandBatch::bytes
    size_t size = 0;
    std::string block = {};  // a large payload, framed already
    std::unique_ptr<ResponseHead> head = {};
    Channel* channel = nullptr;
    std::unique_ptr<CallOpening> opening = {};
};

struct CommandBatch {
    std::vector<Command> commands;
    std::string bytes;

    std::string_view payload(const Command& command) const {
        return std::string_view(bytes).substr(command.offset, command.size);
    }
    void clear();
};

class Mailbox {
  public:
    // Any thread. False once the mailbox is closed, for kOpen once it closes; the command is then
    // untouched.
    [[nodiscard]] bool push(Command&& command, std::string_view payload);

    // The loop. Swaps what waits into `batch`, which must be clear.
    void take(CommandBatch& batch);
    // The loop stops, in two steps: first no call begins any more, so that all calls can be ended;
    // then comes the last take, after which push answers false.
    void refuse_calls();
    void close(CommandBatch& batch);

    // The loop, around its sleep. False: do not sleep, something waits.
    [[nodiscard]] bool announce_sleep();
    void announce_awake() { asleep_.store(false, std::memory_order_relaxed); }
    // Any thread, after pushing. True: the caller must wake the loop, nobody else does.
    [[nodiscard]] bool must_wake();

  private:
    std::mutex mutex_;
    CommandBatch batch_;
    enum class State : uint8_t { kOpen, kClosing, kClosed };
    State state_ = State::kOpen;
    std::atomic<bool> waiting_{false};
    std::atomic<bool> asleep_{false};
};

}  // namespace quorate::http
