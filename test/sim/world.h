// SPDX-License-Identifier: Apache-2.0
//
// A whole cluster, its clients and everything that goes wrong around them, for a while, under one
// seed: first trouble, then peace, in which everything has to come right again; then what everybody
// was told is checked. The same options give the same run, on any machine.
#pragma once

#include "sim/actors.h"
#include "sim/administrator.h"
#include "sim/faults.h"
#include "sim/history.h"
#include "sim/loops.h"
#include "sim/member.h"
#include "sim/observer.h"
#include "sim/peer_network.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace quorate::sim {

struct WorldOptions {
    uint64_t seed = 0;
    uint64_t members = 1;
    uint64_t spares = 0;  // machines that are added and removed while all this goes on
    int64_t trouble_ms = 20'000;
    int64_t kv_clients = 4;
    int64_t watchers = 4;
    int64_t lease_holders = 2;
    bool compactions = true;
    std::set<uint64_t> without;        // numbers of faults that do not happen
    std::set<uint64_t> without_kinds;  // nor do these
    bool trace = false;                // log lines and faults to standard output
    std::function<std::unique_ptr<FileSystem>(FileSystem&)> wrap_disk;
};

struct WorldCounts {
    uint64_t steps = 0;
    uint64_t turns = 0;
    int64_t simulated_ns = 0;
    uint64_t calls = 0;
    uint64_t unanswered = 0;
    uint64_t revisions = 0;
    uint64_t events = 0;
    uint64_t runs = 0;  // of members
    uint64_t faults = 0;
    uint64_t leases = 0;
    uint64_t changes = 0;    // of members
    uint64_t undecided = 0;  // keys that the search gave up on
    uint64_t digest = 0;     // of everything that happened
};

class World {
  public:
    explicit World(const WorldOptions& options);
    ~World();

    // Throws Violation.
    WorldCounts run();

  private:
    void make_members();
    void start_actors();
    bool all_in_service(const std::function<bool(Member&)>& condition) const;
    void begin(const Fault& fault);
    void black_out(uint64_t seed);
    void follow_promises(Member& member, const raft::Message& message);
    void disturb_disk(const Fault& fault, Member& member);
    void disturb_network(const Fault& fault, Member& member);
    void disturb_links(const Fault& fault);
    void flip_a_bit(const Fault& fault, Member& member);
    void end_with_power_cut(Member& member, const Fault& fault);
    void member_ended(Member& member, const std::string& why);
    void start(Member& member);
    void start_later(Member& member, int64_t delay_ns);
    bool is_leaving(const Member& member) const;
    void after_turn(Member& member);
    void make_peace();
    bool knows_anybody_in_service(Member& member);
    void run_until(const std::string& what, const std::function<bool()>& condition);
    void check();
    void check_watches();
    void check_leases();
    void check_membership();
    void trace(const std::string& text) const;
    void digest(uint64_t number) { digest_ = (digest_ ^ number) * 0x100000001b3; }
    void log_line(const Process* process, log::Level level, const std::string& text);
    std::string context() const;

    const WorldOptions options_;
    Rng random_;
    Scheduler scheduler_;
    Loops loops_;
    ClientNetwork network_;
    PeerNetwork peer_network_;
    Observer observer_;
    std::vector<std::unique_ptr<Member>> members_;
    History history_;
    std::vector<std::unique_ptr<KvClient>> kv_clients_;
    std::vector<std::unique_ptr<WatchClient>> watchers_;
    std::vector<std::unique_ptr<LeaseHolder>> lease_holders_;
    std::unique_ptr<Administrator> administrator_;  // null: the members stay
    std::set<const Member*> dies_in_write_;         // with loss of power
    std::vector<Fault> awaited_promises_;           // that fail the power of who makes them
    std::set<const Member*> starting_;              // will be started
    std::map<uint64_t, const Member*> leaders_;     // by term
    bool peace_ = false;
    int64_t peace_since_ns_ = 0;
    WorldCounts counts_;
    uint64_t digest_ = 0xcbf29ce484222325;
};

}  // namespace quorate::sim
