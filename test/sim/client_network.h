// SPDX-License-Identifier: Apache-2.0
//
// The network between clients and members: it delays, and while the weather is bad it loses
// requests and answers and holds streams back. What is lost, and what a member that ends had not
// answered, ends as "unavailable" for the client, who then can't know whether it has happened.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "sim/member.h"
#include "sim/rng.h"
#include "sim/scheduler.h"

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace quorate::sim {

struct ClientWeather {
    uint64_t latency_log2_max = 5;  // of a way, in units of 100 us
    uint64_t lost_permille = 0;
    uint64_t busy_permille = 0;  // a stream takes no more for a while
};

class ClientNetwork {
  public:
    using Done = std::function<void(const Status&, const Bytes& answer)>;

    ClientNetwork(Scheduler& scheduler, Loops& loops, uint64_t seed);
    ~ClientNetwork();

    ClientWeather weather;
    // Pairs of client and member that do not hear each other.
    std::set<std::pair<int64_t, const Member*>> cut;

    struct Request {
        int64_t client = 0;
        std::string path;
        Bytes message;
        int64_t timeout_ns = 0;
    };
    // One request, one answer; of a streaming method the first one.
    void call(Member& member, Request request, Done done);

    // A stream of a client, until it is destroyed or has ended.
    class Stream {
      public:
        virtual ~Stream() = default;
        virtual void send(const Bytes& message) = 0;
    };
    struct StreamHandlers {
        std::function<void(const Bytes& message)> on_message;
        std::function<void(const Status& status)> on_end;
    };
    std::unique_ptr<Stream> open_stream(Member& member, int64_t client, std::string path,
                                        StreamHandlers handlers);

    // The member's process is gone: nothing under way to it will be answered.
    void member_ended(const Member& member);

  private:
    class UnaryCall;
    class ServerStream;
    class ClientStream;

    bool is_lost(int64_t client, const Member& member);
    int64_t latency_ns() { return random_.skewed(100'000, weather.latency_log2_max); }
    // Runs `arrive` when the message has reached the member, or `lose`.
    void deliver(Member& member, int64_t client, const std::function<void()>& arrive,
                 const std::function<void()>& lose);

    Scheduler& scheduler_;
    Loops& loops_;
    Rng random_;
    std::list<std::weak_ptr<UnaryCall>> unary_;
    std::list<std::weak_ptr<ServerStream>> streams_;
};

}  // namespace quorate::sim
