// SPDX-License-Identifier: Apache-2.0
#include "raft/leader.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

namespace {

Inflights::Limits inflight_limits(const Config& config) {
    return {config.inflight_messages_max, config.inflight_bytes_max};
}

}  // namespace

Leader::Leader(Core& core) {
    for (const MemberId member : members(core.configuration)) {
        progress_.emplace(member,
                          Progress(core.log.last_index() + 1, inflight_limits(core.config)));
    }
    conf_change_index_ = append(core, EntryType::kNormal, nullptr).index;
    persisted(core);
}

Result<EntryId> Leader::propose(Core& core, EntryType type, std::vector<Payload>&& payloads) {
    QUORATE_ASSERT(!payloads.empty());
    if (transfer_target_ != kNobody) {
        // The successor needs the whole log, so the log must stop growing.
        return errors::kLeaderChanged;
    }
    const uint64_t uncommitted = core.log.bytes({core.log.committed(), core.log.last_index()});
    uint64_t cost = payloads.size() * kEntryOverheadBytes;
    for (const Payload& payload : payloads) {
        cost += payload == nullptr ? 0 : payload->size();
    }
    if (uncommitted > 0 && uncommitted + cost > core.config.uncommitted_bytes_max) {
        return errors::kRequestTooManyRequests;
    }
    const EntryId first{core.term, core.log.last_index() + 1};
    for (Payload& payload : payloads) {
        append(core, type, std::move(payload));
    }
    return first;
}

Result<EntryId> Leader::propose_conf_change(Core& core, const ConfChange& change,
                                            Payload&& encoded) {
    if (conf_change_index_ > core.log.applied()) {
        return Status(errors::kConfChangeRefused, "an earlier change is not applied yet");
    }
    if (Result<Configuration> after = changed(core.configuration, change); !after) {
        return after.error();
    }
    std::vector<Payload> payloads;
    payloads.push_back(std::move(encoded));
    Result<EntryId> id = propose(core, EntryType::kConfChange, std::move(payloads));
    if (id) {
        conf_change_index_ = id->index;
    }
    return id;
}

Status Leader::read_index(ReadRequest request, const Config& config) {
    if (reads_.pending() >= config.pending_reads_max) {
        return errors::kRequestTooManyRequests;
    }
    reads_.add(request);
    return {};
}

Status Leader::transfer(Core& core, MemberId target) {
    if (!is_voter(core.configuration, target)) {
        return errors::kBadLeaderTransferee;
    }
    if (target == core.config.self || target == transfer_target_) {
        return {};
    }
    transfer_target_ = target;
    transfer_elapsed_ = 0;
    finish_transfer(core, target);
    return {};
}

bool Leader::tick(Core& core) {
    if (transfer_target_ != kNobody && ++transfer_elapsed_ >= core.config.election_ticks) {
        transfer_target_ = kNobody;
    }
    if (++quorum_elapsed_ >= core.config.election_ticks) {
        quorum_elapsed_ = 0;
        if (core.config.check_quorum && !quorum_is_active(core)) {
            return false;
        }
    }
    if (++heartbeat_elapsed_ >= core.config.heartbeat_ticks) {
        heartbeat_elapsed_ = 0;
        for (auto& [member, progress] : progress_) {
            progress.heartbeat_is_due();
        }
        send_heartbeats(core);
    }
    return true;
}

Status Leader::on(Core& core, MemberId from, const AppendResponse& response) {
    Progress* progress = find(from);
    if (progress == nullptr) {
        return {};
    }
    if (response.match > core.log.last_index()) {
        return Status(errors::kDamaged, "a follower acknowledges entries its leader does not have");
    }
    const bool news = progress->accepted(response.match);
    progress->leave_snapshot_from(core.log.start().index + 1);
    replication_is_due_ = true;
    if (news) {
        progress->set_active();
        advance_commit(core);
    }
    if (from == transfer_target_) {
        finish_transfer(core, from);
    }
    return {};
}

void Leader::on(Core& core, MemberId from, const AppendReject& reject) {
    Progress* progress = find(from);
    if (progress == nullptr) {
        return;
    }
    // The follower's hint says where its log is no longer of a later term than what was asked; here
    // the same is done with the follower's term, so that each round trip skips a whole term of one
    // of the two logs.
    const uint64_t agreed = core.log.last_index_within(reject.hint);
    if (progress->rejected({reject.previous_index, agreed})) {
        progress->set_active();
        replication_is_due_ = true;
    }
}

void Leader::on(Core& core, MemberId from, const HeartbeatResponse& response) {
    Progress* progress = find(from);
    if (progress == nullptr) {
        return;
    }
    if (response.read_round >= quorum_round_) {
        progress->set_active();
    }
    progress->heartbeat_answered(core.log.last_index());
    replication_is_due_ = true;
    if (response.read_round > 0 && response.read_round <= reads_.last_round()) {
        reads_.acknowledge(from, response.read_round);
        answer_reads(core);
    }
}

void Leader::persisted(Core& core) {
    Progress* self = find(core.config.self);
    if (self != nullptr) {
        self->self_persisted(core.persistence.stable(), core.log.last_index());
    }
    advance_commit(core);
}

void Leader::applied(Core& core) {
    if (!core.configuration.joint() || !core.configuration.auto_leave) {
        return;
    }
    if (conf_change_index_ <= core.log.applied()) {
        conf_change_index_ = append(core, EntryType::kConfChange, nullptr).index;
    }
}

void Leader::configuration_changed(Core& core) {
    std::erase_if(progress_, [&](const auto& member_and_progress) {
        return !is_member(core.configuration, member_and_progress.first);
    });
    for (const MemberId member : members(core.configuration)) {
        const auto [it, is_new] =
            progress_.try_emplace(member, core.log.last_index() + 1, inflight_limits(core.config));
        if (is_new) {
            // It could not have been heard yet; that must not cost the leader its quorum.
            it->second.set_active();
        }
    }
    if (!is_voter(core.configuration, transfer_target_)) {
        transfer_target_ = kNobody;
    }
    replication_is_due_ = true;
    // A quorum may have become smaller.
    advance_commit(core);
    answer_reads(core);
}

void Leader::name_successor(Core& core) const {
    for (const auto& [member, progress] : progress_) {
        if (is_voter(core.configuration, member) && progress.recently_active() &&
            progress.match() == core.log.last_index()) {
            core.send(member, TimeoutNow{});
            return;
        }
    }
}

void Leader::unreachable(MemberId peer) {
    if (Progress* progress = find(peer); progress != nullptr) {
        progress->unreachable();
    }
}

void Leader::snapshot_delivered(MemberId peer) {
    if (Progress* progress = find(peer); progress != nullptr) {
        progress->snapshot_delivered();
    }
}

void Leader::snapshot_failed(MemberId peer) {
    if (Progress* progress = find(peer); progress != nullptr) {
        progress->snapshot_failed();
    }
}

bool Leader::must_flush(const Core& core) const {
    return replication_is_due_ || (reads_.can_start_round() && has_committed_in_term(core));
}

void Leader::flush(Core& core) {
    start_read_round(core);
    if (!replication_is_due_) {
        return;
    }
    replication_is_due_ = false;
    for (auto& [member, progress] : progress_) {
        if (member != core.config.self) {
            replicate(core, member, progress);
        }
    }
}

const Progress* Leader::progress(MemberId member) const {
    const auto it = progress_.find(member);
    return it == progress_.end() ? nullptr : &it->second;
}

Progress* Leader::find(MemberId member) {
    const auto it = progress_.find(member);
    return it == progress_.end() ? nullptr : &it->second;
}

EntryId Leader::append(Core& core, EntryType type, Payload payload) {
    const EntryId id{core.term, core.log.last_index() + 1};
    core.log.append(Entry{id, type, std::move(payload)});
    replication_is_due_ = true;
    return id;
}

void Leader::advance_commit(Core& core) {
    acks_.clear();
    for (const auto& [member, progress] : progress_) {
        acks_.push_back(Ack{member, progress.match()});
    }
    const uint64_t index = committed_index(core.configuration, acks_);
    // An entry of an older term on a quorum may still be replaced by a later leader; it is
    // committed with the first entry of this term behind it (Raft §5.4.2, figure 8).
    if (index > core.log.committed() && core.log.term_at(index) == core.term) {
        core.log.commit_to(index);
        replication_is_due_ = true;
    }
}

// A member is active that has answered a heartbeat of this count, or said something that is news.
// What the network had kept for a while may arrive at a leader that nobody can hear any more;
// counted as a sign of life it would keep it in office, and clients with it, who renew their leases
// there while another leader lets them end.
bool Leader::quorum_is_active(const Core& core) {
    std::vector<Ballot> ballots;
    for (auto& [member, progress] : progress_) {
        ballots.push_back(Ballot{member, member == core.config.self || progress.recently_active()});
        progress.forget_activity();
    }
    quorum_round_ = reads_.start_empty_round();
    return vote_result(core.configuration, ballots) == VoteResult::kWon;
}

bool Leader::has_committed_in_term(const Core& core) const {
    return core.log.term_at(core.log.committed()) == core.term;
}

void Leader::send_heartbeats(Core& core) const {
    for (const auto& [member, progress] : progress_) {
        if (member != core.config.self) {
            const uint64_t commit = std::min(progress.match(), core.log.committed());
            core.send(member, HeartbeatRequest{commit, reads_.last_round()});
        }
    }
}

void Leader::replicate(Core& core, MemberId to, Progress& progress) const {
    const Log& log = core.log;
    while (true) {
        const bool has_more = progress.next() <= log.last_index() && progress.may_send();
        if (!has_more && !progress.probe_is_due() && !progress.commit_is_due(log.committed())) {
            return;
        }
        const uint64_t previous = progress.next() - 1;
        if (previous < log.start().index) {
            send_snapshot(core, to, progress);
            return;
        }
        AppendRequest request;
        request.previous = {log.term_at(previous), previous};
        request.commit = log.committed();
        if (has_more) {
            request.entries =
                log.slice({previous + 1, log.last_index(), core.config.append_bytes_max});
        }
        const uint64_t last = previous + request.entries.size();
        progress.sent({last, log.bytes({previous, last}), request.commit});
        core.send(to, std::move(request));
    }
}

void Leader::send_snapshot(Core& core, MemberId to, Progress& progress) const {
    // Not to a member that may be down: the data would be prepared for nobody.
    if (!progress.recently_active()) {
        return;
    }
    const uint64_t index = core.log.applied();
    QUORATE_ASSERT(index >= core.log.start().index);
    core.send(to, SnapshotRequest{{{core.log.term_at(index), index}, core.configuration}});
    progress.snapshot_sent(index);
}

void Leader::start_read_round(Core& core) {
    if (!reads_.can_start_round() || !has_committed_in_term(core)) {
        // Before that the commit index may lag behind what older leaders have committed.
        return;
    }
    const uint64_t round = reads_.start_round(core.log.committed());
    reads_.acknowledge(core.config.self, round);
    answer_reads(core);
    if (reads_.pending() > 0) {
        send_heartbeats(core);
    }
}

void Leader::answer_reads(Core& core) {
    for (const ReadAnswer& answer : reads_.take_confirmed(core.configuration)) {
        if (answer.request.from == core.config.self) {
            core.read_states.push_back(ReadState{answer.request.request_id, answer.index});
        } else {
            core.send(answer.request.from,
                      ReadIndexResponse{answer.request.request_id, answer.index});
        }
    }
}

void Leader::finish_transfer(Core& core, MemberId target) {
    const Progress* progress = find(target);
    if (progress != nullptr && progress->match() == core.log.last_index()) {
        core.send(target, TimeoutNow{});
    }
}

void Leader::check_invariants(const Core& core) const {
    QUORATE_ASSERT(reads_.pending() <= core.config.pending_reads_max);
    reads_.check_invariants();
    for (const auto& [member, progress] : progress_) {
        progress.check_invariants();
        QUORATE_ASSERT(is_member(core.configuration, member));
        QUORATE_ASSERT(progress.match() <= core.log.last_index());
        QUORATE_ASSERT(progress.next() <= core.log.last_index() + 1);
    }
}

}  // namespace quorate::raft
