// SPDX-License-Identifier: Apache-2.0
//
// Load: what one thread does to the server during a run. UnaryLoad keeps slots busy with requests
// from a RequestSource; WatchLoad and LeaseLoad have files of their own. One thread.
#pragma once

#include "base/status.h"
#include "connection.h"
#include "loop.h"
#include "pacer.h"
#include "recorder.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

namespace quorate::load {

class Load {
  public:
    virtual ~Load() = default;

    // What must be there before the clock starts; drives the loop by itself.
    virtual Status prepare() { return {}; }
    virtual void begin(const Schedule& schedule) = 0;
    // Starts all that is due.
    virtual void pump(int64_t now) = 0;
    // No request will start any more, and none is unanswered.
    virtual bool finished(int64_t now) const = 0;
    virtual int64_t next_due_ns() const = 0;
    // After the run: writes what is missing into the recorder.
    virtual void conclude(int64_t now) = 0;
};

struct Request {
    Method method = Method::kRange;
    const google::protobuf::MessageLite* message = nullptr;  // valid until the next call of next()
    Kind kind = Kind::kGet;
    uint64_t tag = 0;  // comes back with the answer
};

class RequestSource {
  public:
    virtual ~RequestSource() = default;
    // None when there is nothing left to do.
    virtual std::optional<Request> next() = 0;
    // What is wrong with the answer; null if it is right.
    virtual const char* check(Kind kind, uint64_t tag, std::string_view answer) = 0;
};

class UnaryLoad final : public Load, private StreamHandler {
  public:
    // `slots`: how many requests may be in flight on each connection. All references are borrowed.
    UnaryLoad(std::vector<Connection*> connections, size_t slots, RequestSource& source,
              Recorder& recorder);

    void begin(const Schedule& schedule) override;
    void pump(int64_t now) override;
    bool finished(int64_t now) const override;
    int64_t next_due_ns() const override;
    void conclude(int64_t now) override;

  private:
    void on_message(Stream& stream, std::string_view message) override;
    void on_end(Stream& stream, const GrpcStatus& status) override;
    bool issue(Connection& connection, int64_t now);

    std::vector<Connection*> idle_;  // one element for each free slot
    size_t in_flight_ = 0;
    RequestSource& source_;
    Recorder& recorder_;
    std::optional<Pacer> pacer_;
};

// Called before each turn with the time; returns when it is next wanted, kNever for not again.
using TurnHook = std::function<int64_t(int64_t now)>;

// Drives `loop` until `load` has finished; what is unanswered `kDrainNs` after the schedule's end
// is recorded as a failure.
inline constexpr int64_t kDrainNs = 10 * kSecondNs;
void run_load(Loop& loop, Load& load, Recorder& recorder, const Schedule& schedule,
              const TurnHook& hook);

}  // namespace quorate::load
