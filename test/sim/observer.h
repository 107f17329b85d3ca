// SPDX-License-Identifier: Apache-2.0
//
// Sees what every member's store shows, as soon as it does, and remembers it: the changes that have
// happened, which no member may show otherwise, before or after any crash.
#pragma once

#include "sim/history.h"
#include "sim/member.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace quorate::sim {

class Observer {
  public:
    explicit Observer(const Scheduler& scheduler) : scheduler_(scheduler) {}

    // After any turn of the member. Throws Violation when it shows something else than others, or
    // than it did.
    void look(Member& member);
    // Everything the member can be asked for now is the model's. Throws Violation.
    void compare_state(Member& member) const;

    const std::vector<Change>& changes() const { return changes_; }
    int64_t revision() const { return static_cast<int64_t>(ends_.size()) + 1; }
    // When a revision was first seen; kNever-like INT64_MAX when it was not.
    int64_t seen_ns(int64_t revision) const;

  private:
    struct Position {
        uint64_t run = 0;
        int64_t next = 2;  // the revision to be looked at
    };
    void take(const std::string& name, int64_t revision, std::vector<Change>&& changes);
    std::vector<Change> at(int64_t revision) const;

    const Scheduler& scheduler_;
    std::map<const Member*, Position> positions_;
    std::vector<Change> changes_;
    std::vector<size_t> ends_;  // of the changes of revision 2 + i
    std::vector<int64_t> seen_ns_;
};

}  // namespace quorate::sim
