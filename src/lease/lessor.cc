// SPDX-License-Identifier: Apache-2.0
#include "lease/lessor.h"

#include "base/assert.h"
#include "base/errors.h"
#include "lease/lease_row.h"
#include "storage/schema.h"

#include <algorithm>
#include <string>

namespace quorate::lease {

namespace {

constexpr int64_t kMsPerSecond = 1000;

int64_t ceil_seconds(int64_t ms) {
    return (ms + kMsPerSecond - 1) / kMsPerSecond;
}

}  // namespace

Lessor::Lessor(const LessorOptions& options)
    : options_(options),
      leases_(0, NumberHash{options.hash_seed}),
      keys_(0, BytesHash{options.hash_seed}) {
    QUORATE_ASSERT(options_.ttl_min_seconds > 0);
    QUORATE_ASSERT(options_.checkpoint || !options_.checkpoint_persist);
}

Status Lessor::restore(storage::View& view) {
    schedule_.clear();
    queues_.clear();
    expired_ = {};
    checkpoints_ = {};
    keys_.clear();
    leases_.clear();
    primary_ = false;

    const auto [lo, hi] = storage::table_range(storage::Table::kLeases);
    const auto cursor = view.scan({lo, hi}, storage::Direction::kForward);
    if (!cursor.has_value()) {
        return cursor.error();
    }
    while (true) {
        const Result<std::optional<storage::Pair>> pair = cursor.value()->next();
        if (!pair.has_value()) {
            return pair.error();
        }
        if (!pair.value().has_value()) {
            return {};
        }
        const std::optional<uint64_t> id =
            storage::parse_id_key(storage::Table::kLeases, pair.value()->key);
        const std::optional<LeaseRow> row = decode_lease_row(pair.value()->value);
        if (!id || !row || *id == 0) {
            return {errors::kDamaged,
                    "lease row " + std::to_string(leases_.size() + 1) + " of the lease table"};
        }
        Lease& lease = add({.id = static_cast<LeaseId>(*id),
                            .ttl_seconds = std::max(row->ttl_seconds, options_.ttl_min_seconds)},
                           0);
        if (options_.checkpoint_persist && row->checkpoint_seconds > 0) {
            dequeue(lease);
            lease.checkpoint_seconds = row->checkpoint_seconds;
            follow_checkpoints(lease, 0);
            enqueue(lease, lease.duration_seconds());
        }
    }
}

Result<int64_t> Lessor::grant(storage::WriteBatch& batch, const GrantRequest& request,
                              int64_t now_ms) {
    if (request.id == kNoLease) {
        return errors::kLeaseNotFound;
    }
    if (request.ttl_seconds > kTtlMaxSeconds) {
        return errors::kLeaseTTLTooLarge;
    }
    if (exists(request.id)) {
        return errors::kLeaseExist;
    }
    const int64_t ttl_seconds = std::max(request.ttl_seconds, options_.ttl_min_seconds);
    store(batch, add({.id = request.id, .ttl_seconds = ttl_seconds}, now_ms));
    return ttl_seconds;
}

Result<std::vector<Bytes>> Lessor::revoke(storage::WriteBatch& batch, LeaseId id) {
    Lease* lease = find(id);
    if (lease == nullptr) {
        return errors::kLeaseNotFound;
    }
    std::vector<Bytes> freed = keys(id);
    for (const Bytes& key : freed) {
        keys_.erase(keys_.find(key));
    }
    if (lease->queue != nullptr) {
        dequeue(*lease);
    } else {
        expired_.erase(*lease);
    }
    if (checkpoints_.linked(*lease)) {
        checkpoints_.erase(*lease);
    }
    leases_.erase(id);
    batch.erase(lease_row_key(id));
    return freed;
}

void Lessor::checkpoint(storage::WriteBatch& batch, const std::vector<Checkpoint>& checkpoints,
                        int64_t now_ms) {
    for (const Checkpoint& checkpoint : checkpoints) {
        Lease* lease = find(checkpoint.id);
        if (lease == nullptr) {
            continue;
        }
        lease->checkpoint_seconds =
            std::clamp<int64_t>(checkpoint.remaining_seconds, 0, lease->ttl_seconds);
        follow_checkpoints(*lease, now_ms);
        // The leader's own deadline stands; to all others this is the duration to count from the
        // day they lead.
        if (!primary_) {
            dequeue(*lease);
            lease->since_ms = now_ms;
            enqueue(*lease, lease->duration_seconds());
        }
        if (options_.checkpoint_persist) {
            store(batch, *lease);
        }
    }
}

Status Lessor::attach(LeaseId id, ByteView key) {
    Lease* lease = find(id);
    if (lease == nullptr) {
        return errors::kLeaseNotFound;
    }
    auto found = keys_.find(key);
    if (found == keys_.end()) {
        found = keys_.try_emplace(Bytes(key)).first;
    } else if (found->second.lease == lease) {
        return {};
    } else {
        unlink_key(*found);
    }
    found->second = {.lease = lease, .place = lease->keys.size()};
    lease->keys.push_back(&*found);
    return {};
}

void Lessor::detach(ByteView key) {
    const auto found = keys_.find(key);
    if (found != keys_.end()) {
        unlink_key(*found);
        keys_.erase(found);
    }
}

// Takes the key off its lease's list; the last of the list takes its place.
void Lessor::unlink_key(Keys::value_type& key) {
    std::vector<Keys::value_type*>& keys = key.second.lease->keys;
    const size_t place = key.second.place;
    QUORATE_ASSERT(place < keys.size());
    QUORATE_ASSERT(keys[place] == &key);
    keys[place] = keys.back();
    keys[place]->second.place = place;
    keys.pop_back();
}

bool Lessor::exists(LeaseId id) const {
    return find(id) != nullptr;
}

LeaseId Lessor::lease_of(ByteView key) const {
    const auto found = keys_.find(key);
    return found == keys_.end() ? kNoLease : found->second.lease->id;
}

std::optional<TimeToLive> Lessor::time_to_live(LeaseId id, int64_t now_ms) const {
    const Lease* lease = find(id);
    if (lease == nullptr) {
        return std::nullopt;
    }
    TimeToLive result{.granted_seconds = lease->ttl_seconds, .remaining_seconds = std::nullopt};
    if (primary_) {
        result.remaining_seconds =
            has_expired(*lease, now_ms) ? 0 : (deadline_ms(*lease) - now_ms) / kMsPerSecond;
    }
    return result;
}

std::vector<Bytes> Lessor::keys(LeaseId id) const {
    std::vector<Bytes> keys;
    if (const Lease* lease = find(id); lease != nullptr) {
        keys.reserve(lease->keys.size());
        for (const Keys::value_type* key : lease->keys) {
            keys.push_back(key->first);
        }
        std::sort(keys.begin(), keys.end());
    }
    return keys;
}

std::vector<LeaseId> Lessor::list() const {
    struct Due {
        int64_t deadline_ms;
        LeaseId id;
        auto operator<=>(const Due&) const = default;
    };
    std::vector<Due> dues;
    dues.reserve(leases_.size());
    for (const Lease* lease = expired_.front(); lease != nullptr; lease = expired_.next(*lease)) {
        dues.push_back({0, lease->id});
    }
    for (const auto& [duration, queue] : queues_) {
        for (const Lease* lease = queue.leases.front(); lease != nullptr;
             lease = queue.leases.next(*lease)) {
            dues.push_back({primary_ ? deadline_ms(*lease) : 0, lease->id});
        }
    }
    std::sort(dues.begin(), dues.end());
    std::vector<LeaseId> ids;
    ids.reserve(dues.size());
    for (const Due& due : dues) {
        ids.push_back(due.id);
    }
    return ids;
}

void Lessor::promote(int64_t now_ms, int64_t extend_ms) {
    QUORATE_ASSERT(extend_ms >= 0);
    QUORATE_ASSERT(expired_.empty() || primary_);
    primary_ = true;
    promoted_ms_ = now_ms;
    extended_ms_ = now_ms + extend_ms;
    schedule_.clear();
    for (auto& [duration, queue] : queues_) {
        schedule(queue, extended_ms_ + duration * kMsPerSecond);
    }
}

void Lessor::demote() {
    if (!primary_) {
        return;
    }
    primary_ = false;
    schedule_.clear();
    while (!expired_.empty()) {
        Lease& lease = *expired_.front();
        expired_.erase(lease);
        enqueue(lease, lease.duration_seconds());
    }
    // What was checkpointed while leading counts from now on.
    for (Lease* lease = checkpoints_.front(); lease != nullptr; lease = checkpoints_.next(*lease)) {
        if (lease->queue->duration_seconds != lease->duration_seconds()) {
            dequeue(*lease);
            enqueue(*lease, lease->duration_seconds());
        }
    }
}

KeepAlive Lessor::keep_alive(LeaseId id, int64_t now_ms) {
    QUORATE_ASSERT(primary_);
    Lease* lease = find(id);
    if (lease == nullptr || has_expired(*lease, now_ms)) {
        return {};
    }
    lease->since_ms = now_ms;
    if (lease->queue->duration_seconds == lease->ttl_seconds) {
        lease->queue->leases.move_to_back(*lease);
    } else {
        dequeue(*lease);
        enqueue(*lease, lease->ttl_seconds);
    }
    return {.ttl_seconds = lease->ttl_seconds, .clear_checkpoint = lease->checkpoint_seconds > 0};
}

std::vector<LeaseId> Lessor::expired(int64_t now_ms, size_t max) {
    std::vector<LeaseId> ids;
    while (ids.size() < max && !expired_.empty() &&
           expired_.front()->since_ms + options_.expired_retry_ms <= now_ms) {
        Lease& lease = *expired_.front();
        lease.since_ms = now_ms;
        expired_.move_to_back(lease);
        ids.push_back(lease.id);
    }
    while (ids.size() < max && !schedule_.empty() && schedule_.begin()->first <= now_ms) {
        Queue& queue = queues_.at(schedule_.begin()->second);
        Lease& lease = *queue.leases.front();
        const int64_t deadline = deadline_ms(lease);
        if (deadline > now_ms) {
            schedule(queue, deadline);  // it was renewed since
            continue;
        }
        dequeue(lease);
        lease.since_ms = now_ms;
        expired_.push_back(lease);
        ids.push_back(lease.id);
    }
    return ids;
}

std::vector<Checkpoint> Lessor::due_checkpoints(int64_t now_ms, size_t max) {
    std::vector<Checkpoint> due;
    if (!primary_ || !options_.checkpoint) {
        return due;
    }
    while (due.size() < max && !checkpoints_.empty()) {
        Lease& lease = *checkpoints_.front();
        if (std::max(lease.checkpoint_since_ms, promoted_ms_) + options_.checkpoint_interval_ms >
            now_ms) {
            break;
        }
        lease.checkpoint_since_ms = now_ms;
        checkpoints_.move_to_back(lease);
        if (has_expired(lease, now_ms)) {
            continue;
        }
        // One that was renewed or extended since has nothing to tell yet.
        const int64_t remaining = ceil_seconds(deadline_ms(lease) - now_ms);
        if (remaining < lease.duration_seconds()) {
            due.push_back({lease.id, remaining});
        }
    }
    return due;
}

std::optional<int64_t> Lessor::next_due_ms() const {
    if (!primary_) {
        return std::nullopt;
    }
    std::optional<int64_t> next;
    const auto consider = [&](int64_t at_ms) { next = next ? std::min(*next, at_ms) : at_ms; };
    if (!schedule_.empty()) {
        consider(schedule_.begin()->first);
    }
    if (!expired_.empty()) {
        consider(expired_.front()->since_ms + options_.expired_retry_ms);
    }
    if (options_.checkpoint && !checkpoints_.empty()) {
        consider(std::max(checkpoints_.front()->checkpoint_since_ms, promoted_ms_) +
                 options_.checkpoint_interval_ms);
    }
    return next;
}

Lessor::Lease* Lessor::find(LeaseId id) {
    const auto found = leases_.find(id);
    return found == leases_.end() ? nullptr : &found->second;
}

const Lessor::Lease* Lessor::find(LeaseId id) const {
    const auto found = leases_.find(id);
    return found == leases_.end() ? nullptr : &found->second;
}

// A lease not renewed since the promotion counts from the promotion, and so does one renewed before
// the extension is over: that keeps every queue in order.
int64_t Lessor::deadline_ms(const Lease& lease) const {
    QUORATE_ASSERT(lease.queue != nullptr);
    return std::max(lease.since_ms, extended_ms_) + lease.queue->duration_seconds * kMsPerSecond;
}

bool Lessor::has_expired(const Lease& lease, int64_t now_ms) const {
    return lease.queue == nullptr || deadline_ms(lease) <= now_ms;
}

Lessor::Lease& Lessor::add(const GrantRequest& request, int64_t now_ms) {
    Lease& lease = leases_[request.id];
    lease.id = request.id;
    lease.ttl_seconds = request.ttl_seconds;
    lease.since_ms = now_ms;
    enqueue(lease, lease.ttl_seconds);
    // Shorter ones are over before their first checkpoint would be due.
    if (options_.checkpoint && lease.ttl_seconds > options_.checkpoint_interval_ms / kMsPerSecond) {
        follow_checkpoints(lease, now_ms);
    }
    return lease;
}

// All leases that have a checkpoint, and those long enough to get one, are in that list.
void Lessor::follow_checkpoints(Lease& lease, int64_t now_ms) {
    if (!checkpoints_.linked(lease)) {
        lease.checkpoint_since_ms = now_ms;
        checkpoints_.push_back(lease);
    }
}

void Lessor::enqueue(Lease& lease, int64_t duration_seconds) {
    Queue& queue = queues_[duration_seconds];
    queue.duration_seconds = duration_seconds;
    lease.queue = &queue;
    const bool first = queue.leases.empty();
    queue.leases.push_back(lease);
    if (first && primary_) {
        schedule(queue, deadline_ms(lease));
    }
}

void Lessor::dequeue(Lease& lease) {
    Queue& queue = *lease.queue;
    queue.leases.erase(lease);
    lease.queue = nullptr;
    if (queue.leases.empty()) {
        schedule_.erase({queue.scheduled_ms, queue.duration_seconds});
        queues_.erase(queue.duration_seconds);
    }
}

void Lessor::schedule(Queue& queue, int64_t at_ms) {
    schedule_.erase({queue.scheduled_ms, queue.duration_seconds});
    queue.scheduled_ms = at_ms;
    schedule_.emplace_hint(schedule_.end(), at_ms, queue.duration_seconds);
}

void Lessor::store(storage::WriteBatch& batch, const Lease& lease) const {
    batch.put(lease_row_key(lease.id),
              encode_lease_row({lease.ttl_seconds, lease.checkpoint_seconds}));
}

void Lessor::check_invariants() const {
    size_t leases = expired_.size();
    size_t keys = 0;
    size_t checkpointed = 0;
    const auto check_keys = [&](const Lease& lease) {
        QUORATE_ASSERT(lease.checkpoint_seconds == 0 || checkpoints_.linked(lease));
        keys += lease.keys.size();
        checkpointed += checkpoints_.linked(lease) ? 1U : 0U;
        for (size_t i = 0; i < lease.keys.size(); ++i) {
            QUORATE_ASSERT(lease.keys[i]->second.lease == &lease);
            QUORATE_ASSERT(lease.keys[i]->second.place == i);
        }
    };
    QUORATE_ASSERT(primary_ || expired_.empty());
    for (const Lease* lease = expired_.front(); lease != nullptr; lease = expired_.next(*lease)) {
        QUORATE_ASSERT(lease->queue == nullptr);
        check_keys(*lease);
    }
    for (const auto& [duration, queue] : queues_) {
        QUORATE_ASSERT(!queue.leases.empty());
        QUORATE_ASSERT(queue.duration_seconds == duration);
        leases += queue.leases.size();
        int64_t latest_ms = INT64_MIN;
        for (const Lease* lease = queue.leases.front(); lease != nullptr;
             lease = queue.leases.next(*lease)) {
            QUORATE_ASSERT(lease->queue == &queue);
            QUORATE_ASSERT(primary_ || duration == lease->duration_seconds());
            if (primary_) {
                QUORATE_ASSERT(deadline_ms(*lease) >= latest_ms);
                latest_ms = deadline_ms(*lease);
            }
            check_keys(*lease);
        }
        if (primary_) {
            QUORATE_ASSERT(queue.scheduled_ms <= deadline_ms(*queue.leases.front()));
            QUORATE_ASSERT(schedule_.contains({queue.scheduled_ms, duration}));
        }
    }
    QUORATE_ASSERT(primary_ ? schedule_.size() == queues_.size() : schedule_.empty());
    QUORATE_ASSERT(leases == leases_.size());
    QUORATE_ASSERT(keys == keys_.size());
    QUORATE_ASSERT(checkpointed == checkpoints_.size());
}

}  // namespace quorate::lease
