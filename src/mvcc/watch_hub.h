// SPDX-License-Identifier: Apache-2.0
//
// The watch hub: hands every change to every watcher that asked for it, in order, once. Watch loop
// only; no lock, no clock, no thread. It reads changes from a ChangeSource and writes messages to
// one WatchSink per stream.
//
// A watcher is in one of two groups:
//
//              create, start ahead of the hub            its stream is busy when an event comes
//   (new) ------------------------------------> live ----------------------------------------+
//     |                                           ^                                           v
//     +--- create, start at or behind the hub ----|---------------------------------------> behind
//                                                 +---- has read up to the hub's revision ----+
//
// Live watchers are matched as the hub walks the changes, one response per revision. A watcher that
// is behind holds nothing but the revision it needs next; rounds of bounded size read from there on
// and serve everybody who stands in the same window, and streams take turns in starting a round. So
// a slow client costs one full outbox and no queue, and memory is bounded by the watchers alone.
//
// What the hub promises to a watcher: strictly increasing revisions, nothing missing, nothing
// twice, or a cancellation with compact_revision. Progress is never reported past an undelivered
// event.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/watch_feed.h"
#include "mvcc/watch_groups.h"
#include "mvcc/watch_sink.h"
#include "mvcc/watcher.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

namespace quorate::mvcc {

struct WatchHubOptions {
    int64_t progress_interval_ms = 600'000;
    FeedLimits feed;
    // Answers to requests that one stream keeps while its sink is busy.
    size_t control_messages_max = 1024;
    // All watchers' own memory, with what they watch.
    size_t watcher_bytes_max = 1024 * 1024 * 1024;
    // A number in [0, bound); jitter of the progress timer and seed of the hash table.
    std::function<uint64_t(uint64_t bound)> random;
};

struct StreamOptions {
    // Finished with "no leader" by leader_lost().
    bool require_leader = false;
};

struct WatchCreate {
    ByteView key;        // empty: the smallest key
    ByteView range_end;  // empty: that key alone; one zero byte: everything from key on
    int64_t start_revision = 0;
    int64_t watch_id = 0;  // 0: the hub chooses
    bool progress_notify = false;
    bool no_put = false;
    bool no_delete = false;
    bool prev_kv = false;
    bool fragment = false;
};

// Whether the caller may go on passing this stream's requests, or holds them until room().
enum class Intake : uint8_t { kMore, kHold };

// For metrics; the names say which of etcd's they feed.
struct WatchHubStats {
    size_t streams = 0;
    size_t watchers = 0;
    size_t slow_watchers = 0;       // those behind
    int64_t pending_revisions = 0;  // published and not yet walked by the hub
    uint64_t events_total = 0;      // delivered
    uint64_t messages_total = 0;
};

class WatchHub {
  public:
    // `source` outlives the hub. Watching begins behind the source's current revision.
    WatchHub(ChangeSource& source, WatchHubOptions options);
    WatchHub(const WatchHub&) = delete;
    WatchHub& operator=(const WatchHub&) = delete;

    StreamId open_stream(std::unique_ptr<WatchSink> sink, StreamOptions options);
    // The client has gone, or ended its stream, or the sink was told to finish. An unknown id is
    // fine: the hub may have been first.
    void close_stream(StreamId id);

    // Requests of one stream, answered in the order they were made. Unknown streams are ignored.
    Intake create(StreamId id, const WatchCreate& request);
    // Answers a creation that was refused before it came here (permission).
    Intake refuse(StreamId id, ByteView reason);
    Intake cancel(StreamId id, int64_t watch_id);
    Intake request_progress(StreamId id);

    // The sink of this stream takes messages again. kMore: requests may be passed again.
    Intake writable(StreamId id);

    // Time for progress notifications; any zero, never back. True: it was, for some stream.
    bool tick(int64_t now_ms);

    // Walks published changes and does one round of catching up. True: call again, there is more.
    // An error is the source's own (never kCompacted); no watcher has lost anything by it.
    Result<bool> run_slice();

    // Ends the streams that require a leader; ends all streams.
    void leader_lost();
    void shutdown();

    // Every change up to here has been handed to every live watcher.
    int64_t revision() const { return feed_.revision(); }
    WatchHubStats stats() const;
    void check_invariants() const;

  private:
    WatchStream* find(StreamId id);
    Intake answer(WatchStream& stream, WatchAnswer answer);
    std::optional<Status> refusal(const WatchStream& stream, const WatchCreate& request) const;
    Watcher& add_watcher(WatchStream& stream, const WatchCreate& request);
    void remove_watcher(Watcher& watcher);
    void skip_to(int64_t next);
    void cancel_compacted(Watcher& watcher);
    void finish_streams(const Status& status, bool (*which)(const WatchStream&));

    void answer_progress(WatchStream& stream);
    bool synced(const Watcher& watcher) const;
    void notify_progress(WatchStream& stream);
    void schedule_progress(WatchStream& stream, int64_t from_ms);

    ChangeSource& source_;
    const WatchHubOptions options_;
    int64_t now_ms_ = 0;
    StreamId last_stream_ = 0;
    WatchGroups groups_;
    WatchFeed feed_;
    std::map<StreamId, WatchStream> streams_;
    std::set<std::pair<int64_t, StreamId>> progress_due_;    // when
    std::set<std::pair<int64_t, StreamId>> progress_asked_;  // from which revision on to answer
};

}  // namespace quorate::mvcc
