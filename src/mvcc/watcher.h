// SPDX-License-Identifier: Apache-2.0
//
// What the parts of the watch hub share: one watcher, the stream it belongs to and the interest it
// has in common with others. Watch loop only. Streams own their watchers, the index owns the
// interests; everything else points.
#pragma once

#include "base/bytes.h"
#include "base/intrusive_list.h"
#include "mvcc/interval_map.h"
#include "mvcc/watch_outbox.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <utility>

namespace quorate::mvcc {

using StreamId = uint64_t;

struct WatchInterest;
struct WatchStream;

// There may be a million of them: no member is here for convenience.
struct Watcher {
    WatchStream* stream = nullptr;
    WatchInterest* interest = nullptr;
    int64_t id = 0;
    // The least revision that may still be owed. For a live watcher a lower bound only: the hub's
    // own revision counts where it is greater.
    int64_t next = 0;
    ListLink<Watcher> link;  // in its interest's live ones, or those of its stream that are behind

    bool behind = false;
    bool future = false;  // was created with a start ahead of the store and has not fallen behind
    bool progress_notify = false;
    bool quiet = true;  // no event since the last progress tick
    bool no_put = false;
    bool no_delete = false;
    bool prev_kv = false;
    bool fragment = false;

    bool wants(bool deletion) const { return deletion ? !no_delete : !no_put; }

    // Progress may be reported for it at this revision, if it is live.
    int64_t progress_from() const { return future ? next : next - 1; }
};

using WatcherList = IntrusiveList<Watcher, &Watcher::link>;

// Everybody who watches one key or one range.
struct WatchInterest {
    static constexpr uint32_t kNoSlot = UINT32_MAX;

    ByteView key;
    const Bytes* range_end = nullptr;  // null: that key alone; empty: no bound
    WatcherList live;
    uint32_t watchers = 0;          // live or behind
    uint32_t batch_slot = kNoSlot;  // place in the event batch that is being put together
    bool reading = false;           // has a watcher in the round of catching up under way

    bool single() const { return range_end == nullptr; }
    KeyInterval range() const { return {key, single() ? ByteView() : ByteView(*range_end)}; }
};

struct WatchStream {
    WatchStream(StreamId stream_id, std::unique_ptr<WatchSink> sink, size_t control_messages_max)
        : id(stream_id), outbox(std::move(sink), control_messages_max) {}

    const StreamId id;
    WatchOutbox outbox;
    bool require_leader = false;
    int64_t next_watch_id = 0;
    // No progress answer below this revision: the furthest progress_from() of its watchers, ever.
    int64_t progress_from = 0;
    size_t progress_watchers = 0;
    int64_t progress_due_ms = 0;
    std::map<int64_t, Watcher> watchers;  // by id
    WatcherList behind;
    ListLink<WatchStream> turn_link;
};

}  // namespace quorate::mvcc
