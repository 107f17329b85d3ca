// SPDX-License-Identifier: Apache-2.0
#include "storage/write_behind.h"

#include "base/assert.h"

#include <cstdint>
#include <limits>
#include <utility>

namespace quorate::storage {

namespace {

// The mailbox itself needs no bound: what is in it is bounded in bytes.
constexpr size_t kItemsMax = std::numeric_limits<size_t>::max();
constexpr int64_t kNoTimer = 3'600'000'000'000;

}  // namespace

WriteBehind::WriteBehind(Backend& backend, const Options& options, FailureHandler on_failure,
                         uint64_t written)
    : backend_(backend),
      options_(options),
      on_failure_(std::move(on_failure)),
      thread_("write-behind"),
      mailbox_(kItemsMax, thread_.waker()),
      written_(written),
      submitted_(written) {
    if (options_.mode == Mode::kThread) {
        thread_.start([this] { return turn(); });
    }
}

WriteBehind::~WriteBehind() {
    stop();
}

void WriteBehind::submit(WriteBatch&& batch, uint64_t seq) {
    QUORATE_ASSERT(!stopped_);
    QUORATE_ASSERT(seq > submitted_);
    submitted_ = seq;
    const size_t bytes = batch.memory_bytes() + sizeof(Item);
    wait_for_space(bytes);
    const size_t pending = pending_bytes_.fetch_add(bytes, std::memory_order_acq_rel) + bytes;
    mailbox_.push_quietly({std::move(batch), seq, nullptr, bytes});
    if (pending >= options_.gathered_bytes) {
        mailbox_.wake();
    }
    if (options_.mode == Mode::kPumped && pending_bytes() > options_.pending_bytes_max) {
        turn();
    }
}

void WriteBehind::wait_for_space(size_t bytes) {
    while (options_.mode == Mode::kThread) {
        const size_t pending = pending_bytes();
        if (pending == 0 || pending + bytes <= options_.pending_bytes_max) {
            return;
        }
        // The writer, whom so little may have left asleep, wakes this after every write, and what
        // it takes away before this sleeps is kept by the waker.
        mailbox_.wake();
        space_.sleep(kNoTimer);
    }
}

void WriteBehind::sync(SyncHandler done) {
    QUORATE_ASSERT(!stopped_);
    QUORATE_ASSERT(done != nullptr);
    mailbox_.push_always({WriteBatch(), 0, std::move(done), 0});
}

void WriteBehind::hurry() {
    if (pending_bytes() > 0) {
        mailbox_.wake();
    }
}

void WriteBehind::stop() {
    if (stopped_) {
        return;
    }
    stopped_ = true;
    if (options_.mode == Mode::kThread) {
        thread_.stop();
    } else {
        turn();
    }
    QUORATE_ASSERT(pending_bytes() == 0);
}

void WriteBehind::pump() {
    QUORATE_ASSERT(options_.mode == Mode::kPumped);
    turn();
}

int64_t WriteBehind::turn() {
    mailbox_.take(items_);
    size_t next = 0;
    while (next < items_.size()) {
        if (items_[next].sync_done != nullptr) {
            sync_engine(items_[next].sync_done);
            ++next;
            continue;
        }
        // Whole batches up to the size of an engine write, and at least one.
        size_t end = next + 1;
        size_t bytes = items_[next].bytes;
        while (end < items_.size() && items_[end].sync_done == nullptr &&
               bytes + items_[end].bytes <= options_.write_bytes_max) {
            bytes += items_[end].bytes;
            ++end;
        }
        write_items(next, end);
        pending_bytes_.fetch_sub(bytes, std::memory_order_acq_rel);
        space_.wake();
        next = end;
    }
    items_.clear();
    return kNoTimer;
}

void WriteBehind::write_items(size_t first, size_t end) {
    if (!failure_.ok()) {
        return;
    }
    const WriteBatch* batch = &items_[first].batch;
    if (end - first > 1) {
        merged_.clear();
        for (size_t i = first; i < end; ++i) {
            merged_.append(items_[i].batch);
        }
        batch = &merged_;
    }
    const int64_t started_ns = now_ns();
    if (Status s = backend_.write(*batch, Durability::kBuffered); !s.ok()) {
        fail(std::move(s));
        return;
    }
    observe(started_ns);
    written_.store(items_[end - 1].seq, std::memory_order_release);
    for (size_t i = first; i < end; ++i) {
        items_[i].batch = WriteBatch();  // its memory counts as free from now on
    }
}

void WriteBehind::sync_engine(const SyncHandler& done) {
    if (failure_.ok()) {
        if (Status s = backend_.sync(); !s.ok()) {
            fail(std::move(s));
        }
    }
    done(failure_);
}

void WriteBehind::fail(Status status) {
    failure_ = std::move(status);
    if (on_failure_ != nullptr) {
        on_failure_(failure_);
    }
}

int64_t WriteBehind::now_ns() const {
    return options_.clock == nullptr ? 0 : options_.clock->monotonic_ns();
}

void WriteBehind::observe(int64_t started_ns) {
    if (options_.clock != nullptr && options_.write_seconds != nullptr) {
        options_.write_seconds->observe_ns(now_ns() - started_ns);
    }
}

}  // namespace quorate::storage
