// SPDX-License-Identifier: Apache-2.0
#include "node/pending.h"

#include <algorithm>
#include <utility>

namespace quorate::node {

void Pending::add(Proposal proposal, uint64_t term) {
    if (waiting_.empty()) {
        oldest_term_ = term;
    }
    deadlines_.push_back({proposal.deadline_ns, proposal.id});
    const uint64_t id = proposal.id;
    waiting_.emplace(id, Waiting{std::move(proposal), term});
}

Waiter Pending::take(uint64_t id) {
    auto proposal = take_back(id);
    return proposal ? std::move(proposal->waiter) : Waiter();
}

std::optional<Proposal> Pending::take_refused(uint64_t id, uint64_t term) {
    const auto it = waiting_.find(id);
    return it == waiting_.end() || it->second.term != term ? std::nullopt : take_back(id);
}

std::optional<Proposal> Pending::take_back(uint64_t id) {
    const auto it = waiting_.find(id);
    if (it == waiting_.end()) {
        return std::nullopt;
    }
    Proposal proposal = std::move(it->second.proposal);
    waiting_.erase(it);
    forget_answered();
    return proposal;
}

// Answers come about in the order of the requests, so the front is mostly the one just answered and
// the queue stays as short as what waits.
void Pending::forget_answered() {
    while (!deadlines_.empty() && !waiting_.contains(deadlines_.front().id)) {
        deadlines_.pop_front();
    }
}

std::vector<Proposal> Pending::take_lost(uint64_t term) {
    std::vector<Proposal> lost;
    if (waiting_.empty() || oldest_term_ >= term) {
        return lost;
    }
    for (const Deadline& deadline : deadlines_) {
        const auto it = waiting_.find(deadline.id);
        if (it != waiting_.end() && it->second.term < term) {
            lost.push_back(std::move(it->second.proposal));
            waiting_.erase(it);
        }
    }
    forget_answered();
    oldest_term_ = term;
    return lost;
}

uint64_t Pending::expire(int64_t now_ns, const Status& status) {
    uint64_t expired = 0;
    while (!deadlines_.empty() && deadlines_.front().deadline_ns <= now_ns) {
        const uint64_t id = deadlines_.front().id;
        deadlines_.pop_front();
        if (Waiter waiter = take(id); waiter.reply) {
            waiter.reply.finish(status);
            ++expired;
        }
    }
    return expired;
}

void Pending::fail_all(const Status& status) {
    for (auto& [id, waiting] : waiting_) {
        if (waiting.proposal.waiter.reply) {
            waiting.proposal.waiter.reply.finish(status);
        }
    }
    waiting_.clear();
    deadlines_.clear();
}

}  // namespace quorate::node
