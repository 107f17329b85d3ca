// SPDX-License-Identifier: Apache-2.0
#include "sim/runtime.h"

#include "base/assert.h"
#include "base/log_levels.h"
#include "base/log_line.h"
#include "base/random_seed.h"

#include <utility>

namespace quorate::sim {
namespace {

Runtime* g_runtime = nullptr;

}  // namespace

Runtime::Runtime() {
    QUORATE_ASSERT(g_runtime == nullptr);
    g_runtime = this;
}

Runtime::~Runtime() {
    g_runtime = nullptr;
}

}  // namespace quorate::sim

namespace quorate {

using sim::g_runtime;

LoopThread::~LoopThread() {
    stop();
}

void LoopThread::start(Turn turn) {
    QUORATE_ASSERT(g_runtime != nullptr);
    g_runtime->loop_started(*this, name_, waker_, std::move(turn));
}

void LoopThread::stop() {
    if (g_runtime != nullptr) {
        g_runtime->loop_stopped(*this);
    }
}

bool LoopThread::run_here() {
    return g_runtime != nullptr && g_runtime->loop_borrowed(*this);
}

void Waker::wake() {
    signalled_.store(true);
    if (g_runtime != nullptr) {
        g_runtime->woken(*this);
    }
}

void Waker::sleep(int64_t) {
    while (!signalled_.exchange(false)) {
        QUORATE_ASSERT(g_runtime != nullptr);
        g_runtime->wait_for(*this);
    }
}

uint64_t random_seed() {
    return g_runtime == nullptr ? 0 : g_runtime->random_seed();
}

void assert_failed(const char* condition, SourceLocation where) {
    throw sim::Violation(std::string("assertion failed: ") + condition + " at " +
                         where.file_name() + ":" + std::to_string(where.line()));
}

namespace log {

bool is_file(std::string_view output) {
    return output != "default" && output != "stderr" && output != "stdout" &&
           output != "systemd/journal";
}

Status check_levels(std::string_view levels) {
    const Result<Levels> parsed = Levels::parse(levels);
    return parsed ? Status() : parsed.error();
}

Status configure(const Options&) {
    return {};
}

Status reopen() {
    return {};
}

bool enabled(Level level, const SourceLocation&) {
    return level >= Level::kInfo;
}

void write(Level level, std::string_view message, std::span<const Field> fields,
           const SourceLocation& where) {
    if (g_runtime != nullptr && enabled(level, where)) {
        g_runtime->log_line(level, message, fields);
    }
}

void fatal(std::string_view message, Fields fields, SourceLocation) {
    const std::span<const Field> all(fields.begin(), fields.size());
    if (g_runtime != nullptr) {
        g_runtime->log_line(Level::kFatal, message, all);
    }
    std::string text(message);
    for (const Field& field : all) {
        text += ' ';
        append_value(text, field.value);
    }
    throw sim::MemberEnded(text);
}

}  // namespace log
}  // namespace quorate
