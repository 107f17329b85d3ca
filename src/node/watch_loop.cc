// SPDX-License-Identifier: Apache-2.0
#include "node/watch_loop.h"

#include "base/log.h"

#include <string>
#include <utility>
#include <variant>

namespace quorate::node {
namespace {

constexpr int64_t kTick_ns = 100'000'000;
constexpr int64_t kMillisecond_ns = 1'000'000;
constexpr metrics::Buckets kSendLoopBuckets = {0.001, 2, 14};

// etcd's loop serves one stream at a time, this one all: a turn of it is what is measured.
metrics::Histogram& send_loop_histogram(metrics::Registry& metrics, const std::string& part,
                                        const char* help) {
    return metrics.histogram("etcd_debugging_server_watch_send_loop_" + part + "_duration_seconds",
                             help, kSendLoopBuckets);
}

}  // namespace

WatchLoop::WatchLoop(mvcc::ChangeSource& source, mvcc::WatchHubOptions options, const Clock& clock,
                     metrics::Registry& metrics)
    : hub_(source, std::move(options)),
      clock_(clock),
      streams_gauge_(metrics.gauge("etcd_debugging_mvcc_watch_stream_total",
                                   "Total number of watch streams.")),
      watchers_gauge_(
          metrics.gauge("etcd_debugging_mvcc_watcher_total", "Total number of watchers.")),
      slow_gauge_(metrics.gauge("etcd_debugging_mvcc_slow_watcher_total",
                                "Total number of unsynced slow watchers.")),
      pending_gauge_(metrics.gauge("etcd_debugging_mvcc_pending_events_total",
                                   "Total number of pending events to be sent.")),
      events_(metrics.counter("etcd_debugging_mvcc_events_total",
                              "Total number of events sent by this member.")),
      requests_seconds_(send_loop_histogram(
          metrics, "control_stream",
          "The total duration in seconds of running through the send loop control stream "
          "response case.")),
      events_seconds_(send_loop_histogram(
          metrics, "watch_stream",
          "The total duration in seconds of running through the send loop watch stream response "
          "case.")),
      per_event_seconds_(metrics.histogram(
          "etcd_debugging_server_watch_send_loop_watch_stream_duration_per_event_seconds",
          "The average duration in seconds of running through the send loop watch stream response "
          "case, per event.",
          kSendLoopBuckets)),
      progress_seconds_(send_loop_histogram(
          metrics, "progress",
          "The total duration in seconds of running through the send loop progress ticks case.")) {}

int64_t WatchLoop::handle(std::vector<WatchInput>& inputs) {
    const int64_t begun_ns = clock_.monotonic_ns();
    bool requests = false;
    for (WatchInput& input : inputs) {
        std::visit([this](auto& message) { take(message); }, input);
        requests = requests || !std::holds_alternative<WatchPublished>(input);
    }
    const int64_t taken_ns = clock_.monotonic_ns();
    if (requests) {
        requests_seconds_.observe_ns(taken_ns - begun_ns);
    }
    if (hub_.tick(taken_ns / kMillisecond_ns)) {
        progress_seconds_.observe_ns(clock_.monotonic_ns() - taken_ns);
    }
    const int64_t ticked_ns = clock_.monotonic_ns();
    const Result<bool> more = hub_.run_slice();
    measure_events(clock_.monotonic_ns() - ticked_ns);
    publish_stats();
    if (!more) {
        // Nothing is lost: the hub tries again from where it stands.
        log::error("watch events can't be read", {log::Field(more.error())});
        return kTick_ns;
    }
    return *more ? 0 : kTick_ns;
}

void WatchLoop::stop() {
    hub_.shutdown();
    streams_.clear();
}

WatchLoop::Stream* WatchLoop::find(WatchKey key) {
    const auto it = streams_.find(key);
    return it == streams_.end() ? nullptr : &it->second;
}

void WatchLoop::take(WatchOpen& open) {
    WatchClient* const client = open.client.get();
    const mvcc::StreamId id =
        hub_.open_stream(std::move(open.client), {.require_leader = open.require_leader});
    streams_.emplace(open.key, Stream{id, client, open.require_leader});
    show_streams();
}

void WatchLoop::take(const WatchClose& close) {
    if (const Stream* stream = find(close.key)) {
        stream->client->set_end(close.status);
        hub_.close_stream(stream->id);
        streams_.erase(close.key);
        show_streams();
    }
}

void WatchLoop::take(const WatchWritable& writable) {
    if (Stream* stream = find(writable.key)) {
        follow(*stream, hub_.writable(stream->id));
    }
}

void WatchLoop::take(WatchCreateRequest& request) {
    if (Stream* stream = find(request.key)) {
        if (!request.refusal.empty()) {
            follow(*stream, hub_.refuse(stream->id, request.refusal));
            return;
        }
        request.create.key = request.watched_key;
        request.create.range_end = request.range_end;
        follow(*stream, hub_.create(stream->id, request.create));
    }
}

void WatchLoop::take(const WatchCancelRequest& request) {
    if (Stream* stream = find(request.key)) {
        follow(*stream, hub_.cancel(stream->id, request.watch_id));
    }
}

void WatchLoop::take(const WatchProgressRequest& request) {
    if (Stream* stream = find(request.key)) {
        // A request asks about what was published before it came, so the hub has to be there first.
        follow(*stream, hub_.request_progress(stream->id));
    }
}

void WatchLoop::take(const WatchLeaderLost&) {
    std::erase_if(streams_, [](const auto& entry) { return entry.second.require_leader; });
    show_streams();
    hub_.leader_lost();
}

// Before the hub looks at what is published: see has_streams().
void WatchLoop::show_streams() {
    shown_streams_.exchange(streams_.size(), std::memory_order_acq_rel);
}

void WatchLoop::follow(Stream& stream, mvcc::Intake intake) {
    const bool hold = intake == mvcc::Intake::kHold;
    if (hold != stream.held) {
        stream.held = hold;
        stream.client->hold(hold);
    }
}

void WatchLoop::measure_events(int64_t took_ns) {
    const uint64_t sent = hub_.stats().events_total - events_counted_;
    if (sent > 0) {
        events_seconds_.observe_ns(took_ns);
        per_event_seconds_.observe_ns(took_ns / static_cast<int64_t>(sent));
    }
}

void WatchLoop::publish_stats() {
    const mvcc::WatchHubStats stats = hub_.stats();
    streams_gauge_.set(static_cast<int64_t>(stats.streams));
    watchers_gauge_.set(static_cast<int64_t>(stats.watchers));
    slow_gauge_.set(static_cast<int64_t>(stats.slow_watchers));
    pending_gauge_.set(stats.pending_revisions);
    events_.add(stats.events_total - events_counted_);
    events_counted_ = stats.events_total;
}

}  // namespace quorate::node
