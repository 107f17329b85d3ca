// SPDX-License-Identifier: Apache-2.0
#include "load.h"

#include <algorithm>

namespace quorate::load {

UnaryLoad::UnaryLoad(std::vector<Connection*> connections, size_t slots, RequestSource& source,
                     Recorder& recorder)
    : source_(source), recorder_(recorder) {
    idle_.reserve(connections.size() * slots);
    // Slot by slot, so that a slow open loop spreads over all connections.
    for (size_t slot = 0; slot < slots; ++slot) {
        idle_.insert(idle_.end(), connections.begin(), connections.end());
    }
}

void UnaryLoad::begin(const Schedule& schedule) {
    pacer_.emplace(schedule);
}

void UnaryLoad::pump(int64_t now) {
    while (!idle_.empty()) {
        Connection& connection = *idle_.back();
        if (!connection.closed() && !issue(connection, now)) {
            return;
        }
        idle_.pop_back();
    }
}

bool UnaryLoad::finished(int64_t now) const {
    return in_flight_ == 0 && (idle_.empty() || pacer_->exhausted(now));
}

int64_t UnaryLoad::next_due_ns() const {
    return idle_.empty() ? kNever : pacer_->next_due_ns();
}

void UnaryLoad::conclude(int64_t now) {
    const uint64_t unsent = pacer_->unsent(now);
    if (unsent > 0) {
        recorder_.note_unsent(unsent);
    }
    if (in_flight_ > 0) {
        recorder_.fail("request not answered", in_flight_);
    }
}

void UnaryLoad::on_message(Stream& stream, std::string_view message) {
    stream.flaw = source_.check(static_cast<Kind>(stream.kind), stream.tag, message);
    recorder_.add_bytes(message.size());
}

void UnaryLoad::on_end(Stream& stream, const GrpcStatus& status) {
    --in_flight_;
    const int64_t now = now_ns();
    if (!status.ok()) {
        recorder_.fail(status.describe());
    } else if (stream.flaw != nullptr) {
        recorder_.fail(stream.flaw);
    } else if (stream.messages != 1) {
        recorder_.fail("wrong answer: not one message");
    } else {
        recorder_.complete(static_cast<Kind>(stream.kind), stream.started_ns, now);
    }
    Connection& connection = *stream.connection;
    if (!connection.closed() && !issue(connection, now)) {
        idle_.push_back(&connection);
    }
}

bool UnaryLoad::issue(Connection& connection, int64_t now) {
    const std::optional<int64_t> start = pacer_->take(now);
    if (!start) {
        return false;
    }
    const std::optional<Request> request = source_.next();
    if (!request) {
        pacer_->stop();
        return false;
    }
    Stream& stream =
        connection.start(request->method, *request->message, Connection::Sending::kUnary, *this);
    stream.started_ns = *start;
    stream.tag = request->tag;
    stream.kind = static_cast<uint8_t>(request->kind);
    ++in_flight_;
    return true;
}

void run_load(Loop& loop, Load& load, Recorder& recorder, const Schedule& schedule,
              const TurnHook& hook) {
    load.begin(schedule);
    const int64_t give_up_ns = schedule.end_ns == kNever ? kNever : schedule.end_ns + kDrainNs;
    int64_t now = now_ns();
    for (;;) {
        const int64_t hook_ns = hook ? hook(now) : kNever;
        load.pump(now);
        if (load.finished(now) || now >= give_up_ns) {
            break;
        }
        if (loop.open_connections() == 0) {
            recorder.fail("no connection is left");
            break;
        }
        const int64_t wake_ns = std::min({load.next_due_ns(), hook_ns, give_up_ns,
                                          schedule.end_ns > now ? schedule.end_ns : kNever});
        loop.turn(wake_ns == kNever ? kSecondNs : std::max<int64_t>(0, wake_ns - now));
        now = now_ns();
    }
    load.conclude(now);
}

}  // namespace quorate::load
