// SPDX-License-Identifier: Apache-2.0
#include "raft/read_index.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>

namespace quorate::raft {

void ReadIndex::add(ReadRequest request) {
    waiting_.push_back(request);
    ++pending_;
}

uint64_t ReadIndex::start_round(uint64_t committed) {
    QUORATE_ASSERT(can_start_round());
    ++last_round_;
    rounds_.push_back(Round{last_round_, committed, std::exchange(waiting_, {})});
    return last_round_;
}

void ReadIndex::acknowledge(MemberId member, uint64_t round) {
    const auto it = std::lower_bound(acks_.begin(), acks_.end(), member,
                                     [](const Ack& ack, MemberId id) { return ack.member < id; });
    if (it == acks_.end() || it->member != member) {
        acks_.insert(it, Ack{member, round});
    } else {
        it->index = std::max(it->index, round);
    }
}

std::vector<ReadAnswer> ReadIndex::take_confirmed(const Configuration& configuration) {
    std::vector<ReadAnswer> answers;
    if (rounds_.empty()) {
        return answers;
    }
    const uint64_t confirmed = committed_index(configuration, acks_);
    while (!rounds_.empty() && rounds_.front().number <= confirmed) {
        const Round& round = rounds_.front();
        for (const ReadRequest& request : round.requests) {
            answers.push_back(ReadAnswer{request, round.index});
        }
        rounds_.pop_front();
    }
    pending_ -= answers.size();
    return answers;
}

void ReadIndex::check_invariants() const {
    size_t pending = waiting_.size();
    const Round* before = nullptr;
    for (const Round& round : rounds_) {
        QUORATE_ASSERT(!round.requests.empty());
        QUORATE_ASSERT(round.number <= last_round_);
        if (before != nullptr) {
            QUORATE_ASSERT(round.number > before->number);
            QUORATE_ASSERT(round.index >= before->index);
        }
        pending += round.requests.size();
        before = &round;
    }
    QUORATE_ASSERT(pending == pending_);
    QUORATE_ASSERT(rounds_.size() <= kRoundsMax);
}

}  // namespace quorate::raft
