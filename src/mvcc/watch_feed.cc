// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_feed.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>

namespace quorate::mvcc {

namespace {

// Index entries of one round of catching up; a round of small transactions ends early.
constexpr size_t kRoundHitsMax = 1 << 20;

// One past the last change of the revision that begins at `first`.
size_t revision_end(const std::vector<Change>& changes, size_t first) {
    size_t end = first + 1;
    while (end < changes.size() && changes[end].revision.main == changes[first].revision.main) {
        ++end;
    }
    return end;
}

}  // namespace

WatchFeed::WatchFeed(ChangeSource& source, WatchGroups& groups, const FeedLimits& limits)
    : source_(source),
      groups_(groups),
      limits_(limits),
      next_(source.current_revision() + 1),
      delivery_(source, {.fragment_bytes = limits.fragment_bytes,
                         .response_bytes_max = limits.response_bytes_max,
                         .cache_bytes_max = 2 * limits.round_bytes_max}) {
    QUORATE_ASSERT(limits_.round_revisions_max > 0);
    QUORATE_ASSERT(limits_.round_watchers_max > 0);
}

Result<WatchFeed::Walked> WatchFeed::walk() {
    const int64_t current = source_.current_revision();
    if (next_ > current) {
        return Walked::kAll;
    }
    if (groups_.live_watchers() == 0) {
        next_ = current + 1;
        return Walked::kAll;
    }
    const int64_t revisions_max = std::min(limits_.round_revisions_max, current - next_ + 1);
    const Result<std::vector<Change>> window =
        source_.changes({next_, revisions_max, limits_.round_bytes_max});
    if (!window.has_value()) {
        if (window.error().is(errors::kCompacted)) {
            return Walked::kOvertaken;
        }
        return window.error();
    }
    const std::vector<Change>& changes = window.value();
    delivery_.begin(changes);
    const uint64_t messages_end = delivery_.messages_total() + limits_.slice_messages_max;
    const uint64_t bytes_end = delivery_.message_bytes_total() + limits_.slice_message_bytes_max;
    size_t first = 0;
    while (first < changes.size() && delivery_.messages_total() < messages_end &&
           delivery_.message_bytes_total() < bytes_end) {
        const size_t end = revision_end(changes, first);
        const Status walked = walk_revision(changes, {first, end});
        if (!walked.ok()) {
            return walked;
        }
        first = end;
    }
    if (changes.empty()) {
        next_ += revisions_max;  // none of these revisions changed anything that is kept
    }
    return next_ <= current ? Walked::kMore : Walked::kAll;
}

void WatchFeed::skip_to(int64_t next) {
    QUORATE_ASSERT(next >= next_);
    next_ = next;
}

// One revision to all live watchers. The hub has passed the revision even when this fails: whoever
// did not get it has fallen behind.
Status WatchFeed::walk_revision(const std::vector<Change>& changes, const Stretch& revision) {
    batch_.clear();
    for (size_t i = revision.first; i < revision.end; ++i) {
        groups_.index().visit(changes[i].key, [&](WatchInterest& interest) {
            if (!interest.live.empty()) {
                batch_.add(interest, static_cast<ChangeIndex>(i));
            }
        });
    }
    batch_.arrange();
    Status status;
    for (WatchInterest* interest : batch_.interests()) {
        Status delivered = deliver_live(*interest);
        if (status.ok()) {
            status = std::move(delivered);
        }
    }
    batch_.clear();
    next_ = changes[revision.first].revision.main + 1;
    return status;
}

Status WatchFeed::deliver_live(WatchInterest& interest) {
    const std::span<const ChangeIndex> changes = batch_.changes_of(interest);
    Status status;
    Watcher* next = nullptr;
    for (Watcher* watcher = interest.live.front(); watcher != nullptr; watcher = next) {
        next = WatcherList::next(*watcher);  // this one may leave the list
        Delivery delivery = delivery_.deliver(*watcher, changes, 0);
        if (delivery.complete) {
            continue;
        }
        groups_.fall_behind(*watcher, delivery.next);
        if (status.ok()) {
            status = std::move(delivery.status);
        }
    }
    return status;
}

Result<Watcher*> WatchFeed::catch_up() {
    const std::vector<Watcher*> readers = groups_.behind().take_turn(
        {.revisions_max = limits_.round_revisions_max, .watchers_max = limits_.round_watchers_max});
    if (readers.empty()) {
        return nullptr;
    }
    Watcher* const first = readers.front();
    const int64_t from = first->next;
    if (from < source_.compact_revision()) {
        return first;
    }
    QUORATE_ASSERT(from < next_);
    const int64_t revisions_max = std::min(limits_.round_revisions_max, next_ - from);
    const Result<std::vector<Change>> window =
        source_.changes({from, revisions_max, limits_.round_bytes_max});
    if (!window.has_value()) {
        if (window.error().is(errors::kCompacted)) {
            return first;
        }
        return window.error();
    }
    const std::vector<Change>& changes = window.value();
    delivery_.begin(changes);
    const size_t taken = batch_window(changes, readers);
    const Status status = deliver_behind(
        readers, taken == 0 ? from + revisions_max - 1 : changes[taken - 1].revision.main);
    batch_.clear();
    if (!status.ok()) {
        return status;
    }
    return nullptr;
}

// Puts the changes that the readers are interested in into the batch, whole revisions until the
// batch is full. How many changes were taken.
size_t WatchFeed::batch_window(const std::vector<Change>& changes,
                               const std::vector<Watcher*>& readers) {
    for (const Watcher* reader : readers) {
        reader->interest->reading = true;
    }
    batch_.clear();
    size_t first = 0;
    while (first < changes.size() && batch_.hits() < kRoundHitsMax) {
        const size_t end = revision_end(changes, first);
        for (size_t i = first; i < end; ++i) {
            groups_.index().visit(changes[i].key, [&](WatchInterest& interest) {
                if (interest.reading) {
                    batch_.add(interest, static_cast<ChangeIndex>(i));
                }
            });
        }
        first = end;
    }
    batch_.arrange();
    for (const Watcher* reader : readers) {
        reader->interest->reading = false;
    }
    return first;
}

// Every reader gets what the batch has for it; all revisions up to `reached` are in the batch.
Status WatchFeed::deliver_behind(const std::vector<Watcher*>& readers, int64_t reached) {
    const uint64_t bytes_end = delivery_.message_bytes_total() + limits_.slice_message_bytes_max;
    for (Watcher* reader : readers) {
        if (reader->next > reached) {
            continue;  // the window ended before it
        }
        if (delivery_.message_bytes_total() >= bytes_end) {
            break;  // the others wait for their own turn
        }
        Delivery delivery =
            delivery_.deliver(*reader, batch_.changes_of(*reader->interest), revision());
        const int64_t next = delivery.complete ? reached + 1 : delivery.next;
        groups_.behind().advance(*reader, next);
        if (!delivery.status.ok()) {
            return std::move(delivery.status);
        }
        if (next == next_) {
            groups_.go_live(*reader);
        }
    }
    return {};
}

}  // namespace quorate::mvcc
