// SPDX-License-Identifier: Apache-2.0
//
// WatchDelivery: writes the events of a stretch of changes to one watcher after the other, in as
// many responses as their size asks for. Watch loop only.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/change_source.h"
#include "mvcc/event_batch.h"
#include "mvcc/watcher.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace quorate::mvcc {

struct DeliveryLimits {
    size_t fragment_bytes;      // where responses are cut into fragments, if the watcher allows it
    size_t response_bytes_max;  // where responses of several revisions end
    size_t cache_bytes_max;     // encoded events kept for the next watcher
};

struct Delivery {
    bool complete = false;  // otherwise the stream is busy or gone, or `status` says what happened
    int64_t next = 0;       // the revision to go on with, unless complete
    Status status;
};

class WatchDelivery {
  public:
    WatchDelivery(ChangeSource& source, const DeliveryLimits& limits)
        : limits_(limits), events_(source, limits.cache_bytes_max) {}

    // The changes that deliver() speaks of; borrowed until the next begin().
    void begin(std::span<const Change> changes) { events_.begin(changes); }

    // Writes what `watcher` is owed of `changes` (whole revisions, ascending) while its stream is
    // open. `header_revision` 0: each response has the revision of its last event. The watcher's
    // own position is left to the caller.
    Delivery deliver(Watcher& watcher, std::span<const ChangeIndex> changes,
                     int64_t header_revision);

    uint64_t events_total() const { return events_total_; }
    uint64_t messages_total() const { return messages_total_; }
    uint64_t message_bytes_total() const { return message_bytes_total_; }

  private:
    int64_t revision_of(ChangeIndex change) const { return events_.change(change).revision.main; }
    void select(const Watcher& watcher, std::span<const ChangeIndex> changes);
    struct Response {
        size_t end = 0;  // in wanted_
        size_t bytes = 0;
    };
    Result<Response> plan(const Watcher& watcher, size_t at);
    void send(Watcher& watcher, size_t at, const Response& response, int64_t header_revision);

    const DeliveryLimits limits_;
    EncodedEvents events_;
    std::vector<ChangeIndex> wanted_;
    std::vector<ByteView> views_;
    uint64_t events_total_ = 0;
    uint64_t messages_total_ = 0;
    uint64_t message_bytes_total_ = 0;
};

}  // namespace quorate::mvcc
