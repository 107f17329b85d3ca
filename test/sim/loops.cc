// SPDX-License-Identifier: Apache-2.0
#include "sim/loops.h"

#include "base/assert.h"
#include "base/log_line.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace quorate::sim {
namespace {

constexpr int64_t kMicrosecond_ns = 1000;

}  // namespace

Loops::Loops(Scheduler& scheduler, uint64_t seed, LineHandler on_line)
    : scheduler_(scheduler), random_(seed, "loops"), on_line_(std::move(on_line)) {}

Loops::~Loops() = default;

bool Loops::run_as(Process& process, const std::function<void()>& body) {
    Process* const before = std::exchange(current_, &process);
    bool lives = true;
    try {
        body();
        if (before == nullptr) {
            process.end_of_turn();
        }
    } catch (const MemberEnded& end) {
        lives = false;
        current_ = before;
        process.on_end(end.what());
    }
    current_ = before;
    return lives;
}

void Loops::drop(const Process& process) {
    std::erase_if(loops_, [&](const auto& entry) { return entry.second.process == &process; });
    std::erase_if(wakers_, [&](const auto& entry) { return !loops_.contains(entry.second); });
}

void Loops::loop_started(const LoopThread& loop, const std::string& name, const Waker& waker,
                         LoopThread::Turn turn) {
    QUORATE_ASSERT(current_ != nullptr);
    Loop& entry = loops_[&loop];
    entry.number = ++last_number_;
    entry.name = name;
    entry.turn = std::move(turn);
    entry.process = current_;
    wakers_[&waker] = &loop;
    schedule(&loop, latency_ns(entry));
}

void Loops::loop_stopped(const LoopThread& loop) {
    const auto it = loops_.find(&loop);
    if (it == loops_.end()) {
        return;
    }
    it->second.turn();
    std::erase_if(wakers_, [&](const auto& entry) { return entry.second == &loop; });
    loops_.erase(&loop);
}

bool Loops::loop_borrowed(const LoopThread& id) {
    const auto it = loops_.find(&id);
    if (it == loops_.end() || it->second.running) {
        return false;
    }
    Loop& loop = it->second;
    ++turns_;
    loop.running = true;
    const int64_t sleep_ns = loop.turn();
    loop.running = false;
    schedule(&id, std::max<int64_t>(latency_ns(loop), loop.process->clock->true_ns(sleep_ns)));
    return true;
}

void Loops::woken(const Waker& waker) {
    const auto it = wakers_.find(&waker);
    if (it != wakers_.end()) {
        schedule(it->second, latency_ns(loops_.at(it->second)));
    }
}

void Loops::wait_for(const Waker&) {
    // Any other loop of the process may be the one that wakes it.
    std::map<uint64_t, Loop*> others;
    for (auto& [id, loop] : loops_) {
        if (loop.process == current_ && !loop.running) {
            others.emplace(loop.number, &loop);
        }
    }
    if (others.empty()) {
        throw Violation("a turn waits, and no loop is left that could wake it");
    }
    const auto offset = static_cast<std::ptrdiff_t>(random_.below(others.size()));
    std::next(others.begin(), offset)->second->turn();
}

void Loops::log_line(log::Level level, std::string_view message,
                     std::span<const log::Field> fields) {
    std::string text(message);
    for (const log::Field& field : fields) {
        text += " ";
        text += field.key;
        text += "=";
        log::append_value(text, field.value);
    }
    on_line_(current_, level, text);
}

int64_t Loops::latency_ns(const Loop& loop) {
    int64_t delay_ns = random_.skewed(kMicrosecond_ns, latency_log2_max_);
    if (const auto it = loop.process->slow.find(loop.name); it != loop.process->slow.end()) {
        delay_ns += random_.between(0, it->second);
    }
    return std::max(delay_ns, loop.process->held_until_ns - scheduler_.now_ns());
}

void Loops::schedule(const LoopThread* id, int64_t delay_ns) {
    Loop& loop = loops_.at(id);
    const int64_t due_ns = scheduler_.now_ns() + delay_ns;
    if (loop.ticket != 0 && loop.due_ns <= due_ns) {
        return;
    }
    loop.ticket = ++last_ticket_;
    loop.due_ns = due_ns;
    scheduler_.at(due_ns, [this, id, ticket = loop.ticket] { run_turn(id, ticket); });
}

void Loops::run_turn(const LoopThread* id, uint64_t ticket) {
    const auto it = loops_.find(id);
    if (it == loops_.end() || it->second.ticket != ticket) {
        return;
    }
    Loop& loop = it->second;
    Process& process = *loop.process;
    loop.ticket = 0;
    if (process.held_until_ns > scheduler_.now_ns()) {
        schedule(id, latency_ns(loop));
        return;
    }
    ++turns_;
    loop.running = true;
    int64_t sleep_ns = 0;
    if (!run_as(process, [&] { sleep_ns = loop.turn(); })) {
        return;
    }
    loop.running = false;
    schedule(id, std::max<int64_t>(latency_ns(loop), process.clock->true_ns(sleep_ns)));
    process.after_turn();
}

}  // namespace quorate::sim
