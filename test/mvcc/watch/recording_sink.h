// SPDX-License-Identifier: Apache-2.0
//
// A WatchSink that keeps what it was sent, decoded, and is busy when the test says so.
#pragma once

#include "kv.pb.h"
#include "mvcc/watch_sink.h"

#include <string>
#include <vector>

namespace quorate::mvcc {

struct Received {
    int64_t watch_id;
    int64_t revision;
    bool created;
    bool canceled;
    bool fragment;
    int64_t compact_revision;
    std::string cancel_reason;
    std::vector<mvccpb::Event> events;
    size_t events_bytes;
};

// What a test keeps of a sink that the hub owns.
struct SinkControl {
    std::vector<Received> received;
    int room = -1;  // messages until it is busy; -1: never
    bool gone = false;
    bool busy = false;
    bool in_fragment = false;      // the next message must go on with a response
    bool sent_while_busy = false;  // other than that
    Status finished;

    std::vector<Received> take() { return std::exchange(received, {}); }
};

class RecordingSink final : public WatchSink {
  public:
    explicit RecordingSink(SinkControl& control) : control_(control) {}

    SinkResult send(const WatchMessage& message) override {
        if (control_.gone) {
            return SinkResult::kGone;
        }
        control_.sent_while_busy |= control_.busy && !control_.in_fragment;
        control_.in_fragment = message.fragment;
        Received received{.watch_id = message.watch_id,
                          .revision = message.revision,
                          .created = message.created,
                          .canceled = message.canceled,
                          .fragment = message.fragment,
                          .compact_revision = message.compact_revision,
                          .cancel_reason = std::string(message.cancel_reason),
                          .events = {},
                          .events_bytes = 0};
        for (const ByteView bytes : message.events) {
            received.events_bytes += bytes.size();
            QUORATE_ASSERT(received.events.emplace_back().ParseFromString(std::string(bytes)));
        }
        QUORATE_ASSERT(received.events_bytes == message.events_bytes);
        control_.received.push_back(std::move(received));
        if (control_.room > 0 && --control_.room == 0) {
            control_.busy = true;
        }
        return control_.busy ? SinkResult::kBusy : SinkResult::kOk;
    }

    void finish(const Status& status) override { control_.finished = status; }

  private:
    SinkControl& control_;
};

}  // namespace quorate::mvcc
