// SPDX-License-Identifier: Apache-2.0
//
// Call: one gRPC call or HTTP request, in either direction: a peer's call that the core serves
// (what the ABI's quorate_call points to), or a call that the core makes (quorate_request).
//
// The core's side (send, respond, finish, reply, half_close, hold, close) may be called from any
// thread, one at a time. On the loop's own thread it acts at once, unless commands of an earlier
// thread still wait: those keep their turn. From other threads it becomes a command in the loop's
// mailbox. Everything else belongs to the loop's thread.
//
//   served:                                            made:
//   on_call --> open ---- finish ------> answered      open -- close, status of the peer, reset,
//                 |                         |            |     deadline, lost connection, shutdown
//                 |  reset, deadline,       | end of     v
//                 v  shutdown               | turn     ended -- end of the turn --> on_end
//              on_cancel -- end of -----> on_released
//                           the turn
//
// The call is freed when its last callback was made, the core has given its handle back (finish,
// close) and its stream has ended, whichever comes last. The handle of a call that has ended may
// come back much later, even when the loop has stopped.
#pragma once

#include "plugin/abi/transport_client.h"
#include "plugins/transport/http/mailbox.h"
#include "plugins/transport/http/out_queue.h"
#include "plugins/transport/http/request_head.h"
#include "plugins/transport/http/timer_heap.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct quorate_call {};
struct quorate_request {};

namespace quorate::http {

class Loop;
class Session;

// How a made call ended.
struct CallEnd {
    quorate_code code;
    std::string text;
    bool never_sent = false;  // the peer has not begun it
};

class Call : public quorate_call, public quorate_request, public Timer {
  public:
    // A call to serve; begin follows.
    Call(Loop& loop, uint32_t protocol);
    // A call to make. `user` and `events` are the core's; send is busy beyond `send_buffer_bytes`.
    Call(Loop& loop, const quorate_client_events& events, void* user, uint64_t send_buffer_bytes);
    ~Call() override = default;

    static Call& of(quorate_call* handle) { return *static_cast<Call*>(handle); }
    static Call& of(quorate_request* handle) { return *static_cast<Call*>(handle); }

    // --- the core's side, any thread -------------------------------------------------------------
    // Begins a made call. False when the loop has stopped.
    [[nodiscard]] bool open(Channel& channel, std::unique_ptr<CallOpening> opening);
    int32_t send(std::string_view message);
    void respond(std::unique_ptr<ResponseHead> head);
    void finish(quorate_code code, std::string_view text);
    void reply(std::string_view message);
    void half_close();
    void hold(bool held);
    void close();

    // --- the loop's thread -----------------------------------------------------------------------
    // Carries out what came through the mailbox.
    void apply(Command& command, std::string_view payload);
    // Tells the core about the call. Afterwards `user` is known or the call is refused.
    void begin(RequestHead& head, std::string_view peer, std::string_view tls_common_name,
               uint32_t listener);
    void deliver_message(std::string_view message);
    void deliver_half_close();
    // on_cancel, unless the core has finished. No callback but on_released follows.
    void cancel(uint32_t reason);
    // The transport ends the call with a status of its own; what the core still sends is dropped.
    void end_with(quorate_code code, std::string text);
    // A made call has ended: on_end follows at the end of the turn. Nothing but the first time.
    void end_made(CallEnd&& end);
    // The stream is gone: nothing can be sent any more. May free the call.
    void detach();
    // on_released. May free the call.
    void release();
    // After the output was drained: on_writable, if it was asked for.
    void tell_writable();
    void on_timer() override;

    // The deadline of the call, absolute.
    void set_deadline(int64_t due_ms);

    // What the session sends. `answered` says that no more follows.
    OutQueue& out() { return out_; }
    // To be called after taking `count` bytes from out().
    void on_drained(size_t count);
    bool answered() const { return answered_; }
    // Messages may be handed to the core.
    bool receiving() const { return user_ != nullptr && !finished_ && !cancelled_; }
    bool made() const { return made_events_ != nullptr; }
    // Of a made call.
    bool ended() const { return cancelled_; }
    // Its bytes are in the statistics of client traffic.
    bool counted() const { return counted_; }
    void leave_uncounted() { counted_ = false; }
    bool held() const { return held_; }
    quorate_code code() const { return code_; }
    const std::string& text() const { return text_; }
    uint32_t protocol() const { return protocol_; }
    // Before begin.
    void set_protocol(uint32_t protocol) { protocol_ = protocol; }
    bool begun() const { return begun_; }
    const ResponseHead* response() const { return response_.get(); }
    Session* session() const { return session_; }
    void attach(Session& session) { session_ = &session; }
    Loop& loop() const { return loop_; }

  private:
    bool direct() const;
    // False when the loop has stopped. Otherwise the call may be gone already.
    bool push(Command&& command, std::string_view payload);
    bool push_message(Command::Kind kind, std::string_view message);
    void finish_alone();
    void free_if_over();

    void apply_send(std::string_view message);
    void count_sent(size_t count);
    void apply_block(std::string&& block);
    void apply_finish(quorate_code code, std::string_view text);
    void apply_half_close();
    void apply_close();
    void apply_hold(bool held);
    bool takes_output() const { return session_ != nullptr && !answered_; }

    Loop& loop_;
    uint32_t protocol_;
    Session* session_ = nullptr;
    void* user_ = nullptr;
    const quorate_client_events* const made_events_ = nullptr;  // null: a served call
    const uint64_t send_buffer_bytes_;

    // Any thread.
    std::atomic<bool> gone_{false};
    std::atomic<bool> wants_writable_{false};
    std::atomic<uint32_t> commands_waiting_{0};
    std::atomic<uint64_t> queued_bytes_{0};  // sent and not yet with the socket

    OutQueue out_;
    std::unique_ptr<ResponseHead> response_;
    quorate_code code_ = QUORATE_OK;
    std::string text_;
    bool answered_ = false;   // code_ is final
    bool finished_ = false;   // by the core
    bool cancelled_ = false;  // on_cancel was made, or a made call has ended
    bool never_sent_ = false;
    bool counted_ = true;
    bool release_noted_ = false;
    bool released_ = false;
    bool begun_ = false;
    bool held_ = false;
};

}  // namespace quorate::http
