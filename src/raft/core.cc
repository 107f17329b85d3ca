// SPDX-License-Identifier: Apache-2.0
#include "raft/core.h"

#include "base/assert.h"
#include "raft/confchange.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace quorate::raft {

namespace {

struct PromisesDurability {
    // A candidate that forgets its term and vote in a crash could ask for votes in the same term
    // again, now with fewer entries:
    //   1. C holds entry 9 in memory only, and asks for votes in term 5 with last entry 9.
    //   2. V holds entry 9 too, which is committed by V and the old leader, and votes for C.
    //   3. C crashes, forgets entry 9 and term 5, starts again, and campaigns in term 5 with last
    //      entry 8. V would refuse this, but V's old answer arrives now, and C leads without
    //      entry 9.
    bool operator()(const VoteRequest& request) const { return request.kind == VoteKind::kVote; }
    bool operator()(const VoteResponse&) const { return true; }
    bool operator()(const AppendResponse&) const { return true; }

    // A leader may send entries before they are on its own disk (Raft thesis §10.2.1): only its own
    // acknowledgement, which is not a message, waits.
    bool operator()(const AppendRequest&) const { return false; }
    bool operator()(const AppendReject&) const { return false; }
    bool operator()(const HeartbeatRequest&) const { return false; }
    // Answers for a term that may be forgotten; but who forgets it goes back, and cannot have
    // helped a later leader in between.
    bool operator()(const HeartbeatResponse&) const { return false; }
    bool operator()(const SnapshotRequest&) const { return false; }
    bool operator()(const TimeoutNow&) const { return false; }
    bool operator()(const ReadIndexRequest&) const { return false; }
    bool operator()(const ReadIndexResponse&) const { return false; }
    bool operator()(const TermNotice&) const { return false; }
};

}  // namespace

uint64_t Random::next() {
    state_ += 0x9e3779b97f4a7c15;
    uint64_t mixed = state_;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    return mixed ^ (mixed >> 31);
}

ElectionTimer::ElectionTimer(const Config& config, Random& random)
    : timeout_(config.election_ticks +
               static_cast<uint32_t>(random.next() % config.election_ticks)) {}

bool ElectionTimer::tick() {
    ++elapsed_;
    if (elapsed_ < timeout_) {
        return false;
    }
    elapsed_ = 0;
    return true;
}

Core::Core(const Config& config_of_member, Restored restored)
    : config(config_of_member),
      term(restored.hard_state.term),
      vote(restored.hard_state.vote),
      configuration(std::move(restored.configuration)),
      configuration_index(restored.applied),
      log(restored.log_start, std::move(restored.entries)),
      persistence(log.last_index(), restored.hard_state),
      random(config_of_member.seed) {
    QUORATE_ASSERT(config.self != kNobody);
    QUORATE_ASSERT(config.heartbeat_ticks > 0);
    QUORATE_ASSERT(config.election_ticks > config.heartbeat_ticks);
    QUORATE_ASSERT(config.inflight_messages_max > 0);
    QUORATE_ASSERT(config.inflight_bytes_max > 0);
    QUORATE_ASSERT(config.applying_bytes_max > 0);
    QUORATE_ASSERT(restored.applied >= log.start().index);
    QUORATE_ASSERT(term >= log.last().term);
    QUORATE_ASSERT(is_valid(configuration));
    log.commit_to(std::max(restored.hard_state.commit, restored.applied));
    log.apply_to(restored.applied);
    log.applied_to(restored.applied);
}

void Core::send(MemberId to, MessageBody body) {
    send_in_term(to, term, std::move(body));
}

void Core::send_in_term(MemberId to, uint64_t message_term, MessageBody body) {
    QUORATE_ASSERT(to != config.self);
    std::vector<Message>& box =
        std::visit(PromisesDurability{}, body) ? outbox.after_persist : outbox.at_once;
    box.push_back(Message{config.self, to, message_term, std::move(body)});
}

void Core::truncate_after(uint64_t index) {
    log.truncate_after(index);
    persistence.truncate_after(index);
}

void Core::restart_after(const Snapshot& received) {
    persistence.restart({log.committed(), received.id.index});
    log.restart_after(received.id);
    configuration = received.configuration;
    configuration_index = received.id.index;
    snapshot = received;
}

void Core::learn_committed(EntryId id) {
    if (id.index > log.committed() && log.matches(id)) {
        log.commit_to(id.index);
    }
}

uint64_t Core::applicable() const {
    return std::min(log.committed(), persistence.stable());
}

bool Core::is_electable() const {
    if (!is_voter(configuration, config.self) || log.applied() < log.start().index) {
        return false;
    }
    for (uint64_t index = log.applied() + 1; index <= log.committed(); ++index) {
        if (log.at(index).type == EntryType::kConfChange) {
            return false;
        }
    }
    return true;
}

void Core::check_invariants() const {
    log.check_invariants();
    persistence.check_invariants();
    QUORATE_ASSERT(is_valid(configuration));
    QUORATE_ASSERT(term >= log.last().term);
    QUORATE_ASSERT(term >= persistence.durable_term());
    QUORATE_ASSERT(persistence.handed_out() <= log.last_index());
    if (persistence.stable() >= log.start().index) {
        QUORATE_ASSERT(log.applied() <= persistence.stable());
    }
}

}  // namespace quorate::raft
