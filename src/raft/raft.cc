// SPDX-License-Identifier: Apache-2.0
#include "raft/raft.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

Raft::Raft(const Config& config, Restored restored)
    : core_(config, std::move(restored)),
      role_(std::in_place_type<Follower>, core_, kNobody),
      told_hard_state_{core_.term, core_.vote, core_.log.committed()} {
    QUORATE_VERIFY(*this);
}

Result<EntryId> Raft::propose(Payload payload) {
    std::vector<Payload> payloads;
    payloads.push_back(std::move(payload));
    return propose(std::move(payloads));
}

Result<EntryId> Raft::propose(std::vector<Payload> payloads) {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) {
        return errors::kNotLeader;
    }
    return leader->propose(core_, EntryType::kNormal, std::move(payloads));
}

Result<EntryId> Raft::propose_conf_change(const ConfChange& change, Payload encoded) {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) {
        return errors::kNotLeader;
    }
    return leader->propose_conf_change(core_, change, std::move(encoded));
}

Result<Configuration> Raft::apply_conf_change(uint64_t index, const ConfChange& change) {
    if (index <= core_.configuration_index) {
        return core_.configuration;
    }
    Result<Configuration> after = changed(core_.configuration, change);
    if (!after) {
        return after;
    }
    core_.configuration = *after;
    core_.configuration_index = index;
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->configuration_changed(core_);
        if (!is_voter(core_.configuration, core_.config.self)) {
            // The entry that removed this leader is committed without it (Raft thesis §4.2.2).
            leader->name_successor(core_);
            become_follower(core_.term, kNobody);
        }
    }
    QUORATE_VERIFY(*this);
    return after;
}

void Raft::tick() {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        if (!leader->tick(core_)) {
            become_follower(core_.term, kNobody);
        }
    } else if (auto* candidate = std::get_if<Candidate>(&role_); candidate != nullptr) {
        if (candidate->tick()) {
            election_timeout();
        }
    } else if (std::get<Follower>(role_).tick()) {
        election_timeout();
    }
    QUORATE_VERIFY(*this);
}

Status Raft::read_index(uint64_t request_id) {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        return leader->read_index({core_.config.self, request_id}, core_.config);
    }
    if (auto* follower = std::get_if<Follower>(&role_); follower != nullptr) {
        return follower->read_index(core_, request_id);
    }
    return errors::kNoLeader;
}

void Raft::campaign() {
    if (!std::holds_alternative<Leader>(role_)) {
        election_timeout();
    }
    QUORATE_VERIFY(*this);
}

Status Raft::transfer_leadership(MemberId target) {
    auto* leader = std::get_if<Leader>(&role_);
    if (leader == nullptr) {
        return errors::kNotLeader;
    }
    return leader->transfer(core_, target);
}

void Raft::persisted(uint64_t ready_number) {
    core_.persistence.finish(ready_number);
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->persisted(core_);
    } else if (auto* candidate = std::get_if<Candidate>(&role_); candidate != nullptr) {
        // A candidate's own vote is a vote like all others: it counts when it can't be forgotten.
        if (candidate->kind() == VoteKind::kVote &&
            core_.persistence.durable_term() == core_.term &&
            core_.persistence.durable_vote() == core_.config.self) {
            count_ballot({core_.config.self, true});
        }
    }
    QUORATE_VERIFY(*this);
}

void Raft::applied(uint64_t index) {
    core_.log.applied_to(index);
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->applied(core_);
    }
    campaign_if_told();
    QUORATE_VERIFY(*this);
}

void Raft::report_unreachable(MemberId peer) {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->unreachable(peer);
    }
}

void Raft::report_snapshot(MemberId peer, SnapshotOutcome outcome) {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        if (outcome.delivered) {
            leader->snapshot_delivered(peer);
        } else {
            leader->snapshot_failed(peer);
        }
    }
}

void Raft::compact_log(uint64_t index) {
    core_.log.compact_to(index);
    QUORATE_VERIFY(*this);
}

bool Raft::has_ready() const {
    const auto* leader = std::get_if<Leader>(&role_);
    return !core_.outbox.empty() || !core_.read_states.empty() || core_.snapshot.has_value() ||
           core_.log.last_index() > core_.persistence.handed_out() ||
           core_.term != told_hard_state_.term || core_.vote != told_hard_state_.vote ||
           soft_state() != told_soft_state_ || next_applicable() > core_.log.applying() ||
           (leader != nullptr && leader->must_flush(core_));
}

Ready Raft::take_ready() {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->flush(core_);
    }
    Ready ready;
    fill_writes(ready);
    ready.messages = std::exchange(core_.outbox.at_once, {});
    ready.messages_after_persist = std::exchange(core_.outbox.after_persist, {});
    if (ready.number == 0 && !ready.messages_after_persist.empty()) {
        if (core_.persistence.writing()) {
            // Nothing to write, but what these messages promise is in a write under way.
            ready.number =
                core_.persistence.begin({core_.term, core_.vote, core_.persistence.handed_out()});
        } else {
            std::move(ready.messages_after_persist.begin(), ready.messages_after_persist.end(),
                      std::back_inserter(ready.messages));
            ready.messages_after_persist.clear();
        }
    }
    ready.committed = take_applicable();
    if (soft_state() != told_soft_state_) {
        told_soft_state_ = soft_state();
        ready.soft_state = told_soft_state_;
    }
    ready.read_states = std::exchange(core_.read_states, {});
    QUORATE_VERIFY(*this);
    return ready;
}

MemberId Raft::transfer_target() const {
    const auto* leader = std::get_if<Leader>(&role_);
    return leader == nullptr ? kNobody : leader->transfer_target();
}

uint64_t Raft::uncommitted_bytes() const {
    return core_.log.bytes({core_.log.committed(), core_.log.last_index()});
}

const Progress* Raft::progress(MemberId member) const {
    const auto* leader = std::get_if<Leader>(&role_);
    return leader == nullptr ? nullptr : leader->progress(member);
}

SoftState Raft::soft_state() const {
    if (std::holds_alternative<Leader>(role_)) {
        return {core_.config.self, Role::kLeader};
    }
    if (const auto* candidate = std::get_if<Candidate>(&role_); candidate != nullptr) {
        return {kNobody,
                candidate->kind() == VoteKind::kPreVote ? Role::kPreCandidate : Role::kCandidate};
    }
    return {std::get<Follower>(role_).leader(), Role::kFollower};
}

void Raft::fill_writes(Ready& ready) {
    const uint64_t first = core_.persistence.handed_out() + 1;
    const uint64_t last = core_.log.last_index();
    ready.snapshot = std::exchange(core_.snapshot, std::nullopt);
    ready.entries = core_.log.slice({first, last});

    const HardState now{core_.term, core_.vote, core_.log.committed()};
    const bool is_write = ready.snapshot.has_value() || !ready.entries.empty();
    const bool is_promise = now.term != told_hard_state_.term || now.vote != told_hard_state_.vote;
    if (is_promise || (is_write && now != told_hard_state_)) {
        told_hard_state_ = now;
        ready.hard_state = now;
    }
    if (is_write || is_promise) {
        ready.number = core_.persistence.begin({now.term, now.vote, last});
    }
}

uint64_t Raft::next_applicable() const {
    const Log& log = core_.log;
    const uint64_t applying = log.bytes({log.applied(), log.applying()});
    if (log.applying() > log.applied() && applying >= core_.config.applying_bytes_max) {
        return log.applying();
    }
    return std::max(core_.applicable(), log.applying());
}

std::vector<Entry> Raft::take_applicable() {
    Log& log = core_.log;
    const uint64_t last = next_applicable();
    if (last == log.applying()) {
        return {};
    }
    const uint64_t applying = log.bytes({log.applied(), log.applying()});
    const uint64_t room =
        core_.config.applying_bytes_max - std::min(applying, core_.config.applying_bytes_max);
    std::vector<Entry> entries = log.slice({log.applying() + 1, last, room});
    log.apply_to(entries.back().id.index);
    return entries;
}

void Raft::check_invariants() const {
    core_.check_invariants();
    if (const auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->check_invariants(core_);
        QUORATE_ASSERT(core_.vote == core_.config.self);
    }
}

}  // namespace quorate::raft
