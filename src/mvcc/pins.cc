// SPDX-License-Identifier: Apache-2.0
#include "mvcc/pins.h"

#include "base/assert.h"

namespace quorate::mvcc {

Pin Pins::pin(int64_t revision) {
    const std::lock_guard lock(mutex_);
    ++count_by_revision_[revision];
    return Pin(*this, revision);
}

int64_t Pins::lowest() const {
    const std::lock_guard lock(mutex_);
    return count_by_revision_.empty() ? kNone : count_by_revision_.begin()->first;
}

int64_t Pins::count() const {
    const std::lock_guard lock(mutex_);
    int64_t count = 0;
    for (const auto& [revision, pins] : count_by_revision_) {
        count += pins;
    }
    return count;
}

void Pins::release(int64_t revision) {
    const std::lock_guard lock(mutex_);
    const auto found = count_by_revision_.find(revision);
    QUORATE_ASSERT(found != count_by_revision_.end());
    if (--found->second == 0) {
        count_by_revision_.erase(found);
    }
}

}  // namespace quorate::mvcc
