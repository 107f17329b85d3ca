// SPDX-License-Identifier: Apache-2.0
#include "mvcc/watch_delivery.h"

#include "base/assert.h"

namespace quorate::mvcc {

namespace {

// What a response holds besides its events, and an event's own tag and length inside it.
constexpr size_t kResponseOverheadBytes = 64;
constexpr size_t kEventOverheadBytes = 5;

}  // namespace

Delivery WatchDelivery::deliver(Watcher& watcher, std::span<const ChangeIndex> changes,
                                int64_t header_revision) {
    select(watcher, changes);
    size_t at = 0;
    while (at < wanted_.size()) {
        if (!watcher.stream->outbox.open()) {
            return {.complete = false, .next = revision_of(wanted_[at]), .status = {}};
        }
        const Result<Response> response = plan(watcher, at);
        if (!response.has_value()) {
            return {
                .complete = false, .next = revision_of(wanted_[at]), .status = response.error()};
        }
        send(watcher, at, response.value(), header_revision);
        at = response.value().end;
    }
    return {.complete = true, .next = 0, .status = {}};
}

// Fills wanted_ with those of `changes` that this watcher is owed and has asked for.
void WatchDelivery::select(const Watcher& watcher, std::span<const ChangeIndex> changes) {
    wanted_.clear();
    for (const ChangeIndex index : changes) {
        const Change& change = events_.change(index);
        if (change.revision.main >= watcher.next && watcher.wants(change.deletion)) {
            wanted_.push_back(index);
        }
    }
}

// Encodes the events of the response that begins at `at`, whole revisions, and says where it ends.
Result<WatchDelivery::Response> WatchDelivery::plan(const Watcher& watcher, size_t at) {
    events_.trim();
    Response response{.end = at, .bytes = kResponseOverheadBytes};
    for (; response.end < wanted_.size(); ++response.end) {
        const bool new_revision = response.end > at && revision_of(wanted_[response.end]) !=
                                                           revision_of(wanted_[response.end - 1]);
        if (new_revision && response.bytes >= limits_.response_bytes_max) {
            break;
        }
        const Result<size_t> encoded = events_.encode({wanted_[response.end], watcher.prev_kv});
        if (!encoded.has_value()) {
            return encoded.error();
        }
        response.bytes += encoded.value() + kEventOverheadBytes;
    }
    return response;
}

// One message, or as many as the watcher's fragments need. Nothing else may come between those.
void WatchDelivery::send(Watcher& watcher, size_t at, const Response& response,
                         int64_t header_revision) {
    const bool split = watcher.fragment && response.bytes >= limits_.fragment_bytes;
    WatchMessage message{.watch_id = watcher.id,
                         .revision = header_revision != 0 ? header_revision
                                                          : revision_of(wanted_[response.end - 1])};
    WatchOutbox& outbox = watcher.stream->outbox;
    bool first = true;
    while (at < response.end) {
        views_.clear();
        message.events_bytes = 0;
        size_t bytes = kResponseOverheadBytes;
        for (; at < response.end; ++at) {
            const ByteView event = events_.bytes({wanted_[at], watcher.prev_kv});
            bytes += event.size() + kEventOverheadBytes;
            if (split && !views_.empty() && bytes >= limits_.fragment_bytes) {
                break;
            }
            views_.push_back(event);
            message.events_bytes += event.size();
        }
        message.events = views_;
        message.fragment = at < response.end;
        if (first) {
            outbox.send(message);
        } else {
            outbox.send_more(message);
        }
        first = false;
        events_total_ += views_.size();
        messages_total_ += 1;
    }
    message_bytes_total_ += response.bytes;
    watcher.quiet = false;
}

}  // namespace quorate::mvcc
