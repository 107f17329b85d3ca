// SPDX-License-Identifier: Apache-2.0
#include "recorder.h"

#include <algorithm>

namespace quorate::load {

std::string_view kind_name(Kind kind) {
    switch (kind) {
        case Kind::kPut:
            return "put";
        case Kind::kGet:
            return "get";
        case Kind::kRange:
            return "range";
        case Kind::kTxn:
            return "txn";
        case Kind::kDelete:
            return "delete";
        case Kind::kKeepAlive:
            return "keepalive";
        case Kind::kEvent:
            return "event";
    }
    return "";
}

void Recorder::set_window(int64_t start_ns, int64_t end_ns) {
    start_ns_ = start_ns;
    end_ns_ = end_ns;
}

void Recorder::complete(Kind kind, int64_t intended_ns, int64_t ended_ns) {
    const auto index = static_cast<size_t>(kind);
    const int64_t latency = ended_ns - intended_ns;
    if (ended_ns < start_ns_) {
        return;
    }
    latency_[index].record(latency);
    if (ended_ns >= end_ns_) {
        return;
    }
    ++completed_[index];
    last_completion_ns_ = std::max(last_completion_ns_, ended_ns);
    const size_t second =
        std::min(static_cast<size_t>((ended_ns - start_ns_) / kSecondNs), kSecondsMax - 1);
    if (second >= seconds_.size()) {
        seconds_.resize(second + 1);
    }
    seconds_[second].record(latency);
}

void Recorder::merge(const Recorder& other) {
    for (size_t i = 0; i < kKindCount; ++i) {
        completed_[i] += other.completed_[i];
        latency_[i].merge(other.latency_[i]);
    }
    if (other.seconds_.size() > seconds_.size()) {
        seconds_.resize(other.seconds_.size());
    }
    for (size_t i = 0; i < other.seconds_.size(); ++i) {
        seconds_[i].merge(other.seconds_[i]);
    }
    for (const auto& [what, times] : other.failures_) {
        failures_[what] += times;
    }
    last_completion_ns_ = std::max(last_completion_ns_, other.last_completion_ns_);
    bytes_ += other.bytes_;
    unsent_ += other.unsent_;
}

}  // namespace quorate::load
