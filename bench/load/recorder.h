// SPDX-License-Identifier: Apache-2.0
//
// Recorder: what one thread saw: latencies by kind of request, one line a second, and every failure
// by its text. Only the measured window is counted, failures always.
// One thread; merge() when the threads are done.
#pragma once

#include "histogram.h"
#include "load_time.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::load {

enum class Kind : uint8_t { kPut, kGet, kRange, kTxn, kDelete, kKeepAlive, kEvent };
inline constexpr size_t kKindCount = 7;

std::string_view kind_name(Kind kind);

class Recorder {
  public:
    // A request counts in the rate when it ends inside the window, in the latencies also when it
    // ends later: the slowest must not be lost because the clock ran out on them.
    void set_window(int64_t start_ns, int64_t end_ns);

    void complete(Kind kind, int64_t intended_ns, int64_t ended_ns);
    void add_bytes(uint64_t bytes) { bytes_ += bytes; }
    void fail(const std::string& what, uint64_t times = 1) { failures_[what] += times; }
    // Requests of an open loop that were due and found no free slot before the end.
    void note_unsent(uint64_t times) { unsent_ += times; }
    void merge(const Recorder& other);

    uint64_t completed(Kind kind) const { return completed_[static_cast<size_t>(kind)]; }
    const Histogram& latency(Kind kind) const { return latency_[static_cast<size_t>(kind)]; }
    // One histogram for each second of the window, of all kinds.
    const std::vector<Histogram>& seconds() const { return seconds_; }
    const std::map<std::string, uint64_t>& failures() const { return failures_; }
    int64_t last_completion_ns() const { return last_completion_ns_; }
    uint64_t bytes() const { return bytes_; }
    uint64_t unsent() const { return unsent_; }

  private:
    // A counted run has no end known beforehand; past this the last line takes the rest.
    static constexpr size_t kSecondsMax = 3600;

    int64_t start_ns_ = 0;
    int64_t end_ns_ = kNever;
    std::array<uint64_t, kKindCount> completed_{};
    std::array<Histogram, kKindCount> latency_;
    std::vector<Histogram> seconds_;
    std::map<std::string, uint64_t> failures_;
    int64_t last_completion_ns_ = 0;
    uint64_t bytes_ = 0;
    uint64_t unsent_ = 0;
};

}  // namespace quorate::load
