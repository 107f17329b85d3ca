// SPDX-License-Identifier: Apache-2.0
#include "raft/progress.h"

#include "base/assert.h"

#include <algorithm>

namespace quorate::raft {

bool Progress::may_send() const {
    switch (state_) {
        case ProgressState::kProbe:
            return !paused_;
        case ProgressState::kReplicate:
            return !inflights_.full();
        case ProgressState::kSnapshot:
            return false;
    }
    return false;
}

bool Progress::commit_is_due(uint64_t committed) const {
    return state_ == ProgressState::kReplicate && std::min(committed, next_ - 1) > sent_commit_;
}

void Progress::sent(const Sent& sent) {
    probe_is_due_ = false;
    sent_commit_ = std::min(sent.commit, sent.last_index);
    if (state_ == ProgressState::kProbe) {
        paused_ = true;
        return;
    }
    if (sent.last_index >= next_) {
        inflights_.add({sent.last_index, sent.bytes});
        next_ = sent.last_index + 1;
    }
}

void Progress::snapshot_sent(uint64_t index) {
    become_probe(next_);
    state_ = ProgressState::kSnapshot;
    pending_snapshot_ = index;
}

bool Progress::accepted(uint64_t match) {
    const bool news = match > match_;
    match_ = std::max(match_, match);
    next_ = std::max(next_, match + 1);
    switch (state_) {
        case ProgressState::kProbe:
            // An answer that confirms just what is known still shows where the logs agree.
            if (match == match_) {
                state_ = ProgressState::kReplicate;
                next_ = match_ + 1;
                paused_ = false;
            }
            break;
        case ProgressState::kReplicate:
            inflights_.release_through(match);
            break;
        case ProgressState::kSnapshot:
            break;
    }
    return news;
}

bool Progress::rejected(const Rejected& rejected) {
    if (state_ == ProgressState::kReplicate) {
        // What it has once accepted it can't reject: then the answer is older than the acceptance.
        if (rejected.previous_index <= match_) {
            return false;
        }
        become_probe(std::min(rejected.previous_index, rejected.agreed + 1));
        return true;
    }
    // A probe asks about one index only; anything else is the answer to an older question.
    if (state_ == ProgressState::kSnapshot || rejected.previous_index != next_ - 1) {
        return false;
    }
    become_probe(std::min(rejected.previous_index, rejected.agreed + 1));
    return true;
}

void Progress::heartbeat_answered(uint64_t last_index) {
    if (!may_probe_again_) {
        return;
    }
    may_probe_again_ = false;
    paused_ = false;
    probe_is_due_ = match_ < last_index || state_ == ProgressState::kProbe;
}

void Progress::unreachable() {
    if (state_ == ProgressState::kReplicate) {
        become_probe(match_ + 1);
    }
}

void Progress::snapshot_delivered() {
    if (state_ == ProgressState::kSnapshot) {
        // Installing takes a while; the next heartbeat's answer lets the probe go.
        become_probe(std::max(match_, pending_snapshot_) + 1);
        paused_ = true;
    }
}

void Progress::snapshot_failed() {
    if (state_ == ProgressState::kSnapshot) {
        become_probe(match_ + 1);
        paused_ = true;
    }
}

void Progress::leave_snapshot_from(uint64_t first) {
    if (state_ == ProgressState::kSnapshot && match_ + 1 >= first) {
        become_probe(match_ + 1);
        state_ = ProgressState::kReplicate;
    }
}

void Progress::self_persisted(uint64_t match, uint64_t last_index) {
    match_ = std::max(match_, match);
    next_ = last_index + 1;
}

void Progress::become_probe(uint64_t next) {
    state_ = ProgressState::kProbe;
    next_ = std::max(next, match_ + 1);
    sent_commit_ = std::min(sent_commit_, next_ - 1);
    pending_snapshot_ = 0;
    paused_ = false;
    probe_is_due_ = false;
    inflights_.clear();
}

void Progress::check_invariants() const {
    QUORATE_ASSERT(match_ < next_);
    inflights_.check_invariants();
    if (state_ != ProgressState::kReplicate) {
        QUORATE_ASSERT(inflights_.count() == 0);
    }
    if (state_ != ProgressState::kSnapshot) {
        QUORATE_ASSERT(pending_snapshot_ == 0);
    }
}

}  // namespace quorate::raft
