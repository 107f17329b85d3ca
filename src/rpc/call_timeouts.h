// SPDX-License-Identifier: Apache-2.0
//
// Ends calls whose client has said for how long it waits, where the transport does not know of it:
// in the JSON gateway. Such a call is answered "context deadline exceeded", and its method is told
// that it is over, as from the transport.
//
//   transport thread   begin, and what the client sends
//   any thread         the method's answers
//   timeouts' thread   the end of those that are due
#pragma once

#include "base/clock.h"
#include "base/loop_thread.h"
#include "transport/transport.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>

namespace quorate::rpc {

// Nanoseconds of a Grpc-Timeout header, as grpc-gateway reads it: a number of Go's, which may be
// negative and wraps around when it is too large, and a unit of H, M, S, m, u and n.
std::optional<int64_t> parse_gateway_timeout(ByteView text);

class CallTimeouts {
  public:
    // The clock outlives this.
    explicit CallTimeouts(const Clock& clock) : clock_(clock) {}
    ~CallTimeouts();
    CallTimeouts(const CallTimeouts&) = delete;
    CallTimeouts& operator=(const CallTimeouts&) = delete;

    // `flush` sends what a turn has answered.
    void start(std::function<void()> flush);
    // Calls end without it from now on. Idempotent.
    void stop();

    // Makes the call proper; null when it has finished the reply.
    using Open = std::function<std::unique_ptr<transport::Call>(transport::Reply)>;
    // The receiving side of a call that ends after `timeout_ns`.
    std::unique_ptr<transport::Call> begin(int64_t timeout_ns, transport::Reply reply,
                                           const Open& open);

  private:
    class Timed;
    class Channel;
    class Front;
    using Key = std::pair<int64_t, uint64_t>;  // when, and which

    void add(int64_t timeout_ns, const std::shared_ptr<Timed>& timed);
    void remove(const Key& key);
    int64_t turn();

    const Clock& clock_;
    std::function<void()> flush_;
    std::mutex mutex_;                             // innermost
    std::map<Key, std::weak_ptr<Timed>> waiting_;  // as many as calls are open
    uint64_t next_id_ = 0;
    LoopThread thread_{"timeouts"};
};

}  // namespace quorate::rpc
