// SPDX-License-Identifier: Apache-2.0
#include "node/auto_compactor.h"

#include <algorithm>

namespace quorate::node {
namespace {

constexpr int64_t kMinute_ns = 60'000'000'000;
constexpr int64_t kHour_ns = 60 * kMinute_ns;
constexpr int64_t kSamplesPerPeriod = 10;

}  // namespace

AutoCompactor::AutoCompactor(AutoCompactionMode mode, int64_t retention)
    : mode_(retention > 0 ? mode : AutoCompactionMode::kOff), retention_(retention) {
    if (mode_ == AutoCompactionMode::kPeriodic) {
        period_ns_ = std::min(retention_, kHour_ns);
        sample_interval_ns_ = std::max<int64_t>(1, period_ns_ / kSamplesPerPeriod);
    } else if (mode_ == AutoCompactionMode::kRevision) {
        sample_interval_ns_ = 5 * kMinute_ns;
    }
}

void AutoCompactor::reset() {
    samples_.clear();
    next_sample_ns_.reset();
    last_compaction_ns_.reset();
}

std::optional<int64_t> AutoCompactor::next_due_ns() const {
    if (mode_ == AutoCompactionMode::kOff) {
        return std::nullopt;
    }
    return next_sample_ns_.value_or(0);
}

std::optional<int64_t> AutoCompactor::tick(int64_t now_ns, int64_t current_revision) {
    if (mode_ == AutoCompactionMode::kOff || (next_sample_ns_ && now_ns < *next_sample_ns_)) {
        return std::nullopt;
    }
    const bool first = !next_sample_ns_.has_value();
    next_sample_ns_ = now_ns + sample_interval_ns_;
    std::optional<int64_t> target;
    if (mode_ == AutoCompactionMode::kPeriodic) {
        target = tick_periodic(now_ns, current_revision);
    } else if (!first) {
        target = current_revision - retention_;
    }
    if (!target || *target <= std::max<int64_t>(0, last_revision_)) {
        return std::nullopt;
    }
    last_revision_ = *target;
    return target;
}

std::optional<int64_t> AutoCompactor::tick_periodic(int64_t now_ns, int64_t current_revision) {
    samples_.push_back({now_ns, current_revision});
    // The newest sample that is one retention old is the one that counts.
    while (samples_.size() > 1 && now_ns - samples_[1].at_ns >= retention_) {
        samples_.pop_front();
    }
    const bool old_enough = now_ns - samples_.front().at_ns >= retention_;
    const bool due = !last_compaction_ns_ || now_ns - *last_compaction_ns_ >= period_ns_;
    if (!old_enough || !due) {
        return std::nullopt;
    }
    last_compaction_ns_ = now_ns;
    return samples_.front().revision;
}

}  // namespace quorate::node
