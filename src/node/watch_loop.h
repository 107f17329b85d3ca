// SPDX-License-Identifier: Apache-2.0
//
// The watch loop: owns the hub and turns messages into its calls. It never slows the apply loop: it
// is only told that there is something new. Thread: the watch thread.
#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "mvcc/watch_hub.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <variant>
#include <vector>

namespace quorate::node {

// A stream's client side. Owned by the hub; watch loop only.
class WatchClient : public mvcc::WatchSink {
  public:
    // Stops, or resumes, the delivery of the client's requests.
    virtual void hold(bool held) = 0;
    // What the call ends with when the client is destroyed without finish().
    virtual void set_end(const Status& status) = 0;
};

// Chosen by whoever opens the stream; names it in all later messages.
using WatchKey = uint64_t;

struct WatchOpen {
    WatchKey key;
    std::unique_ptr<WatchClient> client;
    bool require_leader = false;
};
struct WatchClose {
    WatchKey key;
    Status status;  // what the call ends with
};
struct WatchWritable {
    WatchKey key;
};
struct WatchCreateRequest {
    WatchKey key;
    mvcc::WatchCreate create;  // its views are those of the two fields below
    Bytes watched_key;
    Bytes range_end;
    // Not empty: the client may not watch this, and is told why in its turn.
    Bytes refusal = {};
};
struct WatchCancelRequest {
    WatchKey key;
    int64_t watch_id;
};
struct WatchProgressRequest {
    WatchKey key;
};
struct WatchPublished {
    int64_t revision;
};

// There has been no leader for so long that clients who asked to be told are.
struct WatchLeaderLost {};

using WatchInput =
    std::variant<WatchOpen, WatchClose, WatchWritable, WatchCreateRequest, WatchCancelRequest,
                 WatchProgressRequest, WatchPublished, WatchLeaderLost>;

class WatchLoop {
  public:
    WatchLoop(mvcc::ChangeSource& source, mvcc::WatchHubOptions options, const Clock& clock,
              metrics::Registry& metrics);

    // One turn. Returns for how long the loop may sleep, 0 = there is more to do.
    int64_t handle(std::vector<WatchInput>& inputs);
    // Ends all streams.
    void stop();

    // Any thread, after something was published: whether anybody is to hear of it before the loop
    // looks by itself, which it does ten times a second. A stream that opens meanwhile begins
    // behind what was published.
    bool has_streams() {
        // Adding nothing puts the caller before or behind the change of the count: before it,
        // whoever opens the stream sees what was published.
        return shown_streams_.fetch_add(0, std::memory_order_acq_rel) != 0;
    }

  private:
    struct Stream {
        mvcc::StreamId id;
        WatchClient* client;  // borrowed from the hub
        bool require_leader = false;
        bool held = false;
    };

    void take(WatchOpen& open);
    void take(const WatchClose& close);
    void take(const WatchWritable& writable);
    void take(WatchCreateRequest& request);
    void take(const WatchCancelRequest& request);
    void take(const WatchProgressRequest& request);
    void take(const WatchPublished&) {}
    void take(const WatchLeaderLost&);
    void follow(Stream& stream, mvcc::Intake intake);
    Stream* find(WatchKey key);
    void show_streams();
    void publish_stats();
    void measure_events(int64_t took_ns);

    mvcc::WatchHub hub_;
    const Clock& clock_;
    std::unordered_map<WatchKey, Stream> streams_;
    std::atomic<size_t> shown_streams_{0};

    metrics::Gauge& streams_gauge_;
    metrics::Gauge& watchers_gauge_;
    metrics::Gauge& slow_gauge_;
    metrics::Gauge& pending_gauge_;
    metrics::Counter& events_;
    metrics::Histogram& requests_seconds_;
    metrics::Histogram& events_seconds_;
    metrics::Histogram& per_event_seconds_;
    metrics::Histogram& progress_seconds_;
    uint64_t events_counted_ = 0;
};

}  // namespace quorate::node
