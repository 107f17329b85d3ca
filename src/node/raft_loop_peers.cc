// SPDX-License-Identifier: Apache-2.0
//
// The raft loop's side that faces the other members.
#include "base/errors.h"
#include "base/log.h"
#include "cluster/member.h"
#include "node/conf_change.h"
#include "node/raft_loop.h"
#include "wire/member_change.h"

#include <utility>

namespace quorate::node {

void RaftLoop::advance_election_timeout() {
    for (uint32_t i = 1; i < options_.election_ticks; ++i) {
        raft_.tick();
    }
}

void RaftLoop::take(wire::PeerMessage& message) {
    if (stopped_ || installing_snapshot_) {
        return;
    }
    std::visit([this](auto& body) { take(body); }, message);
}

void RaftLoop::take(raft::Message& message) {
    const raft::MemberId from = message.from;
    if (const Status s = raft_.step(std::move(message)); !s.ok()) {
        log::warn("dropped a message of a peer",
                  {{"remote-peer-id", cluster::format_id(from)}, log::Field(s)});
    }
}

// Taken in the term they were meant for, or refused (pending.h).
void RaftLoop::take(wire::Proposals& proposals) {
    const bool meant = raft_.role() == raft::Role::kLeader && raft_.term() == proposals.term;
    wire::ProposalsRefused refused{raft_.self(), proposals.from, proposals.term, {}, {}};
    Status reason;
    if (meant && raft_.committed() > ports_.status.applied.load() + options_.apply_backlog_max) {
        reason = errors::kRequestTooManyRequests;
    }
    for (wire::ForwardedProposal& forwarded : proposals.proposals) {
        if (!meant || !reason.ok()) {
            refused.ids.push_back(forwarded.id);
            continue;
        }
        Status proposed;
        if (forwarded.member_change) {
            proposed = append_member_change(forwarded.payload);
        } else if (const auto appended = raft_.propose(forwarded.payload); !appended) {
            proposed = appended.error();
        }
        if (proposed.ok()) {
            continue;
        }
        refused.ids.push_back(forwarded.id);
        // While leadership is handed over nothing is taken, and the next leader will.
        if (raft_.transfer_target() == raft::kNobody) {
            reason = proposed;
        }
    }
    if (!refused.ids.empty()) {
        refused.reason = std::move(reason);
        ports_.peers.send(refused);
    }
}

void RaftLoop::take(wire::ProposalsRefused& refused) {
    for (const uint64_t id : refused.ids) {
        auto proposal = pending_.take_refused(id, refused.term);
        if (!proposal) {
            continue;
        }
        if (refused.reason.ok()) {
            parked_.push_back(std::move(*proposal));
        } else if (proposal->waiter.reply) {
            proposal->waiter.reply.finish(refused.reason);
        }
    }
}

// A follower's clients wait here until their entries come back from the leader.
void RaftLoop::forward_parked() {
    const raft::MemberId leader = raft_.leader();
    if (parked_.empty() || leader == raft::kNobody || leader == raft_.self() || stopped_) {
        return;
    }
    std::erase_if(parked_, [this](const Proposal& one) { return is_out_of_date(one); });
    while (!parked_.empty()) {
        wire::Proposals batch{raft_.self(), leader, raft_.term(), {}};
        size_t bytes = 0;
        for (const Proposal& proposal : parked_) {
            bytes += proposal.payload->size();
            if (!batch.proposals.empty() && bytes > options_.forward_bytes) {
                break;
            }
            batch.proposals.push_back({proposal.id, proposal.payload, proposal.member_change});
        }
        if (!ports_.peers.send(batch)) {
            return;  // the link is down: they wait for it, or for another leader
        }
        for (size_t i = 0; i < batch.proposals.size(); ++i) {
            if (parked_.front().waiter.reply) {
                pending_.add(std::move(parked_.front()), raft_.term());
            }
            parked_.pop_front();
        }
    }
}

Status RaftLoop::append_member_change(const raft::Payload& payload) {
    const auto change = wire::member_change_of(*payload);
    const auto conf_change = change ? conf_change_of(*change) : std::nullopt;
    if (!conf_change) {
        return {errors::kInternal, "a membership change that this version does not know"};
    }
    const auto proposed = raft_.propose_conf_change(*conf_change, payload);
    if (!proposed && proposed.error().is(errors::kConfChangeRefused)) {
        // One is under way: the client finds the members as they are when it asks again.
        return errors::kUnhealthy;
    }
    return proposed.error();
}

void RaftLoop::propose_member_change(Proposal&& proposal) {
    const Status proposed = append_member_change(proposal.payload);
    if (proposed.ok()) {
        pending_.add(std::move(proposal), raft_.term());
    } else if (proposal.waiter.reply) {
        proposal.waiter.reply.finish(proposed);
    }
}

void RaftLoop::take(ConfChanged& changed) {
    if (installing_snapshot_ || !changed.change) {
        return;
    }
    const auto configuration = raft_.apply_conf_change(changed.index, *changed.change);
    if (!configuration) {
        // The state has checked the change against the same members that Raft has.
        log::error("raft refuses a membership change that was applied",
                   {{"index", changed.index}, log::Field(configuration.error())});
    }
    for (auto it = snapshots_sent_.begin(); it != snapshots_sent_.end();) {
        it = raft::is_member(raft_.configuration(), it->first) ? std::next(it)
                                                               : snapshots_sent_.erase(it);
    }
}

void RaftLoop::send(std::vector<raft::Message>& messages) {
    for (raft::Message& message : messages) {
        if (std::holds_alternative<raft::SnapshotRequest>(message.body)) {
            snapshots_sent_[message.to] = {
                std::get<raft::SnapshotRequest>(message.body).snapshot.id.index, false};
            ports_.peers.send_snapshot(message);
        } else if (!ports_.peers.send(message)) {
            if (std::holds_alternative<raft::HeartbeatRequest>(message.body)) {
                ++ports_.status.heartbeats_failed;
            }
            raft_.report_unreachable(message.to);
        }
    }
}

void RaftLoop::send_persisted(uint64_t ready_number) {
    while (!held_messages_.empty() && held_messages_.front().ready_number <= ready_number) {
        send(held_messages_.front().messages);
        held_messages_.pop_front();
    }
    if (installing_snapshot_ && held_messages_.empty() && !std::exchange(stopped_, true)) {
        ports_.peers.flush();
        ports_.on_snapshot_installed();
    }
}

void RaftLoop::take(const SnapshotSent& sent) {
    raft_.report_snapshot(sent.peer, {sent.delivered});
    const auto it = snapshots_sent_.find(sent.peer);
    if (it == snapshots_sent_.end()) {
        return;
    }
    it->second.delivered = sent.delivered;
    if (!sent.delivered) {
        snapshots_sent_.erase(it);
    }
}

void RaftLoop::take(SnapshotArrived& arrived) {
    if (!stopped_ && !installing_snapshot_) {
        take(arrived.message);
    }
}

raft::MemberId RaftLoop::best_successor() const {
    raft::MemberId best = raft::kNobody;
    uint64_t best_match = 0;
    for (const raft::MemberId voter : raft_.configuration().voters) {
        const raft::Progress* progress = raft_.progress(voter);
        if (voter == raft_.self() || progress == nullptr || !progress->recently_active()) {
            continue;
        }
        if (best == raft::kNobody || progress->match() > best_match) {
            best = voter;
            best_match = progress->match();
        }
    }
    return best;
}

void RaftLoop::transfer_leadership(raft::MemberId target, transport::Reply reply,
                                   int64_t deadline_ns) {
    Status begun;
    if (raft_.role() != raft::Role::kLeader) {
        begun = errors::kNotLeader;
    } else if (target != raft_.self()) {
        begun = raft_.transfer_leadership(target);
    }
    if (!begun.ok()) {
        if (reply) {
            reply.finish(begun);
        }
        return;
    }
    transfer_ = Transfer{target, std::move(reply), deadline_ns};
    follow_transfer();
}

void RaftLoop::follow_transfer() {
    if (!transfer_) {
        return;
    }
    const bool done = raft_.leader() == transfer_->target;
    if (!done && now_ns_ < transfer_->deadline_ns) {
        return;
    }
    if (transfer_->reply && done) {
        transfer_->reply.reply({});
    } else if (transfer_->reply) {
        transfer_->reply.finish(errors::kTimeoutLeaderTransfer);
    }
    transfer_.reset();
}

// A leader whose disk hangs still answers heartbeats, so nobody would take its place while it
// acknowledges nothing for its own clients.
void RaftLoop::hand_over_if_stalled() {
    if (!disk_stalls(now_ns_) || raft_.role() != raft::Role::kLeader ||
        raft_.transfer_target() != raft::kNobody) {
        return;
    }
    const raft::MemberId successor = best_successor();
    if (successor == raft::kNobody) {
        return;
    }
    log::warn("a write to the log takes longer than an election timeout; handing leadership over",
              {{"waiting-ms", (now_ns_ - oldest_write_ns_) / 1'000'000},
               {"successor", cluster::format_id(successor)}});
    if (const Status s = raft_.transfer_leadership(successor); !s.ok()) {
        log::warn("leadership can't be handed over", {log::Field(s)});
    }
}

}  // namespace quorate::node
