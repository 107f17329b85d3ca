// SPDX-License-Identifier: Apache-2.0
//
// The lessor: which leases exist, which keys hang on them, and, on the leader, when they run out.
// Apply loop only; no lock, no clock, no thread. What all members must agree on (leases, their TTL,
// checkpointed remaining time, attachments) changes through applied entries alone; deadlines belong
// to the leader's own clock and enter as `now_ms`, monotonic milliseconds.
//
//              promote                         deadline passed              revocation applied
//   (parked) ----------> (running) ------------------------------> (expired) ------------------>
//   gone
//       ^                 |     ^ keep_alive                           | offered again by expired()
//       +---- demote -----+     +-----------+                          | until it is revoked
//
// Running leases of one duration stand in one queue in the order of their renewal, which is the
// order of their deadlines. So a renewal moves a lease to the tail of its queue, a promotion
// touches the queues and not the leases, and the next to expire is the head of some queue.
#pragma once

#include "base/bytes.h"
#include "base/hash.h"
#include "base/intrusive_list.h"
#include "base/status.h"
#include "storage/backend.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quorate::lease {

using LeaseId = int64_t;

inline constexpr LeaseId kNoLease = 0;
inline constexpr int64_t kTtlMaxSeconds = 9'000'000'000;

struct LessorOptions {
    int64_t ttl_min_seconds = 2;  // shorter requests are raised to it: ceil(1.5 x election timeout)
    // Whether remaining time is put through the log so that it outlives a change of leader, and
    // whether it also outlives a restart.
    bool checkpoint = false;
    bool checkpoint_persist = false;
    int64_t checkpoint_interval_ms = 300'000;
    // An expired lease that was offered and not revoked is offered again after this.
    int64_t expired_retry_ms = 3000;
    uint64_t hash_seed = 0;  // random in production: clients choose keys and ids
};

struct GrantRequest {
    LeaseId id;
    int64_t ttl_seconds;
};

struct Checkpoint {
    LeaseId id;
    int64_t remaining_seconds;  // 0: none, the full TTL again
};

struct KeepAlive {
    int64_t ttl_seconds = 0;  // 0: no such lease, or it has expired
    // The lease carries a checkpoint that this renewal outdates: propose {id, 0}.
    bool clear_checkpoint = false;
};

struct TimeToLive {
    int64_t granted_seconds;
    std::optional<int64_t> remaining_seconds;  // rounded down; known to the leader only
};

class Lessor {
  public:
    explicit Lessor(const LessorOptions& options);
    Lessor(const Lessor&) = delete;
    Lessor& operator=(const Lessor&) = delete;

    // At start and after a snapshot was installed: forgets everything and reads the lease table.
    // Attachments follow by attach(), from the records. The lessor is demoted afterwards.
    // errors::kDamaged names the row that can't be read.
    Status restore(storage::View& view);

    // --- From applied entries: the same on all members, now_ms excepted.

    // Returns the TTL, raised to the minimum. errors::kLeaseNotFound for id 0, kLeaseExist,
    // kLeaseTTLTooLarge.
    Result<int64_t> grant(storage::WriteBatch& batch, const GrantRequest& request, int64_t now_ms);
    // Returns the attached keys, sorted, for the caller to delete. errors::kLeaseNotFound.
    Result<std::vector<Bytes>> revoke(storage::WriteBatch& batch, LeaseId id);
    // Unknown leases are skipped: they may have been revoked since the leader looked.
    void checkpoint(storage::WriteBatch& batch, const std::vector<Checkpoint>& checkpoints,
                    int64_t now_ms);
    // A key hangs on one lease at most: attaching it moves it. errors::kLeaseNotFound.
    Status attach(LeaseId id, ByteView key);
    void detach(ByteView key);

    // --- Questions that any member answers.

    bool exists(LeaseId id) const;
    LeaseId lease_of(ByteView key) const;  // kNoLease: none
    std::optional<TimeToLive> time_to_live(LeaseId id, int64_t now_ms) const;
    std::vector<Bytes> keys(LeaseId id) const;  // sorted; empty for an unknown lease
    std::vector<LeaseId> list() const;          // by deadline, then id
    size_t size() const { return leases_.size(); }
    size_t attached_keys() const { return keys_.size(); }

    // --- The leader's clock.

    // Every lease gets its remaining time (all of its TTL without a checkpoint) and `extend_ms`,
    // counted from now.
    void promote(int64_t now_ms, int64_t extend_ms);
    void demote();
    bool is_primary() const { return primary_; }
    // The leader only.
    KeepAlive keep_alive(LeaseId id, int64_t now_ms);
    // Up to `max` leases whose deadline has passed, for revocation; empty when not the leader.
    std::vector<LeaseId> expired(int64_t now_ms, size_t max);
    // Up to `max` leases whose remaining time is due to go through the log.
    std::vector<Checkpoint> due_checkpoints(int64_t now_ms, size_t max);
    // When expired() or due_checkpoints() may next have something; nothing when never.
    std::optional<int64_t> next_due_ms() const;

    void check_invariants() const;

  private:
    struct Lease;
    struct Queue;
    struct Attachment {
        Lease* lease = nullptr;
        size_t place = 0;  // in lease->keys
    };
    using Keys = std::unordered_map<Bytes, Attachment, BytesHash, std::equal_to<>>;

    struct Lease {
        LeaseId id = kNoLease;
        int64_t ttl_seconds = 0;
        int64_t checkpoint_seconds = 0;  // remaining time that went through the log; 0: none
        // From when its queue's duration counts, but see deadline_ms(); once it has expired, when
        // it was offered.
        int64_t since_ms = 0;
        int64_t checkpoint_since_ms = 0;  // granted, or its remaining time last offered
        Queue* queue = nullptr;           // null: expired
        ListLink<Lease> queue_link;
        ListLink<Lease> checkpoint_link;
        std::vector<Keys::value_type*> keys;

        int64_t duration_seconds() const {
            return checkpoint_seconds > 0 ? checkpoint_seconds : ttl_seconds;
        }
    };
    using LeaseQueue = IntrusiveList<Lease, &Lease::queue_link>;

    struct Queue {
        int64_t duration_seconds = 0;
        LeaseQueue leases;  // by deadline
        // Its place in schedule_; never later than the first lease's deadline.
        int64_t scheduled_ms = 0;
    };

    Lease* find(LeaseId id);
    const Lease* find(LeaseId id) const;
    int64_t deadline_ms(const Lease& lease) const;
    bool has_expired(const Lease& lease, int64_t now_ms) const;
    Lease& add(const GrantRequest& request, int64_t now_ms);
    void enqueue(Lease& lease, int64_t duration_seconds);
    void dequeue(Lease& lease);
    void schedule(Queue& queue, int64_t at_ms);
    void follow_checkpoints(Lease& lease, int64_t now_ms);
    void unlink_key(Keys::value_type& key);
    void store(storage::WriteBatch& batch, const Lease& lease) const;

    const LessorOptions options_;
    std::unordered_map<LeaseId, Lease, NumberHash> leases_;
    Keys keys_;
    std::map<int64_t, Queue> queues_;                            // by duration; none is empty
    LeaseQueue expired_;                                         // by when they were offered
    IntrusiveList<Lease, &Lease::checkpoint_link> checkpoints_;  // by when they are due

    bool primary_ = false;
    int64_t promoted_ms_ = 0;
    int64_t extended_ms_ = 0;                         // no duration counts from before
    std::set<std::pair<int64_t, int64_t>> schedule_;  // when, duration; empty unless primary
};

}  // namespace quorate::lease
