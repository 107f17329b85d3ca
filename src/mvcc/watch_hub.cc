// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_hub.h"

#include "base/assert.h"
#include "base/errors.h"

#include <algorithm>

namespace quorate::mvcc {

namespace {

// The smallest key, which also means "no bound" as a range end.
constexpr ByteView kZeroByte{"\0", 1};

}  // namespace

WatchHub::WatchHub(ChangeSource& source, WatchHubOptions options)
    : source_(source),
      options_(std::move(options)),
      groups_(options_.random(UINT64_MAX)),
      feed_(source, groups_, options_.feed) {
    QUORATE_ASSERT(options_.progress_interval_ms > 0);
}

StreamId WatchHub::open_stream(std::unique_ptr<WatchSink> sink, StreamOptions options) {
    const StreamId id = ++last_stream_;
    WatchStream& stream =
        streams_.try_emplace(id, id, std::move(sink), options_.control_messages_max).first->second;
    stream.require_leader = options.require_leader;
    return id;
}

void WatchHub::close_stream(StreamId id) {
    WatchStream* stream = find(id);
    if (stream == nullptr) {
        return;
    }
    while (!stream->watchers.empty()) {
        remove_watcher(stream->watchers.begin()->second);
    }
    streams_.erase(id);
}

Intake WatchHub::create(StreamId id, const WatchCreate& request) {
    WatchStream* stream = find(id);
    if (stream == nullptr || stream->outbox.gone()) {
        return Intake::kMore;
    }
    const int64_t current = source_.current_revision();
    if (const std::optional<Status> reason = refusal(*stream, request)) {
        return refuse(id, reason->message());
    }
    Watcher& watcher = add_watcher(*stream, request);
    const int64_t start = request.start_revision;
    watcher.future = start > current;
    watcher.next = start == 0 ? current + 1 : start;
    stream->progress_from = std::max(stream->progress_from, watcher.progress_from());
    // What the hub has still to walk it walks for this watcher too, unless the start is compacted
    // already: that is found out, and said, where watchers catch up.
    if (watcher.next > revision() && watcher.next >= source_.compact_revision()) {
        groups_.go_live(watcher);
    } else {
        groups_.fall_behind(watcher, watcher.next);
    }
    return answer(*stream, {.watch_id = watcher.id, .revision = current, .created = true});
}

Intake WatchHub::refuse(StreamId id, ByteView reason) {
    WatchStream* stream = find(id);
    if (stream == nullptr) {
        return Intake::kMore;
    }
    return answer(*stream, {.watch_id = kNoWatchId,
                            .revision = source_.current_revision(),
                            .created = true,
                            .canceled = true,
                            .cancel_reason = Bytes(reason)});
}

Intake WatchHub::cancel(StreamId id, int64_t watch_id) {
    WatchStream* stream = find(id);
    if (stream == nullptr) {
        return Intake::kMore;
    }
    const auto found = stream->watchers.find(watch_id);
    if (found == stream->watchers.end()) {
        return stream->outbox.crowded() ? Intake::kHold : Intake::kMore;
    }
    remove_watcher(found->second);
    return answer(*stream,
                  {.watch_id = watch_id, .revision = source_.current_revision(), .canceled = true});
}

Intake WatchHub::request_progress(StreamId id) {
    WatchStream* stream = find(id);
    if (stream == nullptr) {
        return Intake::kMore;
    }
    // What was published before the client asked is to be part of the answer.
    const int64_t current = source_.current_revision();
    if (current > revision()) {
        progress_asked_.emplace(current, id);
    } else {
        answer_progress(*stream);
    }
    return stream->outbox.crowded() ? Intake::kHold : Intake::kMore;
}

Intake WatchHub::writable(StreamId id) {
    WatchStream* stream = find(id);
    if (stream == nullptr) {
        return Intake::kMore;
    }
    stream->outbox.writable();
    groups_.behind().wake(*stream);
    return stream->outbox.crowded() ? Intake::kHold : Intake::kMore;
}

bool WatchHub::tick(int64_t now_ms) {
    now_ms_ = now_ms;
    bool due = false;
    while (!progress_due_.empty() && progress_due_.begin()->first <= now_ms) {
        WatchStream* stream = find(progress_due_.begin()->second);
        QUORATE_ASSERT(stream != nullptr);
        progress_due_.erase(progress_due_.begin());
        notify_progress(*stream);
        // From when it was due: ticks are coarse beside a short interval, which would grow by one.
        schedule_progress(
            *stream, std::max(stream->progress_due_ms, now_ms_ - options_.progress_interval_ms));
        due = true;
    }
    return due;
}

void WatchHub::leader_lost() {
    finish_streams(errors::kNoLeader,
                   [](const WatchStream& stream) { return stream.require_leader; });
}

void WatchHub::shutdown() {
    finish_streams(errors::kStopped, [](const WatchStream&) { return true; });
}

void WatchHub::finish_streams(const Status& status, bool (*which)(const WatchStream&)) {
    std::vector<StreamId> ids;
    for (const auto& [id, stream] : streams_) {
        if (which(stream)) {
            ids.push_back(id);
        }
    }
    for (const StreamId id : ids) {
        find(id)->outbox.finish(status);
        close_stream(id);
    }
}

WatchStream* WatchHub::find(StreamId id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : &found->second;
}

Intake WatchHub::answer(WatchStream& stream, WatchAnswer answer) {
    stream.outbox.answer(std::move(answer));
    return stream.outbox.crowded() ? Intake::kHold : Intake::kMore;
}

// Why this watcher can't be created, or nothing. In etcd's order, which clients see when a request
// is wrong in two ways.
std::optional<Status> WatchHub::refusal(const WatchStream& stream,
                                        const WatchCreate& request) const {
    if (request.start_revision < 0) {
        return errors::kCompacted;
    }
    const ByteView key = request.key.empty() ? kZeroByte : request.key;
    if (!request.range_end.empty() && request.range_end != kZeroByte && key >= request.range_end) {
        return errors::kWatchRangeEmpty;
    }
    if (request.watch_id != 0 && stream.watchers.contains(request.watch_id)) {
        return errors::kWatchDuplicateId;
    }
    if (groups_.memory_bytes() + WatchGroups::memory_of({key, request.range_end}) >
        options_.watcher_bytes_max) {
        return errors::kRequestTooManyRequests;
    }
    return std::nullopt;
}

Watcher& WatchHub::add_watcher(WatchStream& stream, const WatchCreate& request) {
    int64_t id = request.watch_id;
    if (id == 0) {
        while (stream.watchers.contains(stream.next_watch_id)) {
            ++stream.next_watch_id;
        }
        id = stream.next_watch_id++;
    }
    Watcher& watcher = stream.watchers[id];
    watcher.stream = &stream;
    watcher.id = id;
    watcher.no_put = request.no_put;
    watcher.no_delete = request.no_delete;
    watcher.prev_kv = request.prev_kv;
    watcher.fragment = request.fragment;
    watcher.progress_notify = request.progress_notify;

    const ByteView key = request.key.empty() ? kZeroByte : request.key;
    const bool unbounded = request.range_end == kZeroByte;
    if (request.range_end.empty()) {
        groups_.join_key(watcher, key);
    } else {
        groups_.join_range(watcher, {key, unbounded ? ByteView() : request.range_end});
    }
    if (watcher.progress_notify && stream.progress_watchers++ == 0) {
        schedule_progress(stream, now_ms_);
    }
    return watcher;
}

void WatchHub::remove_watcher(Watcher& watcher) {
    WatchStream& stream = *watcher.stream;
    groups_.leave(watcher);
    if (watcher.progress_notify && --stream.progress_watchers == 0) {
        progress_due_.erase({stream.progress_due_ms, stream.id});
    }
    stream.watchers.erase(watcher.id);
}

Result<bool> WatchHub::run_slice() {
    const Result<WatchFeed::Walked> walked = feed_.walk();
    if (!walked.has_value()) {
        return walked.error();
    }
    if (walked.value() == WatchFeed::Walked::kOvertaken) {
        skip_to(source_.current_revision() + 1);
    }
    while (!progress_asked_.empty() && progress_asked_.begin()->first <= revision()) {
        WatchStream* stream = find(progress_asked_.begin()->second);
        progress_asked_.erase(progress_asked_.begin());
        if (stream != nullptr) {
            answer_progress(*stream);
        }
    }
    const Result<Watcher*> compacted = feed_.catch_up();
    if (!compacted.has_value()) {
        return compacted.error();
    }
    if (compacted.value() != nullptr) {
        cancel_compacted(*compacted.value());
    }
    QUORATE_VERIFY(*this);
    return walked.value() == WatchFeed::Walked::kMore || groups_.behind().ready();
}

// For the day a compaction overtakes the hub: it goes on from `next`, every watcher that is owed
// something before answers for itself, and those that needed what is gone are cancelled.
void WatchHub::skip_to(int64_t next) {
    for (auto& [id, stream] : streams_) {
        for (auto& [watch_id, watcher] : stream.watchers) {
            if (!watcher.behind && watcher.next < next) {
                groups_.fall_behind(watcher, std::max(watcher.next, revision() + 1));
            }
        }
    }
    feed_.skip_to(next);
}

void WatchHub::cancel_compacted(Watcher& watcher) {
    // etcd leaves the revision of this answer's header at 0.
    watcher.stream->outbox.answer({.watch_id = watcher.id,
                                   .revision = 0,
                                   .canceled = true,
                                   .compact_revision = source_.compact_revision()});
    remove_watcher(watcher);
}

void WatchHub::answer_progress(WatchStream& stream) {
    if (!stream.outbox.open() || !stream.behind.empty() || stream.watchers.empty()) {
        return;
    }
    if (stream.progress_from > revision()) {
        // The watcher that asked for so much may be gone; only then is it worth looking at all.
        stream.progress_from = 0;
        for (const auto& [watch_id, watcher] : stream.watchers) {
            stream.progress_from = std::max(stream.progress_from, watcher.progress_from());
        }
    }
    if (stream.progress_from <= revision()) {
        stream.outbox.send({.watch_id = kNoWatchId, .revision = revision()});
    }
}

bool WatchHub::synced(const Watcher& watcher) const {
    return !watcher.behind && watcher.progress_from() <= revision();
}

void WatchHub::notify_progress(WatchStream& stream) {
    for (auto& [watch_id, watcher] : stream.watchers) {
        if (watcher.progress_notify && watcher.quiet && synced(watcher) && stream.outbox.open()) {
            stream.outbox.send({.watch_id = watch_id, .revision = revision()});
        }
        watcher.quiet = true;
    }
}

void WatchHub::schedule_progress(WatchStream& stream, int64_t from_ms) {
    const int64_t interval = options_.progress_interval_ms;
    const auto jitter = options_.random(static_cast<uint64_t>(interval / 10 + 1));
    stream.progress_due_ms = from_ms + interval + static_cast<int64_t>(jitter);
    progress_due_.emplace(stream.progress_due_ms, stream.id);
}

WatchHubStats WatchHub::stats() const {
    return {.streams = streams_.size(),
            .watchers = groups_.watchers(),
            .slow_watchers = groups_.behind().size(),
            .pending_revisions = std::max<int64_t>(source_.current_revision() - revision(), 0),
            .events_total = feed_.events_total(),
            .messages_total = feed_.messages_total()};
}

void WatchHub::check_invariants() const {
    groups_.check_invariants();
    size_t watchers = 0;
    size_t behind = 0;
    size_t bytes = 0;
    for (const auto& [id, stream] : streams_) {
        size_t notified = 0;
        for (const auto& [watch_id, watcher] : stream.watchers) {
            ++watchers;
            behind += watcher.behind ? 1U : 0U;
            notified += watcher.progress_notify ? 1U : 0U;
            bytes += WatchGroups::memory_of(watcher.interest->range());
            QUORATE_ASSERT(watcher.id == watch_id);
            QUORATE_ASSERT(watcher.stream == &stream);
            groups_.check_invariants(watcher);
        }
        QUORATE_ASSERT(stream.progress_watchers == notified);
        QUORATE_ASSERT((notified > 0) == progress_due_.contains({stream.progress_due_ms, id}));
    }
    QUORATE_ASSERT(watchers == groups_.watchers());
    QUORATE_ASSERT(behind == groups_.behind().size());
    QUORATE_ASSERT(bytes == groups_.memory_bytes());
}

}  // namespace quorate::mvcc
