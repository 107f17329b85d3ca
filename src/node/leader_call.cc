// SPDX-License-Identifier: Apache-2.0
#include "node/leader_call.h"

#include "base/errors.h"
#include "node/raft_loop.h"

#include <algorithm>
#include <utility>

namespace quorate::node {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr ByteView kOwnPrefix = "etcdserver: ";

// What comes from the way there, and from a member that leads no more or is about to end; anything
// else is the leader's answer.
bool leader_is_lost(const Status& status) {
    const Bytes text = status.message();
    if (text == errors::kNoLeader.text || text == errors::kStopped.text) {
        return true;
    }
    const bool of_the_way = status.code() == Code::kUnavailable ||
                            status.code() == Code::kCanceled ||
                            status.code() == Code::kDeadlineExceeded;
    return of_the_way && !text.starts_with(kOwnPrefix);
}

}  // namespace

LeaderCall::LeaderCall(Mailbox<RaftInput>& raft, const Clock& clock, Admission::Ticket ticket,
                       Request request, Outcome outcome)
    : raft_(raft),
      clock_(clock),
      ticket_(std::move(ticket)),
      request_(std::move(request)),
      outcome_(std::move(outcome)) {}

void LeaderCall::make(RaftLoop& loop) {
    const raft::MemberId leader = loop.raft().leader();
    const int64_t left_ns = request_.deadline_ns - clock_.monotonic_ns();
    if (loop.stopped()) {
        give(Status(errors::kStopped));
    } else if (left_ns <= 0) {
        give(Status(leader == raft::kNobody ? errors::kNoLeader : errors::kTimeout));
    } else if (leader == raft::kNobody) {
        make_at_next_tick(loop);
    } else if (leader != loop.raft().self()) {
        const int64_t try_ns =
            request_.twice == Twice::kMay ? std::min(left_ns, request_.try_ns) : left_ns;
        loop.peers().call(
            leader, request_.path, request_.content,
            static_cast<uint64_t>(std::max<int64_t>(1, try_ns / kMillisecond_ns)),
            [call = shared_from_this()](Result<Bytes> answer) { call->take(std::move(answer)); });
    } else if (!std::exchange(led_here_, true)) {
        // The state may not know yet, and would send its client here again at once.
        make_at_next_tick(loop);
    } else {
        ticket_ = {};
        outcome_.leads();
    }
}

void LeaderCall::make_at_next_tick(RaftLoop& loop) {
    loop.at_next_tick([call = shared_from_this()](RaftLoop& later) { call->make(later); });
}

// Any thread.
void LeaderCall::take(Result<Bytes> answer) {
    if (answer || !leader_is_lost(answer.error())) {
        give(std::move(answer));
        return;
    }
    if (request_.twice == Twice::kMustNot) {
        give(Status(errors::kTimeoutDueToLeaderFail));  // done or not
        return;
    }
    raft_.push_always(
        RaftTask([call = shared_from_this()](RaftLoop& loop) { call->make_at_next_tick(loop); }));
}

void LeaderCall::give(Result<Bytes> answer) {
    ticket_ = {};
    outcome_.answered(std::move(answer));
}

}  // namespace quorate::node
