// SPDX-License-Identifier: Apache-2.0
//
// WatchFeed: reads changes from the source and hands them to the watchers: as they are published to
// those who are live, in rounds of bounded size to those who are behind. Watch loop only.
#pragma once

#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/event_batch.h"
#include "mvcc/watch_delivery.h"
#include "mvcc/watch_groups.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quorate::mvcc {

struct FeedLimits {
    // A response with two events or more is cut here, for watchers that allow it.
    size_t fragment_bytes = 1'572'864 + 512 * 1024;
    // Responses that span several revisions end with the one that brings them to this size.
    size_t response_bytes_max = 256 * 1024;
    // One read of the source, live or behind, and how many watchers share it when behind.
    int64_t round_revisions_max = 1000;
    size_t round_bytes_max = 4 * 1024 * 1024;
    size_t round_watchers_max = 512;
    // After these, walk() ends with the revision, and catch_up() with the watcher, that it is at.
    size_t slice_messages_max = 16'384;
    size_t slice_message_bytes_max = 32 * 1024 * 1024;
};

class WatchFeed {
  public:
    WatchFeed(ChangeSource& source, WatchGroups& groups, const FeedLimits& limits);

    // Every change up to here has been handed to every live watcher.
    int64_t revision() const { return next_ - 1; }

    enum class Walked : uint8_t {
        kAll,
        kMore,
        kOvertaken,  // by a compaction: the source no longer has what comes next
    };
    // Hands the next published changes to the live watchers. An error is the source's; whoever did
    // not get a change because of it is behind now.
    Result<Walked> walk();

    // After kOvertaken, when no live watcher is owed anything before `next`.
    void skip_to(int64_t next);

    // One round for the watcher whose turn it is and those who can read along. The watcher that is
    // owed what has been compacted, for the caller to cancel, or null.
    Result<Watcher*> catch_up();

    uint64_t events_total() const { return delivery_.events_total(); }
    uint64_t messages_total() const { return delivery_.messages_total(); }

  private:
    // Changes of a window from `first` to before `end`.
    struct Stretch {
        size_t first;
        size_t end;
    };
    Status walk_revision(const std::vector<Change>& changes, const Stretch& revision);
    Status deliver_live(WatchInterest& interest);
    size_t batch_window(const std::vector<Change>& changes, const std::vector<Watcher*>& readers);
    Status deliver_behind(const std::vector<Watcher*>& readers, int64_t reached);

    ChangeSource& source_;
    WatchGroups& groups_;
    const FeedLimits limits_;
    int64_t next_;  // the revision that is walked next
    EventBatch batch_;
    WatchDelivery delivery_;
};

}  // namespace quorate::mvcc
