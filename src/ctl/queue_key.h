// SPDX-License-Identifier: Apache-2.0
//
// The recipe behind lock and elect: a key of our own under a name, bound to a session's lease, and
// waiting until no older one is left. Equal to that of Go's client, so both exclude each other. The
// command's thread.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "ctl/client.h"
#include "ctl/lease_keeper.h"
#include "ctl/waiter.h"
#include "rpc.pb.h"

#include <cstdint>
#include <functional>
#include <string>

namespace quorate::ctl {

class QueueKey {
  public:
    // Both outlive it. `timeout_ns` is for single calls.
    QueueKey(Client& client, Session& session, const std::string& name, int64_t timeout_ns);

    // Puts the key with this value. When the session has one already, that gets the value.
    Status enter(const std::string& value);
    // Until ours is the oldest. errors::kContextCanceled when `interrupts` come, and
    // errors::kUnavailable when the session has expired; the key is then gone, or soon will be.
    Status wait_turn(Interrupts& interrupts);
    // The key as it is now; no key when it is lost.
    Result<etcdserverpb::RangeResponse> read();
    // Deletes it if it is still ours.
    Status leave();

    const Bytes& key() const { return key_; }
    // The header's revision of the last answer that made it ours.
    int64_t revision() const { return revision_; }

  private:
    Result<etcdserverpb::RangeResponse> youngest_before_us();
    Status wait_deleted(const Bytes& key, int64_t revision, Interrupts& interrupts);
    int64_t deadline_ns() const { return now_ns() + timeout_ns_; }

    Client& client_;
    Session& session_;
    const Bytes prefix_;
    const Bytes key_;
    const int64_t timeout_ns_;
    int64_t create_revision_ = 0;
    int64_t revision_ = 0;
};

// Sleeps until something comes in, at most until the session needs care, and gives it that.
void wait_with(Client& client, Session& session, int64_t deadline_ns, std::span<pollfd> also);

}  // namespace quorate::ctl
