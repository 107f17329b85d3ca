// SPDX-License-Identifier: Apache-2.0
//
// Maintenance.Snapshot: the store of one moment as a bbolt file in many messages, and its SHA-256
// in the last. Transport's thread for the call, read pool for the work, a slice at a time so that
// reads of others get their turn; a slow client makes the stream rest. Each stream pins one view of
// the engine from its first slice to its end, so only a few run at a time, and one whose client
// takes nothing for a while is ended.
#pragma once

#include "base/loop_thread.h"
#include "base/metrics.h"
#include "node/node.h"
#include "transport/transport.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace quorate::rpc {

class SnapshotStreams {
  public:
    static constexpr int kStreamsMax = 4;
    // The longest that a client may leave no room for the next message.
    static constexpr int64_t kStall_ns = 60'000'000'000;

    explicit SnapshotStreams(node::Node& node);
    ~SnapshotStreams();

    // Outlived by this.
    std::unique_ptr<transport::Call> make_call(transport::Reply reply);

  private:
    class Stream;
    class StreamCall;

    // The guard's turn: ends the streams that have stalled.
    int64_t end_stalled();
    void guard(const std::shared_ptr<Stream>& stream);

    node::Node& node_;
    metrics::Histogram& seconds_;
    std::atomic<int> running_{0};
    std::mutex mutex_;  // for the list alone; no stream is touched under it
    std::vector<std::weak_ptr<Stream>> guarded_;
    LoopThread guard_{"snapshot-guard"};
};

}  // namespace quorate::rpc
