// SPDX-License-Identifier: Apache-2.0
#include "raft/model_host.h"

#include "base/assert.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace quorate::raft {

namespace {

void mix(uint64_t& hash, uint64_t value) {
    hash = (hash ^ value) * 0x100000001b3;
    hash ^= hash >> 29;
}

}  // namespace

void StateMachine::apply(const Entry& entry) {
    QUORATE_ASSERT(entry.id.index == last.index + 1);
    last = entry.id;
    mix(hash, entry.id.term);
    mix(hash, entry.id.index);
    for (const char c : entry.data()) {
        mix(hash, static_cast<unsigned char>(c));
    }
}

Payload payload(std::string_view text) {
    return std::make_shared<const Bytes>(text);
}

ConfChange parse_conf_change(std::string_view text) {
    ConfChange change;
    std::istringstream words{std::string(text)};
    std::string word;
    while (words >> word) {
        if (word == "implicit") {
            change.transition = ConfChangeTransition::kJointImplicit;
        } else if (word == "explicit") {
            change.transition = ConfChangeTransition::kJointExplicit;
        } else if (word != "leave-joint") {
            const ConfChangeType type = word[0] == 'v'   ? ConfChangeType::kAddVoter
                                        : word[0] == 'l' ? ConfChangeType::kAddLearner
                                                         : ConfChangeType::kRemove;
            change.steps.push_back({type, std::stoull(word.substr(1))});
        }
    }
    return change;
}

ModelHost::ModelHost(const Config& config, Restored restored)
    : config_(config),
      disk_hard_state_(restored.hard_state),
      disk_start_(restored.log_start),
      disk_entries_(restored.entries) {
    state_.last = restored.log_start;
    state_.configuration = restored.configuration;
    checkpoint_ = state_;
    raft_.emplace(config, std::move(restored));
}

Status ModelHost::receive(Envelope&& envelope) {
    if (envelope.data.has_value()) {
        received_.insert_or_assign(envelope.data->last.index, *envelope.data);
    }
    return raft_->step(std::move(envelope.message));
}

ModelHost::Turn ModelHost::take_ready() {
    Turn turn;
    turn.ready = raft_->take_ready();
    Ready& ready = turn.ready;
    turn.sent = with_data(std::exchange(ready.messages, {}));
    std::optional<StateMachine> snapshot;
    if (ready.snapshot.has_value()) {
        snapshot = received_.at(ready.snapshot->id.index);
        received_.clear();
        applies_.push_back({snapshot, {}});
    }
    if (ready.number != 0) {
        writes_.push_back({ready.number, ready.hard_state, snapshot, ready.entries,
                           with_data(std::vector<Message>(ready.messages_after_persist))});
    }
    if (!ready.committed.empty()) {
        applies_.push_back({std::nullopt, ready.committed});
    }
    return turn;
}

std::vector<Envelope> ModelHost::sync() {
    Write write = std::move(writes_.front());
    writes_.pop_front();
    if (write.snapshot.has_value()) {
        disk_start_ = write.snapshot->last;
        disk_entries_.clear();
        checkpoint_ = *write.snapshot;
    }
    for (Entry& entry : write.entries) {
        QUORATE_ASSERT(entry.id.index > disk_start_.index);
        QUORATE_ASSERT(entry.id.index <= disk_last_index() + 1);
        disk_entries_.resize(entry.id.index - disk_start_.index - 1);
        disk_entries_.push_back(std::move(entry));
    }
    if (write.hard_state.has_value()) {
        disk_hard_state_ = *write.hard_state;
    }
    raft_->persisted(write.number);
    return std::move(write.then);
}

std::vector<Entry> ModelHost::apply() {
    Apply apply = std::move(applies_.front());
    applies_.pop_front();
    if (apply.snapshot.has_value()) {
        state_ = *apply.snapshot;
    }
    for (const Entry& entry : apply.entries) {
        state_.apply(entry);
        if (entry.type == EntryType::kConfChange) {
            const ConfChange change = parse_conf_change(entry.data());
            state_.configuration = changed(state_.configuration, change).value();
            QUORATE_ASSERT(raft_->apply_conf_change(entry.id.index, change).has_value());
        }
    }
    raft_->applied(state_.last.index);
    return std::move(apply.entries);
}

void ModelHost::make_checkpoint() {
    // Never a state that the log on the disk does not lead to: not ahead of the log, not a snapshot
    // whose write is still under way, not what was there before a snapshot.
    const bool installing = std::any_of(writes_.begin(), writes_.end(), [](const Write& write) {
        return write.snapshot.has_value();
    });
    if (!installing && state_.last.index >= disk_start_.index &&
        state_.last.index <= disk_last_index()) {
        checkpoint_ = state_;
    }
}

void ModelHost::compact(uint64_t index) {
    QUORATE_ASSERT(index <= checkpoint_.last.index);
    raft_->compact_log(index);
    if (index > disk_start_.index) {
        const auto count = static_cast<std::ptrdiff_t>(index - disk_start_.index);
        disk_start_ = disk_entries_[static_cast<size_t>(count - 1)].id;
        disk_entries_.erase(disk_entries_.begin(), disk_entries_.begin() + count);
    }
}

void ModelHost::crash() {
    raft_.reset();
    writes_.clear();
    applies_.clear();
    received_.clear();
}

void ModelHost::restart(uint64_t seed) {
    config_.seed = seed;
    state_ = checkpoint_;
    Restored restored;
    restored.hard_state = disk_hard_state_;
    restored.log_start = disk_start_;
    restored.entries = disk_entries_;
    restored.configuration = state_.configuration;
    restored.applied = state_.last.index;
    raft_.emplace(config_, std::move(restored));
}

std::vector<Envelope> ModelHost::with_data(std::vector<Message>&& messages) const {
    std::vector<Envelope> envelopes;
    for (Message& message : messages) {
        Envelope envelope{std::move(message), std::nullopt};
        if (auto* request = std::get_if<SnapshotRequest>(&envelope.message.body)) {
            QUORATE_ASSERT(request->snapshot.id.index <= state_.last.index);
            request->snapshot = {state_.last, state_.configuration};
            envelope.data = state_;
        }
        envelopes.push_back(std::move(envelope));
    }
    return envelopes;
}

}  // namespace quorate::raft
