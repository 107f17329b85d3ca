// SPDX-License-Identifier: Apache-2.0
#include "raft/persistence.h"

#include "base/assert.h"

#include <algorithm>

namespace quorate::raft {

Persistence::Persistence(uint64_t last_index, const HardState& hard_state)
    : stable_(last_index),
      handed_out_(last_index),
      durable_term_(hard_state.term),
      durable_vote_(hard_state.vote) {}

void Persistence::truncate_after(uint64_t index) {
    stable_ = std::min(stable_, index);
    handed_out_ = std::min(handed_out_, index);
    for (Write& write : writes_) {
        write.last_index = std::min(write.last_index, index);
    }
}

void Persistence::restart(Restart restart) {
    truncate_after(restart.committed);
    handed_out_ = restart.snapshot_index;
}

uint64_t Persistence::begin(const Write& write) {
    QUORATE_ASSERT(write.last_index >= handed_out_);
    writes_.push_back(write);
    handed_out_ = write.last_index;
    return last_finished_ + writes_.size();
}

void Persistence::finish(uint64_t number) {
    QUORATE_ASSERT(number <= last_finished_ + writes_.size());
    while (last_finished_ < number) {
        const Write& write = writes_.front();
        stable_ = std::max(stable_, write.last_index);
        durable_term_ = write.term;
        durable_vote_ = write.vote;
        writes_.pop_front();
        ++last_finished_;
    }
}

void Persistence::check_invariants() const {
    QUORATE_ASSERT(stable_ <= handed_out_);
    uint64_t term = durable_term_;
    for (const Write& write : writes_) {
        QUORATE_ASSERT(write.last_index <= handed_out_);
        QUORATE_ASSERT(write.term >= term);
        term = write.term;
    }
}

}  // namespace quorate::raft
