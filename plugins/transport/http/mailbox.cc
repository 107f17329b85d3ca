// SPDX-License-Identifier: Apache-2.0
#include "plugins/transport/http/mailbox.h"

namespace quorate::http {
namespace {

// Beyond these a burst's memory is given back.
constexpr size_t kKeptBytes = 1024 * 1024;
constexpr size_t kKeptCommands = 8 * 1024;

}  // namespace

void CommandBatch::clear() {
    if (bytes.capacity() > kKeptBytes) {
        bytes = std::string();
    }
    bytes.clear();
    if (commands.capacity() > kKeptCommands) {
        commands = std::vector<Command>();
    }
    commands.clear();
}

bool Mailbox::push(Command&& command, std::string_view payload) {
    const std::lock_guard lock(mutex_);
    if (state_ == State::kClosed ||
        (state_ == State::kClosing && command.kind == Command::Kind::kOpen)) {
        return false;
    }
    command.offset = batch_.bytes.size();
    command.size = payload.size();
    batch_.bytes.append(payload);
    batch_.commands.push_back(std::move(command));
    waiting_.store(true, std::memory_order_seq_cst);
    return true;
}

void Mailbox::take(CommandBatch& batch) {
    if (!waiting_.load(std::memory_order_seq_cst)) {
        return;
    }
    const std::lock_guard lock(mutex_);
    std::swap(batch, batch_);
    waiting_.store(false, std::memory_order_seq_cst);
}

void Mailbox::refuse_calls() {
    const std::lock_guard lock(mutex_);
    state_ = State::kClosing;
}

void Mailbox::close(CommandBatch& batch) {
    const std::lock_guard lock(mutex_);
    state_ = State::kClosed;
    std::swap(batch, batch_);
    waiting_.store(false, std::memory_order_seq_cst);
}

bool Mailbox::announce_sleep() {
    asleep_.store(true, std::memory_order_seq_cst);
    if (waiting_.load(std::memory_order_seq_cst)) {
        announce_awake();
        return false;
    }
    return true;
}

bool Mailbox::must_wake() {
    return waiting_.load(std::memory_order_seq_cst) && asleep_.load(std::memory_order_seq_cst) &&
           asleep_.exchange(false, std::memory_order_seq_cst);
}

}  // namespace quorate::http
