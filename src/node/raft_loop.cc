// SPDX-License-Identifier: Apache-2.0
#include "node/raft_loop.h"

#include "base/errors.h"
#include "base/log.h"
#include "cluster/member.h"
#include "raft/describe.h"
#include "wire/command.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace quorate::node {

namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;

}  // namespace

RaftLoop::RaftLoop(const raft::Config& config, raft::Restored restored,
                   const RaftLoopOptions& options, Ports ports)
    : options_(options), ports_(ports), raft_(config, std::move(restored)) {
    ports_.status.term = raft_.term();
    ports_.status.committed = raft_.committed();
}

void RaftLoop::handle(std::vector<RaftInput>& inputs, int64_t now_ns, bool more_waiting) {
    now_ns_ = now_ns;
    for (RaftInput& input : inputs) {
        std::visit([this](auto& message) { take(message); }, input);
    }
    propose_collected();
    ask_for_reads();
    carry_out_readys(more_waiting);
    ports_.peers.flush();
    ports_.status.gathers_proposals = must_gather();
    QUORATE_VERIFY(raft_);
}

void RaftLoop::tick(int64_t now_ns) {
    now_ns_ = now_ns;
    ports_.peers.tick(now_ns);
    raft_.tick();
    follow_transfer();
    hand_over_if_stalled();
    run_waiting_tasks();
    const Status timeout = timeout_status();
    ports_.status.proposals_failed += pending_.expire(now_ns, timeout);
    while (!parked_.empty() && parked_.front().deadline_ns <= now_ns) {
        if (parked_.front().waiter.reply) {
            ++ports_.status.proposals_failed;
            parked_.front().waiter.reply.finish(timeout);
        }
        parked_.pop_front();
    }
    // A round may be lost with a message or a leader: ask again under a new id, and give up on
    // those whose time is over.
    std::vector<ReadRequest> again = std::exchange(new_reads_, {});
    for (auto it = asked_reads_.begin(); it != asked_reads_.end();) {
        if (now_ns - it->second.asked_ns < options_.read_retry_ns) {
            ++it;
            continue;
        }
        ++ports_.status.read_indexes_slow;
        std::move(it->second.reads.begin(), it->second.reads.end(), std::back_inserter(again));
        it = asked_reads_.erase(it);
    }
    for (ReadRequest& read : again) {
        if (read.deadline_ns <= now_ns) {
            ++ports_.status.read_indexes_failed;
            read.task(timeout);
        } else {
            new_reads_.push_back(std::move(read));
        }
    }
    ask_for_reads();
    carry_out_readys(false);
    ports_.peers.flush();
    ports_.status.gathers_proposals = must_gather();
}

void RaftLoop::stop() {
    stopped_ = true;
    pending_.fail_all(errors::kStopped);
    parked_.clear();
    transfer_.reset();
    run_waiting_tasks();
    for (ReadRequest& read : new_reads_) {
        read.task(errors::kStopped);
    }
    for (auto& [id, waiting] : asked_reads_) {
        for (ReadRequest& read : waiting.reads) {
            read.task(errors::kStopped);
        }
    }
    for (auto& [index, read] : confirmed_reads_) {
        read.task(errors::kStopped);
    }
    new_reads_.clear();
    asked_reads_.clear();
    confirmed_reads_.clear();
    ports_.status.reads_confirmed = false;
}

void RaftLoop::run_waiting_tasks() {
    for (RaftTask& task : std::exchange(at_next_tick_, {})) {
        task(*this);
    }
}

void RaftLoop::take(Proposal& proposal) {
    if (stopped_) {
        return;  // the dropped reply says so
    }
    if (raft_.committed() > ports_.status.applied.load() + options_.apply_backlog_max) {
        if (proposal.waiter.reply) {
            proposal.waiter.reply.finish(errors::kRequestTooManyRequests);
        }
        return;
    }
    if (raft_.role() == raft::Role::kLeader) {
        collected_.push_back(std::move(proposal));
    } else {
        parked_.push_back(std::move(proposal));
    }
}

void RaftLoop::take(ReadRequest& read) {
    if (!stopped_) {
        new_reads_.push_back(std::move(read));
    }
}

void RaftLoop::take(const Persisted& persisted) {
    QUORATE_ASSERT(writes_under_way_ > 0);
    --writes_under_way_;
    oldest_write_ns_ = now_ns_;
    if (persisted.ready_number != 0) {
        raft_.persisted(persisted.ready_number);
        send_persisted(persisted.ready_number);
    }
}

void RaftLoop::take(const Applied& applied) {
    if (installing_snapshot_) {
        return;
    }
    raft_.applied(applied.index);
    release_reads();
    update_reads_confirmed();
    compact_log();
}

void RaftLoop::take(const EngineSynced& synced) {
    if (installing_snapshot_) {
        return;
    }
    LogWrite write;
    write.mark = synced.id;
    write.configuration = synced.configuration;
    write_log(std::move(write));
}

// Peers that are a little behind are served from memory, and so are those that have got a snapshot
// until they have caught up. Taking it over means to start anew, and a busy leader writes more than
// it keeps otherwise meanwhile: they would need the next snapshot, and so on for ever. An answer to
// the snapshot itself comes before that start; one to an entry behind it comes after.
void RaftLoop::compact_log() {
    const uint64_t applied = raft_.applied();
    if (applied < raft_.log_start().index) {
        return;  // a snapshot of this turn has taken the log's place, the state's is next
    }
    uint64_t keep = is_alone() ? 0 : options_.catchup_entries;
    for (auto it = snapshots_sent_.begin(); it != snapshots_sent_.end();) {
        const auto& [index, delivered] = it->second;
        const raft::Progress* progress = raft_.progress(it->first);
        const uint64_t match = progress == nullptr ? 0 : progress->match();
        const uint64_t behind = applied - std::min(applied, std::max(index, match));
        const bool caught_up = delivered && match > index && behind <= options_.catchup_entries;
        if (progress == nullptr || caught_up || behind > options_.held_entries_max) {
            it = snapshots_sent_.erase(it);
            continue;
        }
        keep = std::max(keep, behind);
        ++it;
    }
    if (applied > keep) {
        raft_.compact_log(std::max(raft_.log_start().index, applied - keep));
    }
}

bool RaftLoop::is_alone() const {
    const raft::Configuration& configuration = raft_.configuration();
    return configuration.voters.size() == 1 && configuration.learners.empty() &&
           !configuration.joint();
}

bool RaftLoop::must_gather() const {
    return writes_under_way_ > 0 && raft_.role() == raft::Role::kLeader && !is_alone() &&
           raft_.last_index() - raft_.committed() >= options_.gather_entries;
}

bool RaftLoop::is_out_of_date(const Proposal& proposal) const {
    return proposal.led_term != 0 &&
           (raft_.role() != raft::Role::kLeader || raft_.term() != proposal.led_term);
}

void RaftLoop::propose_collected() {
    if (must_gather()) {
        std::move(collected_.begin(), collected_.end(), std::back_inserter(parked_));
        collected_.clear();
        return;
    }
    if (raft_.role() == raft::Role::kLeader) {
        std::move(parked_.begin(), parked_.end(), std::back_inserter(collected_));
        parked_.clear();
    }
    std::erase_if(collected_, [this](const Proposal& one) { return is_out_of_date(one); });
    if (collected_.empty()) {
        return;
    }
    std::vector<raft::Payload> payloads;
    payloads.reserve(collected_.size());
    for (Proposal& proposal : collected_) {
        if (proposal.member_change) {
            propose_member_change(std::move(proposal));
        } else {
            payloads.push_back(proposal.payload);
        }
    }
    std::erase_if(collected_, [](const Proposal& proposal) { return proposal.member_change; });
    if (collected_.empty()) {
        return;
    }
    const Result<raft::EntryId> proposed = raft_.propose(std::move(payloads));
    for (Proposal& proposal : collected_) {
        if (proposed) {
            if (proposal.waiter.reply) {
                pending_.add(std::move(proposal), raft_.term());
            }
        } else if (raft_.transfer_target() != raft::kNobody) {
            parked_.push_back(std::move(proposal));  // for the next leader, or this one again
        } else if (proposal.waiter.reply) {
            proposal.waiter.reply.finish(proposed.error());
        }
    }
    collected_.clear();
}

void RaftLoop::ask_for_reads() {
    if (new_reads_.empty()) {
        return;
    }
    const uint64_t id = next_read_id_;
    if (!raft_.read_index(id).ok()) {
        return;  // no leader is known; they stay and are asked for when there is one
    }
    ++next_read_id_;
    asked_reads_.emplace(id, WaitingReads{std::move(new_reads_), now_ns_});
    new_reads_.clear();
}

// What the leader before was asked is never answered.
void RaftLoop::ask_again() {
    for (auto& [id, waiting] : asked_reads_) {
        std::move(waiting.reads.begin(), waiting.reads.end(), std::back_inserter(new_reads_));
    }
    asked_reads_.clear();
}

void RaftLoop::carry_out_readys(bool more_waiting) {
    while (raft_.has_ready()) {
        raft::Ready ready = raft_.take_ready();
        publish(ready);
        send(ready.messages);  // before the own write: the disks of all members work at once
        if (ready.number != 0) {
            persist(ready, more_waiting);
        }
        if (installing_snapshot_) {
            continue;  // the state that these would change is not there yet
        }
        hand_to_apply(ready.committed);
        for (const raft::ReadState& state : ready.read_states) {
            take_confirmed(state);
        }
        release_reads();
        update_reads_confirmed();
        ask_for_reads();
    }
    if (raft_.role() == raft::Role::kLeader && !parked_.empty() &&
        raft_.transfer_target() == raft::kNobody && !must_gather()) {
        propose_collected();
        carry_out_readys(more_waiting);
    } else {
        forward_parked();
    }
}

void RaftLoop::persist(raft::Ready& ready, bool more_waiting) {
    LogWrite write;
    write.ready_number = ready.number;
    write.hard_state = ready.hard_state;
    write.entries = std::move(ready.entries);
    if (ready.snapshot) {
        write.mark = ready.snapshot->id;
        write.configuration = ready.snapshot->configuration;
        installing_snapshot_ = true;
        ports_.status.takes_snapshot = true;
    }
    if (!ready.messages_after_persist.empty() || ready.snapshot) {
        held_messages_.push_back({ready.number, std::move(ready.messages_after_persist)});
    }
    if (!more_waiting && writes_under_way_ == 0 && is_alone()) {
        std::vector<LogWrite> writes;
        writes.push_back(std::move(write));
        ports_.inline_writer.write_and_sync(writes);
        raft_.persisted(ready.number);
        send_persisted(ready.number);
        return;
    }
    write_log(std::move(write));
}

void RaftLoop::write_log(LogWrite&& write) {
    if (writes_under_way_++ == 0) {
        oldest_write_ns_ = now_ns_;
    }
    ports_.wal.push_always(std::move(write));
}

void RaftLoop::hand_to_apply(std::vector<raft::Entry>& committed) {
    if (committed.empty()) {
        return;
    }
    const uint64_t term = committed.back().id.term;
    CommittedBatch batch;
    batch.entries.reserve(committed.size());
    for (raft::Entry& entry : committed) {
        CommittedEntry& out = batch.entries.emplace_back();
        if (const auto id = wire::command_id(entry.data())) {
            out.waiter = pending_.take(*id);
        }
        out.entry = std::move(entry);
    }
    ports_.status.committed = raft_.committed();
    ports_.apply.push_always(std::move(batch));
    std::vector<Proposal> lost = pending_.take_lost(term);
    parked_.insert(parked_.begin(), std::make_move_iterator(lost.begin()),
                   std::make_move_iterator(lost.end()));
}

void RaftLoop::take_confirmed(const raft::ReadState& state) {
    const auto it = asked_reads_.find(state.request_id);
    if (it == asked_reads_.end()) {
        return;  // asked again meanwhile: only the newest try counts
    }
    if (raft_.role() == raft::Role::kLeader) {
        ports_.status.may_renew_until_ms =
            (it->second.asked_ns + options_.election_timeout_ns) / kMillisecond_ns;
    }
    for (ReadRequest& read : it->second.reads) {
        confirmed_reads_.emplace(state.index, std::move(read));
    }
    asked_reads_.erase(it);
}

void RaftLoop::release_reads() {
    const uint64_t applied = ports_.status.applied.load();
    while (!confirmed_reads_.empty() && confirmed_reads_.begin()->first <= applied) {
        auto node = confirmed_reads_.extract(confirmed_reads_.begin());
        ports_.read_pool.push_always(
            [task = std::move(node.mapped().task)]() mutable { task(Status()); });
    }
}

void RaftLoop::publish(const raft::Ready& ready) {
    NodeStatus& status = ports_.status;
    status.term = raft_.term();
    status.committed = raft_.committed();
    if (!ready.soft_state) {
        return;
    }
    const raft::SoftState& soft = *ready.soft_state;
    const uint64_t before = status.leader.load();
    if (before != raft::kNobody && soft.leader != before) {
        status.leader_lost_ns = now_ns_;
    }
    if (soft.leader != raft::kNobody && soft.leader != before) {
        ++status.leader_changes;
        ask_again();
    }
    status.leader = soft.leader;
    status.may_renew_until_ms = 0;
    status.led_term = soft.role == raft::Role::kLeader ? raft_.term() : 0;
    first_index_of_term_ = soft.role == raft::Role::kLeader ? raft_.last_index() : 0;
    log::info("raft state changed", {{"role", raft::describe(soft.role)},
                                     {"term", raft_.term()},
                                     {"leader", cluster::format_id(soft.leader)}});
}

void RaftLoop::update_reads_confirmed() {
    const bool sole_voter =
        raft_.configuration().voters.size() == 1 && !raft_.configuration().joint();
    ports_.status.reads_confirmed =
        !stopped_ && sole_voter && raft_.role() == raft::Role::kLeader &&
        first_index_of_term_ != 0 && ports_.status.applied.load() >= first_index_of_term_;
}

Status RaftLoop::timeout_status() const {
    const int64_t lost_ns = ports_.status.leader_lost_ns.load();
    if (lost_ns != 0 && now_ns_ - lost_ns < options_.request_timeout_ns) {
        return errors::kTimeoutDueToLeaderFail;
    }
    // A leader that is heard, while nothing gets to it.
    const raft::MemberId leader = raft_.leader();
    if (leader != raft::kNobody && leader != raft_.self()) {
        const auto since_ns = ports_.peers.connected_since_ns(leader);
        if (!since_ns || now_ns_ - *since_ns < options_.request_timeout_ns) {
            return errors::kTimeoutDueToConnectionLost;
        }
    }
    return errors::kTimeout;
}

}  // namespace quorate::node
