// SPDX-License-Identifier: Apache-2.0
//
// Keeps a lease alive: asks at a third of its time, on a stream that is opened again on whatever
// member answers, until the lease is gone or its time has run out without an answer. The command's
// thread.
#pragma once

#include "base/status.h"
#include "ctl/client.h"
#include "rpc.pb.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace quorate::ctl {

class LeaseKeeper {
  public:
    // `client` outlives it. The lease is taken to have `ttl_s` left; 0: unknown.
    LeaseKeeper(Client& client, int64_t lease, int64_t ttl_s);

    // Sends what is due and returns the next answer, without waiting. One with a TTL of 0 or less
    // is the last: the lease is gone.
    std::optional<etcdserverpb::LeaseKeepAliveResponse> pump();
    // The latest time for the next pump().
    int64_t next_ns() const;
    // Gone, or not heard of for as long as it lives.
    bool expired() const { return expired_; }
    // What ended it for good: no permission, and the like.
    const Status& failure() const { return failure_; }

  private:
    void send();
    void lose(const Call::End& end);

    Client& client_;
    const int64_t lease_;
    std::unique_ptr<Call> call_;
    int64_t next_send_ns_;
    int64_t lives_until_ns_;
    bool expired_ = false;
    Status failure_;
};

// A lease of our own that is kept alive, for locks and elections.
class Session {
  public:
    static Result<std::unique_ptr<Session>> start(Client& client, int64_t ttl_s,
                                                  int64_t deadline_ns);

    int64_t lease() const { return lease_; }
    // Keeps the lease; to be called whenever there may be something to do.
    void pump();
    int64_t next_ns() const { return keeper_.next_ns(); }
    bool expired() const { return keeper_.expired() || !keeper_.failure().ok(); }

  private:
    Session(Client& client, int64_t lease, int64_t ttl_s)
        : lease_(lease), keeper_(client, lease, ttl_s) {}

    const int64_t lease_;
    LeaseKeeper keeper_;
};

}  // namespace quorate::ctl
