// SPDX-License-Identifier: Apache-2.0
//
// Admission: how many client requests, and how many bytes of them, this member has taken on and not
// yet answered. Above the bound a request is refused with "too many requests" before it costs
// anything. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

namespace quorate::node {

class Admission {
  public:
    struct Limits {
        uint64_t requests_max = 64 * 1024;
        // Below raft::Config::uncommitted_bytes_max, so that what was let in here never fails
        // there.
        uint64_t bytes_max = 48 * 1024 * 1024;
    };
    // The room of requests that have priority, which are small: twice the number, and bytes that
    // still stay below the same bound.
    static constexpr uint64_t kPriorityRequests = 2;
    static constexpr uint64_t kPriorityBytesShare = 8;

    // Whose turn comes first when there is little room.
    enum class Rank : uint8_t { kNormal, kPriority };

    // The place of one request; given back when it is destroyed.
    class Ticket {
      public:
        Ticket() = default;
        Ticket(Ticket&& other) noexcept
            : admission_(std::exchange(other.admission_, nullptr)), bytes_(other.bytes_) {}
        Ticket& operator=(Ticket&& other) noexcept {
            std::swap(admission_, other.admission_);
            std::swap(bytes_, other.bytes_);
            return *this;
        }
        ~Ticket() {
            if (admission_ != nullptr) {
                admission_->leave(bytes_);
            }
        }
        explicit operator bool() const { return admission_ != nullptr; }

      private:
        friend class Admission;
        Ticket(Admission* admission, uint64_t bytes) : admission_(admission), bytes_(bytes) {}

        Admission* admission_ = nullptr;
        uint64_t bytes_ = 0;
    };

    explicit Admission(Limits limits) : limits_(limits) {}

    // An empty ticket when there is no room. A single request larger than all of the byte bound is
    // let in when it is alone.
    Ticket enter(uint64_t bytes, Rank rank = Rank::kNormal) {
        uint64_t requests_max = limits_.requests_max;
        uint64_t bytes_max = limits_.bytes_max;
        if (rank == Rank::kPriority) {
            requests_max *= kPriorityRequests;
            bytes_max += bytes_max / kPriorityBytesShare;
        }
        const uint64_t requests = requests_.fetch_add(1, std::memory_order_relaxed);
        const uint64_t held = bytes_.fetch_add(bytes, std::memory_order_relaxed);
        if (requests >= requests_max || (held > 0 && held + bytes > bytes_max)) {
            leave(bytes);
            return {};
        }
        return {this, bytes};
    }

    uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }

  private:
    void leave(uint64_t bytes) {
        requests_.fetch_sub(1, std::memory_order_relaxed);
        bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    }

    const Limits limits_;
    std::atomic<uint64_t> requests_{0};
    std::atomic<uint64_t> bytes_{0};
};

}  // namespace quorate::node
