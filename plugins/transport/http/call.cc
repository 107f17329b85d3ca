// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/call.h"

#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/channel.h"
#include "plugins/transport/http/grpc_frame.h"
#include "plugins/transport/http/loop.h"
#include "plugins/transport/http/session.h"

#include <utility>

namespace quorate::http {
namespace {

// From here on a message of another thread travels in a block of its own instead of being copied
// under the mailbox's lock.
constexpr size_t kBlockBytesMin = 16 * 1024;

}  // namespace

Call::Call(Loop& loop, uint32_t protocol)
    : loop_(loop), protocol_(protocol), send_buffer_bytes_(loop.options().send_buffer_bytes) {}

Call::Call(Loop& loop, const quorate_client_events& events, void* user, uint64_t send_buffer_bytes)
    : loop_(loop),
      protocol_(QUORATE_PROTOCOL_GRPC),
      user_(user),
      made_events_(&events),
      send_buffer_bytes_(send_buffer_bytes),
      counted_(false) {
    begun_ = true;
}

// --- the core's side -----------------------------------------------------------------------------

bool Call::direct() const {
    return loop_.on_own_thread() && commands_waiting_.load(std::memory_order_acquire) == 0;
}

bool Call::push(Command&& command, std::string_view payload) {
    commands_waiting_.fetch_add(1, std::memory_order_relaxed);
    if (loop_.mailbox().push(std::move(command), payload)) {
        return true;
    }
    commands_waiting_.fetch_sub(1, std::memory_order_relaxed);
    return false;
}

bool Call::open(Channel& channel, std::unique_ptr<CallOpening> opening) {
    Command command{this, Command::Kind::kOpen};
    command.channel = &channel;
    command.opening = std::move(opening);
    return push(std::move(command), {});
}

bool Call::push_message(Command::Kind kind, std::string_view message) {
    Command command{this, kind};
    if (message.size() < kBlockBytesMin) {
        return push(std::move(command), message);
    }
    if (protocol_ == QUORATE_PROTOCOL_GRPC) {
        const auto prefix = message_prefix(message.size());
        command.block.reserve(prefix.size() + message.size());
        command.block.append(prefix.data(), prefix.size());
    }
    command.block.append(message);
    return push(std::move(command), {});
}

int32_t Call::send(std::string_view message) {
    if (gone_.load(std::memory_order_acquire)) {
        return QUORATE_SEND_GONE;
    }
    const size_t added =
        message.size() + (protocol_ == QUORATE_PROTOCOL_GRPC ? kMessagePrefixBytes : 0);
    const uint64_t queued = queued_bytes_.fetch_add(added, std::memory_order_relaxed) + added;
    const bool busy = queued > send_buffer_bytes_;
    if (busy) {
        // Before the message is on its way: these bytes can then not be drained unseen, so
        // on_writable always follows.
        wants_writable_.store(true, std::memory_order_release);
    }
    if (direct()) {
        apply_send(message);
    } else if (!push_message(Command::Kind::kSend, message)) {
        return QUORATE_SEND_GONE;
    }
    return busy ? QUORATE_SEND_BUSY : QUORATE_SEND_OK;
}

void Call::reply(std::string_view message) {
    if (direct()) {
        apply_send(message);
        apply_finish(QUORATE_OK, {});
    } else if (!push_message(Command::Kind::kReply, message)) {
        finish_alone();
    }
}

void Call::finish(quorate_code code, std::string_view text) {
    if (direct()) {
        apply_finish(code, text);
    } else if (!push(Command{this, Command::Kind::kFinish, code}, text)) {
        finish_alone();
    }
}

void Call::respond(std::unique_ptr<ResponseHead> head) {
    if (direct()) {
        response_ = std::move(head);
        return;
    }
    Command command{this, Command::Kind::kRespond};
    command.head = std::move(head);
    static_cast<void>(push(std::move(command), {}));
}

void Call::hold(bool held) {
    if (direct()) {
        apply_hold(held);
    } else {
        static_cast<void>(
            push(Command{this, held ? Command::Kind::kHold : Command::Kind::kResume}, {}));
    }
}

void Call::half_close() {
    if (direct()) {
        apply_half_close();
    } else {
        static_cast<void>(push(Command{this, Command::Kind::kHalfClose}, {}));
    }
}

void Call::close() {
    if (direct()) {
        apply_close();
    } else if (!push(Command{this, Command::Kind::kClose}, {})) {
        finish_alone();
    }
}

// The loop has stopped and has ended the call, so nobody but the caller refers to it.
void Call::finish_alone() {
    finished_ = true;
    free_if_over();
}

// --- the loop's thread ---------------------------------------------------------------------------

void Call::apply(Command& command, std::string_view payload) {
    commands_waiting_.fetch_sub(1, std::memory_order_release);
    switch (command.kind) {
        case Command::Kind::kSend:
        case Command::Kind::kReply:
            if (command.block.empty()) {
                apply_send(payload);
            } else {
                apply_block(std::move(command.block));
            }
            if (command.kind == Command::Kind::kReply) {
                apply_finish(QUORATE_OK, {});
            }
            break;
        case Command::Kind::kFinish:
            apply_finish(command.code, payload);
            break;
        case Command::Kind::kOpen:
            command.channel->begin(*this, std::move(command.opening));
            break;
        case Command::Kind::kHangUp:  // has no call
            break;
        case Command::Kind::kHalfClose:
            apply_half_close();
            break;
        case Command::Kind::kClose:
            apply_close();
            break;
        case Command::Kind::kRespond:
            response_ = std::move(command.head);
            break;
        case Command::Kind::kHold:
            apply_hold(true);
            break;
        case Command::Kind::kResume:
            apply_hold(false);
            break;
    }
}

void Call::apply_send(std::string_view message) {
    if (!takes_output()) {
        return;
    }
    const size_t before = out_.size();
    if (protocol_ == QUORATE_PROTOCOL_GRPC) {
        const auto prefix = message_prefix(message.size());
        out_.append(std::string_view(prefix.data(), prefix.size()));
        count_sent(message.size());
    }
    out_.append(message);
    session_->on_call_output(*this, out_.size() - before);
}

void Call::count_sent(size_t count) {
    if (counted_) {
        loop_.count().sent_bytes.add(count);
    }
}

void Call::apply_block(std::string&& block) {
    if (!takes_output()) {
        return;
    }
    const size_t added = block.size();
    if (protocol_ == QUORATE_PROTOCOL_GRPC) {
        count_sent(added - kMessagePrefixBytes);
    }
    out_.append(std::move(block));
    session_->on_call_output(*this, added);
}

void Call::apply_finish(quorate_code code, std::string_view text) {
    finished_ = true;
    if (takes_output()) {
        end_with(code, std::string(text));
        session_->on_call_output(*this, 0);
    }
    if (!release_noted_) {
        release_noted_ = true;
        loop_.defer_release(*this);
    }
    free_if_over();
}

void Call::apply_half_close() {
    if (takes_output()) {
        answered_ = true;
        session_->on_call_output(*this, 0);
    }
}

void Call::apply_close() {
    if (session_ != nullptr && !ended()) {
        session_->on_call_closed(*this);
    }
    finished_ = true;
    free_if_over();
}

void Call::apply_hold(bool held) {
    held_ = held;
    if (!held && session_ != nullptr && receiving()) {
        session_->on_call_resumed(*this);
    }
}

void Call::begin(RequestHead& head, std::string_view peer, std::string_view tls_common_name,
                 uint32_t listener) {
    begun_ = true;
    const auto& headers = head.headers();
    const quorate_call_info info{sizeof info,
                                 protocol_,
                                 listener,
                                 plugin::bytes(head.method()),
                                 plugin::bytes(head.path()),
                                 plugin::bytes(head.authority()),
                                 plugin::bytes(peer),
                                 plugin::bytes(tls_common_name),
                                 headers.data(),
                                 headers.size()};
    user_ = loop_.events().on_call(loop_.events().ctx, this, &info);
}

void Call::deliver_message(std::string_view message) {
    if (receiving()) {
        const auto on_message = made() ? made_events_->on_message : loop_.events().on_message;
        on_message(user_, plugin::bytes(message));
    }
}

void Call::deliver_half_close() {
    if (receiving()) {
        loop_.events().on_half_close(user_);
    }
}

void Call::cancel(uint32_t reason) {
    gone_.store(true, std::memory_order_release);
    if (receiving()) {
        cancelled_ = true;
        release_noted_ = true;
        loop_.defer_release(*this);
        loop_.events().on_cancel(user_, reason);
    }
}

void Call::end_made(CallEnd&& end) {
    if (cancelled_) {
        return;
    }
    gone_.store(true, std::memory_order_release);
    cancelled_ = true;
    code_ = end.code;
    text_ = std::move(end.text);
    never_sent_ = end.never_sent;
    loop_.defer_release(*this);
}

void Call::end_with(quorate_code code, std::string text) {
    answered_ = true;
    code_ = code;
    text_ = std::move(text);
}

void Call::detach() {
    session_ = nullptr;
    gone_.store(true, std::memory_order_release);
    loop_.timers().cancel(*this);
    out_ = OutQueue();
    free_if_over();
}

void Call::release() {
    // The core may finish or close the call from here.
    if (made()) {
        const quorate_call_end end{sizeof end, code_, never_sent_ ? 1U : 0U, plugin::bytes(text_)};
        made_events_->on_end(user_, &end);
    } else if (user_ != nullptr) {
        loop_.events().on_released(user_);
    }
    user_ = nullptr;
    released_ = true;
    free_if_over();
}

void Call::free_if_over() {
    if (session_ == nullptr && (!begun_ || (released_ && finished_))) {
        delete this;
    }
}

void Call::on_drained(size_t count) {
    out_.consume(count);
    if (answered_) {
        return;
    }
    const uint64_t before = queued_bytes_.fetch_sub(count, std::memory_order_relaxed);
    if (before - count <= send_buffer_bytes_ / 2 &&
        wants_writable_.load(std::memory_order_acquire)) {
        wants_writable_.store(false, std::memory_order_relaxed);
        loop_.defer_writable(*this);
    }
}

void Call::tell_writable() {
    if (receiving()) {
        const auto on_writable = made() ? made_events_->on_writable : loop_.events().on_writable;
        on_writable(user_);
    }
}

void Call::set_deadline(int64_t due_ms) {
    if (!finished_) {
        loop_.timers().arm(*this, due_ms);
    }
}

void Call::on_timer() {
    if (session_ != nullptr) {
        session_->on_call_deadline(*this);
    }
}

}  // namespace quorate::http
