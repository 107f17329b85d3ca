// SPDX-License-Identifier: Apache-2.0
//
// Raised alarms, by member and type; they survive restarts in the engine's alarm table.
// Apply loop.
#pragma once

#include "base/status.h"
#include "storage/backend.h"

#include <cstdint>
#include <set>
#include <vector>

namespace quorate::apply {

// Numbers as in etcdserverpb.AlarmType.
enum class AlarmType : uint8_t { kNone = 0, kNoSpace = 1, kCorrupt = 2 };

struct Alarm {
    uint64_t member_id = 0;
    AlarmType type = AlarmType::kNone;

    friend auto operator<=>(const Alarm&, const Alarm&) = default;
};

class AlarmStore {
  public:
    Status restore(storage::View& view);
    // False when it was raised, or gone, already.
    bool activate(const Alarm& alarm, storage::WriteBatch& batch);
    bool deactivate(const Alarm& alarm, storage::WriteBatch& batch);
    // All of one type, or all with kNone; by member id.
    std::vector<Alarm> list(AlarmType type) const;
    bool any(AlarmType type) const;

  private:
    std::set<Alarm> alarms_;
};

}  // namespace quorate::apply
