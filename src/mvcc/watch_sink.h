// SPDX-License-Identifier: Apache-2.0
//
// What the watch hub writes to: one sink per stream, implemented by the layer that knows the wire
// format. Called on the watch loop only; it encodes, enqueues and returns.
#pragma once

#include "base/bytes.h"
#include "base/status.h"

#include <cstdint>
#include <span>

namespace quorate::mvcc {

// The id in answers that belong to no watcher: refused creations, progress of the whole stream.
inline constexpr int64_t kNoWatchId = -1;

// One etcdserverpb.WatchResponse without cluster id, member id and term. Borrowed for the call.
struct WatchMessage {
    int64_t watch_id = kNoWatchId;
    int64_t revision = 0;  // header.revision as it is to be sent, 0 included
    bool created = false;
    bool canceled = false;
    bool fragment = false;  // more of the same response follows
    int64_t compact_revision = 0;
    ByteView cancel_reason;
    std::span<const ByteView> events;  // each an encoded mvccpb.Event
    size_t events_bytes = 0;           // their sum, without the framing inside the response
};

enum class SinkResult : uint8_t {
    kOk,
    // Taken, but nothing more until WatchHub::writable, except the fragments that complete a
    // response: clients join them and lose what comes in between.
    kBusy,
    kGone,  // not taken: the stream has ended, WatchHub::close_stream will follow
};

class WatchSink {
  public:
    virtual ~WatchSink() = default;
    virtual SinkResult send(const WatchMessage& message) = 0;
    // Ends the stream with an error; nothing is sent after it.
    virtual void finish(const Status& status) = 0;
};

}  // namespace quorate::mvcc
