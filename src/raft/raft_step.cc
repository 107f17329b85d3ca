// SPDX-License-Identifier: Apache-2.0
//
// Raft::step and what follows from it: terms, votes, and the changes of role.
#include "base/assert.h"
#include "base/errors.h"
#include "raft/raft.h"

#include <utility>

namespace quorate::raft {

Status Raft::step(Message&& message) {
    if (Status status = message.check_form(); !status.ok()) {
        return status;
    }
    if (message.to != core_.config.self) {
        return Status(errors::kBadRaftMessage, "sent to another member");
    }
    if (message.term < core_.term) {
        answer_older_term(message);
        return {};
    }
    if (message.term > core_.term && !enter_term_of(message)) {
        return {};
    }
    Status status = std::visit([&](auto& body) { return receive(message, body); }, message.body);
    QUORATE_VERIFY(*this);
    return status;
}

Status Raft::receive(const Message& message, VoteRequest& request) {
    learn_committed(request.committed);
    auto* follower = std::get_if<Follower>(&role_);
    // A pre-vote for a later term can be given to anybody; a vote once per term, and not against a
    // leader that is known (Raft §5.2, thesis §9.6).
    const bool is_free = core_.vote == message.from ||
                         (core_.vote == kNobody && leader() == kNobody) ||
                         (request.kind == VoteKind::kPreVote && message.term > core_.term);
    if (!is_free || !core_.log.is_not_newer_than(request.last)) {
        core_.send(message.from, VoteResponse{request.kind, false, core_.committed()});
        return {};
    }
    if (request.kind == VoteKind::kVote) {
        core_.vote = message.from;
        if (follower != nullptr) {
            follower->granted_vote();
        }
    }
    core_.send_in_term(message.from, message.term,
                       VoteResponse{request.kind, true, core_.committed()});
    return {};
}

Status Raft::receive(const Message& message, VoteResponse& response) {
    learn_committed(response.committed);
    const auto* candidate = std::get_if<Candidate>(&role_);
    if (candidate != nullptr && candidate->kind() == response.kind) {
        count_ballot({message.from, response.granted});
    }
    return {};
}

Status Raft::receive(const Message& message, AppendRequest& request) {
    Result<Follower*> follower = follower_of(message.from);
    return follower ? (*follower)->append(core_, message.from, std::move(request))
                    : follower.error();
}

Status Raft::receive(const Message& message, HeartbeatRequest& request) {
    Result<Follower*> follower = follower_of(message.from);
    return follower ? (*follower)->heartbeat(core_, message.from, request) : follower.error();
}

Status Raft::receive(const Message& message, SnapshotRequest& request) {
    Result<Follower*> follower = follower_of(message.from);
    return follower ? (*follower)->install(core_, message.from, request) : follower.error();
}

Status Raft::receive(const Message& message, AppendResponse& response) {
    auto* leader = std::get_if<Leader>(&role_);
    return leader == nullptr ? Status() : leader->on(core_, message.from, response);
}

Status Raft::receive(const Message& message, AppendReject& reject) {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->on(core_, message.from, reject);
    }
    return {};
}

Status Raft::receive(const Message& message, HeartbeatResponse& response) {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        leader->on(core_, message.from, response);
    }
    return {};
}

Status Raft::receive(const Message& message, TimeoutNow&) {
    auto* follower = std::get_if<Follower>(&role_);
    if (follower != nullptr && follower->leader() == message.from) {
        follower->told_to_campaign();
        campaign_if_told();
    }
    return {};
}

Status Raft::receive(const Message& message, ReadIndexRequest& request) {
    if (auto* leader = std::get_if<Leader>(&role_); leader != nullptr) {
        // At the bound the request is lost, as it may be anyhow.
        static_cast<void>(leader->read_index({message.from, request.request_id}, core_.config));
    }
    return {};
}

Status Raft::receive(const Message&, ReadIndexResponse& response) {
    core_.read_states.push_back(ReadState{response.request_id, response.index});
    return {};
}

Status Raft::receive(const Message&, TermNotice&) {
    return {};
}

bool Raft::enter_term_of(const Message& message) {
    if (const auto* request = std::get_if<VoteRequest>(&message.body); request != nullptr) {
        if (!request->transfer && hears_leader()) {
            return false;
        }
        if (request->kind == VoteKind::kPreVote) {
            return true;
        }
    }
    if (const auto* response = std::get_if<VoteResponse>(&message.body); response != nullptr) {
        if (response->kind == VoteKind::kPreVote && response->granted) {
            // The term that was asked about; an answer to an older question is not counted.
            return message.term == core_.term + 1;
        }
    }
    become_follower(message.term, kNobody);
    return true;
}

void Raft::answer_older_term(const Message& message) {
    if (const auto* request = std::get_if<VoteRequest>(&message.body); request != nullptr) {
        core_.send(message.from, VoteResponse{request->kind, false, core_.committed()});
        return;
    }
    // A leader that was cut off learns here that it is none. Without this it could ask forever a
    // member that has once campaigned and is now kept from doing so by pre-vote.
    if (std::holds_alternative<AppendRequest>(message.body) ||
        std::holds_alternative<HeartbeatRequest>(message.body) ||
        std::holds_alternative<SnapshotRequest>(message.body)) {
        core_.send(message.from, TermNotice{});
    }
}

Result<Follower*> Raft::follower_of(MemberId leader) {
    if (std::holds_alternative<Leader>(role_)) {
        return Status(errors::kDamaged, "two leaders in one term");
    }
    if (std::holds_alternative<Candidate>(role_)) {
        become_follower(core_.term, leader);
    }
    return std::get_if<Follower>(&role_);
}

bool Raft::hears_leader() const {
    if (!core_.config.check_quorum) {
        return false;
    }
    const auto* follower = std::get_if<Follower>(&role_);
    return follower == nullptr ? std::holds_alternative<Leader>(role_)
                               : follower->hears_leader(core_);
}

void Raft::become_follower(uint64_t term, MemberId leader) {
    QUORATE_ASSERT(term >= core_.term);
    if (term > core_.term) {
        core_.term = term;
        core_.vote = kNobody;
    }
    role_.emplace<Follower>(core_, leader);
}

void Raft::become_leader() {
    role_.emplace<Leader>(core_);
}

void Raft::campaign(Candidate::Election election) {
    if (election.kind == VoteKind::kVote) {
        ++core_.term;
        core_.vote = core_.config.self;
    }
    role_.emplace<Candidate>(core_, election);
    if (election.kind == VoteKind::kPreVote) {
        count_ballot({core_.config.self, true});
    }
}

void Raft::count_ballot(Ballot ballot) {
    auto& candidate = std::get<Candidate>(role_);
    switch (candidate.count(core_, ballot)) {
        case VoteResult::kPending:
            return;
        case VoteResult::kLost:
            become_follower(core_.term, kNobody);
            return;
        case VoteResult::kWon:
            if (candidate.kind() == VoteKind::kPreVote) {
                campaign({VoteKind::kVote, false});
            } else {
                become_leader();
            }
            return;
    }
}

void Raft::election_timeout() {
    if (core_.is_electable()) {
        campaign({core_.config.pre_vote ? VoteKind::kPreVote : VoteKind::kVote, false});
    } else if (std::holds_alternative<Candidate>(role_)) {
        become_follower(core_.term, kNobody);
    }
}

void Raft::campaign_if_told() {
    const auto* follower = std::get_if<Follower>(&role_);
    if (follower != nullptr && follower->must_campaign() && core_.is_electable()) {
        campaign({VoteKind::kVote, true});
    }
}

void Raft::learn_committed(EntryId id) {
    if (std::holds_alternative<Leader>(role_)) {
        return;
    }
    core_.learn_committed(id);
    if (std::holds_alternative<Candidate>(role_) && !core_.is_electable()) {
        // Among it is a membership change: the election has to be held by its result.
        become_follower(core_.term, kNobody);
    }
}

}  // namespace quorate::raft
