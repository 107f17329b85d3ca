// SPDX-License-Identifier: Apache-2.0
#include "node/apply_loop.h"

#include "base/duration.h"
#include "base/errors.h"
#include "base/log.h"
#include "command.pb.h"
#include "node/conf_change.h"
#include "storage/schema.h"
#include "wire/message_text.h"

#include <algorithm>
#include <string>

namespace quorate::node {
namespace {

constexpr int64_t kExpiryInterval_ns = 500'000'000;
// Of compaction, while it writes nothing.
constexpr int64_t kGatheringSlicesPerPause = 4;
constexpr int64_t kIdle_ns = 3'600'000'000'000;
constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr int64_t kSecond_ns = 1000 * kMillisecond_ns;

}  // namespace

ApplyLoop::ApplyLoop(mvcc::Store& store, lease::Lessor& lessor, apply::AlarmStore& alarms,
                     cluster::Membership& membership, auth::AuthStore& auth,
                     auth::TokenProvider& tokens, StateHash& state_hash, apply::Applier& applier,
                     AutoCompactor auto_compactor, raft::EntryId applied,
                     const ApplyLoopOptions& options, Ports ports, metrics::Registry& metrics)
    : options_(options),
      ports_(std::move(ports)),
      applier_(applier),
      state_hash_(state_hash),
      auto_compactor_(std::move(auto_compactor)),
      state_{store, lessor, alarms, membership, auth, tokens, batch_},
      applied_(applied),
      submitted_applied_(applied),
      synced_(applied),
      sync_under_way_(std::make_shared<std::atomic<bool>>(false)),
      metrics_(metrics) {
    publish(0);
}

int64_t ApplyLoop::handle(std::vector<ApplyInput>& inputs) {
    now_ns_ = ports_.clock.monotonic_ns();
    state_.now_ms = now_ns_ / kMillisecond_ns;
    const int64_t revision_before = state_.store.current_revision();
    const uint64_t applied_before = applied_.index;
    follow_leadership();
    for (ApplyInput& input : inputs) {
        std::visit([this](auto& message) { take(message); }, input);
    }
    if (!inputs.empty()) {
        // Before anything else: waking the engine's writer and the watch loop takes longer than a
        // lone client's whole put.
        ports_.flush();
    }
    expire_leases();
    compact_by_itself();
    compact_slice();
    submit();
    publish(revision_before);
    if (applied_.index != applied_before) {
        ports_.raft.push_always(Applied{applied_.index});
    }
    sync_engine_if_due();
    return sleep_ns();
}

void ApplyLoop::take(CommittedBatch& batch) {
    entry_begun_ns_ = ports_.clock.monotonic_ns();
    for (CommittedEntry& entry : batch.entries) {
        apply(entry);
    }
}

void ApplyLoop::take(ApplyTask& task) {
    task(state_);
}

void ApplyLoop::apply(CommittedEntry& entry) {
    QUORATE_ASSERT(entry.entry.id.index == applied_.index + 1);
    apply::Outcome outcome = applier_.apply(state_, entry.entry, ports_.status.term.load());
    applied_ = entry.entry.id;
    state_hash_.applied(batch_, applied_.index);
    measure(entry, outcome);
    bytes_since_sync_ += entry.entry.data().size();
    if (entry.entry.type == raft::EntryType::kConfChange) {
        ports_.raft.push_always(ConfChanged{
            applied_.index,
            outcome.member_change ? conf_change_of(*outcome.member_change) : std::nullopt});
    }
    // Before the answer: whoever has it finds members and rules as it says. And before the next
    // entry: a read that sees what it has put sees the rules that held then, too.
    publish_members();
    publish_auth();
    if (!entry.waiter.reply) {
        return;
    }
    if (!outcome.status.ok()) {
        entry.waiter.reply.finish(outcome.status);
    } else if (outcome.after_compaction) {
        after_compaction_.push_back({std::move(entry.waiter), std::move(outcome.response)});
    } else {
        entry.waiter.reply.reply(outcome.response);
    }
}

void ApplyLoop::follow_leadership() {
    const uint64_t term = ports_.status.led_term.load();
    if (term == state_.led_term) {
        return;
    }
    state_.led_term = term;
    auto_compactor_.reset();
    // Between two terms of this member another one may have led, and renewed leases.
    state_.lessor.demote();
    if (term != 0) {
        state_.lessor.promote(state_.now_ms, options_.lease_extend_ms);
    }
}

void ApplyLoop::expire_leases() {
    if (!state_.lessor.is_primary() || now_ns_ < next_expiry_ns_) {
        return;
    }
    next_expiry_ns_ = now_ns_ + kExpiryInterval_ns;
    checkpoint_leases();
    const auto expired = state_.lessor.expired(state_.now_ms, options_.expired_leases_max);
    if (expired.empty()) {
        return;
    }
    wire::ExpiredLeases command;
    for (const lease::LeaseId id : expired) {
        command.add_ids(id);
    }
    ports_.propose(wire::CommandKind::kExpiredLeases, command.SerializeAsString(), state_.led_term);
}

void ApplyLoop::checkpoint_leases() {
    const auto due = state_.lessor.due_checkpoints(state_.now_ms, options_.checkpoints_max);
    if (due.empty()) {
        return;
    }
    etcdserverpb::LeaseCheckpointRequest command;
    for (const lease::Checkpoint& checkpoint : due) {
        auto* out = command.add_checkpoints();
        out->set_id(checkpoint.id);
        out->set_remaining_ttl(checkpoint.remaining_seconds);
    }
    ports_.propose(wire::CommandKind::kLeaseCheckpoint, command.SerializeAsString(),
                   state_.led_term);
}

void ApplyLoop::compact_by_itself() {
    if (!state_.lessor.is_primary()) {
        return;
    }
    const int64_t current = state_.store.current_revision();
    if (const auto target = auto_compactor_.tick(now_ns_, current)) {
        etcdserverpb::CompactionRequest request;
        request.set_revision(*target);
        log::info("starting auto compaction", {{"revision", *target}, {"current", current}});
        ports_.propose(wire::CommandKind::kCompaction, request.SerializeAsString(),
                       state_.led_term);
    }
}

void ApplyLoop::compact_slice() {
    if (!state_.store.compaction_pending() || now_ns_ < next_slice_ns_) {
        return;
    }
    mvcc::CompactLimits limits;
    limits.keys_max = options_.compaction_batch_limit;
    limits.revisions_max = options_.compaction_batch_limit;
    limits.break_pins = waiting_for_readers_since_ns_ != 0 &&
                        now_ns_ - waiting_for_readers_since_ns_ > options_.compaction_patience_ns;
    const int64_t begun_ns = ports_.clock.monotonic_ns();
    if (compaction_begun_ns_ == 0) {
        compaction_begun_ns_ = begun_ns;
    }
    const mvcc::CompactProgress progress = state_.store.compact_step(limits, batch_);
    const int64_t end_ns = ports_.clock.monotonic_ns();
    metrics_.compaction_pause_ms.observe(static_cast<double>(end_ns - begun_ns) /
                                         static_cast<double>(kMillisecond_ns));
    metrics_.compacted_revisions.add(progress.revisions_removed);
    // The pause is for the engine's sake.
    const bool wrote = progress.revisions_removed > 0 || progress.waiting_for_readers;
    next_slice_ns_ =
        now_ns_ + options_.compaction_sleep_ns / (wrote ? 1 : kGatheringSlicesPerPause);
    if (!progress.waiting_for_readers) {
        waiting_for_readers_since_ns_ = 0;
    } else if (waiting_for_readers_since_ns_ == 0) {
        waiting_for_readers_since_ns_ = now_ns_;
    }
    if (progress.done) {
        metrics_.compaction_total_ms.observe(
            static_cast<double>(end_ns - std::exchange(compaction_begun_ns_, 0)) /
            static_cast<double>(kMillisecond_ns));
        metrics_.last_compaction.set(ports_.clock.unix_ns() / kSecond_ns);
        log::info("finished compaction", {{"compact-revision", state_.store.compact_revision()}});
        for (AfterCompaction& waiting : after_compaction_) {
            waiting.waiter.reply.reply(waiting.response);
        }
        after_compaction_.clear();
        ports_.flush();
    }
}

// One engine batch per turn, with the applied index and its term inside: no other way exists to
// write either.
void ApplyLoop::submit() {
    if (!batch_.empty() || applied_ != submitted_applied_) {
        state_hash_.close(batch_);
        batch_.put(storage::kAppliedKey, storage::encode_u64_pair({applied_.index, applied_.term}));
        ++sequence_;
        submitted_.push_back({sequence_, state_.store.current_revision()});
        ports_.engine.submit(std::exchange(batch_, {}), sequence_);
        submitted_applied_ = applied_;
    }
    const uint64_t written = ports_.engine.written();
    int64_t revision = 0;
    while (!submitted_.empty() && submitted_.front().sequence <= written) {
        revision = submitted_.front().revision;
        submitted_.pop_front();
    }
    if (revision != 0) {
        state_.store.engine_has(revision);
    }
}

// From the end of the entry before to the end of this one.
void ApplyLoop::measure(const CommittedEntry& entry, const apply::Outcome& outcome) {
    const int64_t end_ns = ports_.clock.monotonic_ns();
    const int64_t took_ns = end_ns - std::exchange(entry_begun_ns_, end_ns);
    metrics_.applied(applier_.operation(), outcome.status.ok(), took_ns);
    if (options_.warning_apply_ns <= 0 || took_ns <= options_.warning_apply_ns) {
        return;
    }
    metrics_.slow_applies.add();
    wire::Command command;
    const ByteView data = entry.entry.data();
    static_cast<void>(command.ParseFromArray(data.data(), static_cast<int>(data.size())));
    log::warn(
        "apply request took too long",
        {{"took", format_duration(took_ns)},
         {"expected-duration", format_duration(options_.warning_apply_ns)},
         {"prefix", ""},
         {"request", wire::message_text(command)},
         {"response", outcome.status.ok() ? "size:" + std::to_string(outcome.response.size()) : ""},
         {"error", outcome.status.message()}});
}

void ApplyLoop::sync_engine_if_due() {
    if (!ports_.engine_is_durable) {
        return;
    }
    const uint64_t entries = applied_.index - synced_.index;
    const bool many = entries >= options_.snapshot_entries &&
                      now_ns_ - last_sync_ns_ >= options_.snapshot_interval_min_ns;
    if ((!many && bytes_since_sync_ < options_.snapshot_bytes) || sync_under_way_->load()) {
        return;
    }
    sync_under_way_->store(true);
    synced_ = applied_;
    bytes_since_sync_ = 0;
    last_sync_ns_ = now_ns_;
    ports_.engine.sync([raft = &ports_.raft, id = applied_,
                        configuration = configuration_of(state_.membership.list()),
                        flag = sync_under_way_](const Status& status) {
        flag->store(false);
        if (status.ok()) {
            raft->push_always(EngineSynced{id, configuration});
        }
    });
}

void ApplyLoop::publish(int64_t revision_before) {
    NodeStatus& status = ports_.status;
    status.applied = applied_.index;
    status.stored_bytes = state_.store.stats().stored_bytes;
    status.alarm_no_space = state_.alarms.any(apply::AlarmType::kNoSpace);
    status.alarm_corrupt = state_.alarms.any(apply::AlarmType::kCorrupt);
    publish_members();
    publish_auth();
    const int64_t revision = state_.store.current_revision();
    if (revision != revision_before && ports_.on_published) {
        ports_.on_published(revision);
    }
}

void ApplyLoop::publish_members() {
    if (&state_.membership.list() != published_members_.get() && ports_.on_members) {
        published_members_ = state_.membership.snapshot();
        ports_.on_members(published_members_);
    }
}

void ApplyLoop::publish_auth() {
    if (&state_.auth.rules() != published_auth_.get() && ports_.on_auth) {
        published_auth_ = state_.auth.snapshot();
        ports_.on_auth(published_auth_);
    }
}

int64_t ApplyLoop::sleep_ns() const {
    int64_t until_ns = now_ns_ + kIdle_ns;
    if (state_.lessor.is_primary()) {
        if (const auto due_ms = state_.lessor.next_due_ms()) {
            until_ns = std::min(until_ns, std::max(next_expiry_ns_, *due_ms * kMillisecond_ns));
        }
        if (const auto due_ns = auto_compactor_.next_due_ns()) {
            until_ns = std::min(until_ns, *due_ns);
        }
    }
    if (state_.store.compaction_pending()) {
        until_ns = std::min(until_ns, next_slice_ns_);
    }
    return std::max<int64_t>(1, until_ns - now_ns_);
}

void ApplyLoop::stop() {
    submit();
    for (AfterCompaction& waiting : after_compaction_) {
        waiting.waiter.reply.finish(errors::kStopped);
    }
    after_compaction_.clear();
}

}  // namespace quorate::node
