// SPDX-License-Identifier: Apache-2.0
//
// LeaseLoad: grants leases, then keeps them alive over many streams, one request in flight on each.
// Answers must come in order, name the lease, and give it time to live. One thread.
#pragma once

#include "load.h"
#include "rpc.pb.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::load {

class LeaseLoad final : public Load, private StreamHandler {
  public:
    struct Shape {
        uint64_t leases = 0;
        int64_t ttl_s = 0;
        size_t streams = 0;  // per connection
    };
    LeaseLoad(Loop& loop, std::vector<Connection*> connections, Shape shape, Recorder& recorder);

    Status prepare() override;  // grants
    void begin(const Schedule& schedule) override;
    void pump(int64_t now) override;
    bool finished(int64_t now) const override;
    int64_t next_due_ns() const override;
    void conclude(int64_t now) override;

  private:
    // A keep-alive stream and the leases that are its own.
    struct Slot {
        Connection* connection = nullptr;
        Stream* stream = nullptr;
        std::vector<int64_t> leases;
        size_t next = 0;
    };

    void on_message(Stream& stream, std::string_view message) override;
    void on_end(Stream& stream, const GrpcStatus& status) override;
    bool issue(Slot& slot, int64_t now);

    Loop& loop_;
    const Shape shape_;
    Recorder& recorder_;
    std::vector<Slot> slots_;
    std::vector<size_t> idle_;
    size_t in_flight_ = 0;
    std::optional<Pacer> pacer_;
    etcdserverpb::LeaseKeepAliveRequest request_;
    etcdserverpb::LeaseKeepAliveResponse answer_;
};

}  // namespace quorate::load
