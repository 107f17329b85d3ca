// SPDX-License-Identifier: Apache-2.0
//
// WatchOutbox: the one way out of a stream, so that answers, events, progress and cancellations
// leave in the order they were made. Watch loop only.
//
//               sink says busy                           sink says gone, or finish()
//    (open) ------------------------> (busy) ------------------------------> (gone)
//       ^                                |
//       +------ writable(), and every ---+
//               kept answer has left
//
// Events are only sent while it is open: they can be read again later and are never kept here.
// Answers to requests can't, and are kept while it is busy, up to a bound that ends the stream.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "mvcc/watch_sink.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace quorate::mvcc {

// A message without events.
struct WatchAnswer {
    int64_t watch_id = kNoWatchId;
    int64_t revision = 0;
    bool created = false;
    bool canceled = false;
    int64_t compact_revision = 0;
    Bytes cancel_reason;
};

class WatchOutbox {
  public:
    WatchOutbox(std::unique_ptr<WatchSink> sink, size_t answers_max);

    bool open() const { return state_ == State::kOpen; }
    bool gone() const { return state_ == State::kGone; }
    // Half of what it keeps is taken: the client should not be asked for more requests.
    bool crowded() const { return answers_.size() >= answers_max_ / 2; }
    size_t kept() const { return answers_.size(); }

    // Sends it now or keeps it. Nothing happens when the stream is gone.
    void answer(WatchAnswer answer);
    // Only while open.
    void send(const WatchMessage& message);
    // The next fragment of the response that send() began, busy or not.
    void send_more(const WatchMessage& message);
    void writable();
    void finish(const Status& status);

  private:
    enum class State : uint8_t { kOpen, kBusy, kGone };

    void pass(const WatchMessage& message);

    const std::unique_ptr<WatchSink> sink_;
    const size_t answers_max_;
    State state_ = State::kOpen;
    std::deque<WatchAnswer> answers_;
};

}  // namespace quorate::mvcc
