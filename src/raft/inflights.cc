// SPDX-License-Identifier: Apache-2.0
#include "raft/inflights.h"

#include "base/assert.h"

namespace quorate::raft {

void Inflights::add(Request request) {
    QUORATE_ASSERT(!full());
    requests_.push_back(request);
    bytes_ += request.bytes;
}

void Inflights::release_through(uint64_t index) {
    while (!requests_.empty() && requests_.front().last_index <= index) {
        bytes_ -= requests_.front().bytes;
        requests_.pop_front();
    }
}

void Inflights::clear() {
    requests_.clear();
    bytes_ = 0;
}

void Inflights::check_invariants() const {
    QUORATE_ASSERT(requests_.size() <= limits_.messages_max);
    uint64_t bytes = 0;
    uint64_t before = 0;
    for (const Request& request : requests_) {
        QUORATE_ASSERT(request.last_index > before);
        before = request.last_index;
        bytes += request.bytes;
    }
    QUORATE_ASSERT(bytes == bytes_);
}

}  // namespace quorate::raft
