// SPDX-License-Identifier: Apache-2.0
//
// When the leader compacts by itself, and to which revision (--auto-compaction-mode, -retention).
// Apply loop; time is given.
//
//   periodic: the revision is sampled ten times per period, a period being the retention but at
//             most an hour; after one full retention, and then once per period, everything older
//             than the revision of one retention ago goes.
//   revision: every five minutes everything but the newest `retention` revisions goes.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>

namespace quorate::node {

enum class AutoCompactionMode : uint8_t { kOff, kPeriodic, kRevision };

class AutoCompactor {
  public:
    // Nanoseconds in periodic mode, revisions in revision mode.
    AutoCompactor(AutoCompactionMode mode, int64_t retention);

    // The revision to compact to now, if any. Call at least as often as next_due_ns() says.
    std::optional<int64_t> tick(int64_t now_ns, int64_t current_revision);
    // Another member has taken over, or this one: samples start anew.
    void reset();
    // Steady time of the next sample; nothing when switched off.
    std::optional<int64_t> next_due_ns() const;

  private:
    std::optional<int64_t> tick_periodic(int64_t now_ns, int64_t current_revision);

    struct Sample {
        int64_t at_ns;
        int64_t revision;
    };
    AutoCompactionMode mode_;
    int64_t retention_;
    int64_t period_ns_ = 0;
    int64_t sample_interval_ns_ = 0;
    std::deque<Sample> samples_;  // at most retention / sample interval, and one
    std::optional<int64_t> next_sample_ns_;
    std::optional<int64_t> last_compaction_ns_;
    int64_t last_revision_ = 0;
};

}  // namespace quorate::node
