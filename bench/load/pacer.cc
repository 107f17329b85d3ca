// SPDX-License-Identifier: Apache-2.0
#include "pacer.h"

#include <algorithm>

namespace quorate::load {

std::optional<int64_t> Pacer::take(int64_t now) {
    if (now < schedule_.start_ns || exhausted(now)) {
        return std::nullopt;
    }
    int64_t start = now;
    if (schedule_.interval_ns > 0) {
        start = intended(taken_);
        if (start > now) {
            return std::nullopt;
        }
    }
    ++taken_;
    return start;
}

bool Pacer::exhausted(int64_t now) const {
    return stopped_ || now >= schedule_.end_ns ||
           (schedule_.count > 0 && taken_ >= schedule_.count);
}

int64_t Pacer::next_due_ns() const {
    if (stopped_ || schedule_.interval_ns <= 0) {
        return kNever;
    }
    return std::min(intended(taken_), schedule_.end_ns);
}

uint64_t Pacer::unsent(int64_t now) const {
    if (schedule_.interval_ns <= 0 || stopped_) {
        return 0;
    }
    const int64_t until = std::min(now, schedule_.end_ns) - schedule_.start_ns;
    auto due =
        static_cast<uint64_t>(std::max(0.0, static_cast<double>(until) / schedule_.interval_ns));
    if (schedule_.count > 0) {
        due = std::min(due, schedule_.count);
    }
    return due > taken_ ? due - taken_ : 0;
}

int64_t Pacer::intended(uint64_t number) const {
    return schedule_.start_ns +
           static_cast<int64_t>(static_cast<double>(number) * schedule_.interval_ns);
}

}  // namespace quorate::load
