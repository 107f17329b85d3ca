// SPDX-License-Identifier: Apache-2.0
//
// The AppendRequests to one follower that were not answered, bounded in number and in bytes.
// Thread: raft loop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

namespace quorate::raft {

class Inflights {
  public:
    struct Limits {
        uint32_t messages_max = 0;
        uint64_t bytes_max = 0;
    };

    explicit Inflights(Limits limits) : limits_(limits) {}

    struct Request {
        uint64_t last_index = 0;
        uint64_t bytes = 0;
    };
    // Not when full. The last one may go beyond bytes_max: a large entry always fits once.
    void add(Request request);
    void release_through(uint64_t index);  // answered
    void clear();

    bool full() const {
        return requests_.size() >= limits_.messages_max || bytes_ >= limits_.bytes_max;
    }
    size_t count() const { return requests_.size(); }
    uint64_t bytes() const { return bytes_; }

    void check_invariants() const;

  private:
    Limits limits_;
    std::deque<Request> requests_;  // last_index rises
    uint64_t bytes_ = 0;
};

}  // namespace quorate::raft
