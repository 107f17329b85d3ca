// SPDX-License-Identifier: Apache-2.0
//
// Pins: the revisions that readers still need. Compaction asks for the lowest before it removes
// anything. Any thread; the mutex inside is taken alone or under the index lock, never around it.
// A Pin may not outlive its Pins.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <mutex>
#include <utility>

namespace quorate::mvcc {

class Pin;

class Pins {
  public:
    static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

    // The caller holds the index lock, so that no compaction step can pass between its look at the
    // index and the pin.
    Pin pin(int64_t revision);
    int64_t lowest() const;
    int64_t count() const;

  private:
    friend class Pin;
    void release(int64_t revision);

    mutable std::mutex mutex_;
    std::map<int64_t, int64_t> count_by_revision_;
};

class Pin {
  public:
    Pin() = default;
    Pin(Pin&& other) noexcept
        : pins_(std::exchange(other.pins_, nullptr)), revision_(other.revision_) {}
    Pin& operator=(Pin&& other) noexcept {
        std::swap(pins_, other.pins_);
        std::swap(revision_, other.revision_);
        return *this;
    }
    ~Pin() {
        if (pins_ != nullptr) {
            pins_->release(revision_);
        }
    }

  private:
    friend class Pins;
    Pin(Pins& pins, int64_t revision) : pins_(&pins), revision_(revision) {}

    Pins* pins_ = nullptr;
    int64_t revision_ = 0;
};

}  // namespace quorate::mvcc
