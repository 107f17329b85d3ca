// SPDX-License-Identifier: Apache-2.0
//
// One request that only the leader can answer, made by a member that does not lead. While there is
// no leader it waits. A leader that is lost before it has answered is followed by the next one,
// which is asked again, if the request may arrive twice. Thread: raft loop; the answer is given on
// any.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/mailbox.h"
#include "node/admission.h"
#include "node/messages.h"
#include "node/peer_links.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace quorate::node {

class RaftLoop;

class LeaderCall : public std::enable_shared_from_this<LeaderCall> {
  public:
    enum class Twice : uint8_t { kMay, kMustNot };
    struct Request {
        Bytes path;
        Bytes content;
        int64_t deadline_ns;  // monotonic
        // One leader is given so long, if another may be asked: one that is stopped or cut off
        // answers no more, and another one is elected meanwhile.
        int64_t try_ns;
        Twice twice;
    };
    // Exactly one of these is called.
    struct Outcome {
        PeerLinks::Done answered;     // or failed, for good
        std::function<void()> leads;  // this member itself has come to lead
    };

    // The ticket is given back with the outcome.
    LeaderCall(Mailbox<RaftInput>& raft, const Clock& clock, Admission::Ticket ticket,
               Request request, Outcome outcome);

    void make(RaftLoop& loop);

  private:
    void make_at_next_tick(RaftLoop& loop);
    void take(Result<Bytes> answer);
    void give(Result<Bytes> answer);

    Mailbox<RaftInput>& raft_;
    const Clock& clock_;
    Admission::Ticket ticket_;
    const Request request_;
    Outcome outcome_;
    bool led_here_ = false;  // at the try before
};

}  // namespace quorate::node
