// SPDX-License-Identifier: Apache-2.0
//
// The network between members, as the transport that node::Peers calls over: connections that
// break, messages of Raft that are lost, doubled, delayed and overtaken by others, and directions
// in which nothing gets through. Everything above the transport is the server's own code: links,
// forwarding, snapshots.
#pragma once

#include "raft/message.h"
#include "sim/member.h"
#include "sim/rng.h"
#include "sim/scheduler.h"
#include "transport/client.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace quorate::sim {

struct PeerWeather {
    uint64_t latency_log2_max = 3;  // of a way, in units of 100 us
    // Of a message of Raft, in permille.
    uint64_t lost = 0;
    uint64_t doubled = 0;
    uint64_t overtakes = 0;
    uint64_t breaks = 0;  // its connection ends with it
};

class PeerNetwork {
  public:
    PeerNetwork(Scheduler& scheduler, Loops& loops, uint64_t seed);
    ~PeerNetwork();

    PeerWeather weather;
    // Who asks something also gets an old answer of the same member again, in permille.
    uint64_t old_answers = 0;
    // From the first to the second nothing gets through.
    std::set<std::pair<const Member*, const Member*>> cut;

    // A message of Raft has left a member, and what it promises with it.
    std::function<void(Member& from, const raft::Message& message)> on_sent;

    void add(Member& member) { members_[member.name()] = &member; }
    // What this run of the member calls others with.
    std::unique_ptr<PeerClient> client_of(Member& member);
    // The member's process is gone; others notice.
    void member_ended(const Member& member);

  private:
    class Call;
    class Connection;
    class Client;

    void keep(const Member& from, const Member& to, const raft::Message& message,
              const Bytes& encoded);
    void repeat_an_answer(const Member& from, const Member& to);
    void send_again(const Member& from, const Member& to, const Bytes& message);

    int64_t latency_ns() { return random_.skewed(100'000, weather.latency_log2_max); }

    Scheduler& scheduler_;
    Loops& loops_;
    Rng random_;
    std::map<std::string, Member*> members_;
    std::list<std::shared_ptr<Call>> calls_;
    // By who gave them to whom. Votes are few and stand apart, or others would drive them out.
    struct Answers {
        std::deque<Bytes> votes;
        std::deque<Bytes> others;
    };
    std::map<std::pair<const Member*, const Member*>, Answers> answers_;
};

}  // namespace quorate::sim
