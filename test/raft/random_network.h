// SPDX-License-Identifier: Apache-2.0
//
// A cluster of model hosts on a network that loses, repeats, reorders and cuts, with crashes that
// lose what was not synced, and membership changes. One seed decides everything. After every step
// the properties of Raft §5 (figure 3) are checked; a violation throws Violation.
#pragma once

#include "raft/model_host.h"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

namespace quorate::raft {

class Violation : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// What the whole cluster has done so far, and must never take back.
class Properties {
  public:
    // Election safety: one leader per term.
    void leads(uint64_t term, MemberId leader);
    // Log matching: an index and a term name one entry with one predecessor.
    void writes(const Entry& entry, uint64_t previous_term);
    // State machine safety, and what leader completeness is checked against.
    void commits(EntryId id, uint64_t in_term);
    // Leader completeness: a leader has every entry that was committed in an earlier term.
    void check_complete(const Raft& leader) const;
    // Two state machines that have applied the same entry are the same.
    void reaches(const StateMachine& state);

    uint64_t last_committed() const { return committed_.empty() ? 0 : committed_.rbegin()->first; }

  private:
    struct Written {
        uint64_t previous_term = 0;
        Bytes data;
    };
    struct Committed {
        uint64_t term = 0;
        uint64_t in_term = 0;  // the lowest term in which somebody knew
    };

    std::map<uint64_t, MemberId> leaders_;                      // by term
    std::map<std::pair<uint64_t, uint64_t>, Written> written_;  // by index and term
    std::map<uint64_t, Committed> committed_;                   // by index
    std::map<uint64_t, StateMachine> states_;                   // by applied index
};

class RandomNetwork {
  public:
    struct Options {
        uint64_t seed = 0;
        uint64_t first_members = 3;
        uint64_t all_members = 5;  // the others may join later
        uint64_t steps = 10000;
    };

    explicit RandomNetwork(const Options& options);

    // Trouble, then peace: in the end everybody must agree.
    void run();

    struct Counts {
        uint64_t committed = 0;
        uint64_t crashes = 0;
        uint64_t snapshots = 0;
        uint64_t reads = 0;
        uint64_t conf_changes = 0;
        uint64_t transfers = 0;
    };
    const Counts& counts() const { return counts_; }

  private:
    struct Read {
        MemberId member = kNobody;
        uint64_t floor = 0;  // what was committed anywhere when the read was asked for
    };

    // How often things happen, in percent, the rare ones in permille.
    struct Weather {
        uint64_t tick = 0;
        uint64_t client = 0;
        uint64_t ready = 0;
        uint64_t sync = 0;
        uint64_t apply = 0;
        uint64_t house = 0;
        uint64_t in_order = 0;
        uint64_t lost = 0;
        uint64_t twice = 0;
        uint64_t deliveries = 0;  // per step
        uint64_t campaign = 0;    // permille, like the rest
        uint64_t crash = 0;
        uint64_t restart = 0;
        uint64_t cut = 0;
    };

    bool permille(uint64_t rate) { return random_.next() % 1000 < rate; }
    bool chance(uint64_t percent) { return random_.next() % 100 < percent; }
    uint64_t below(uint64_t bound) { return random_.next() % bound; }

    void disturb();
    void work(MemberId id);
    void client(MemberId id);
    void change_membership(MemberId id);
    void keep_house(MemberId id);
    void deliver_one();
    void cut_network();
    void make_peace();
    void run_until_agreed();

    void tick(MemberId id);
    void take_ready(MemberId id);
    void sync(MemberId id);
    void apply(MemberId id);
    void crash(MemberId id);
    void restart(MemberId id);
    void hand_over(Envelope&& envelope);
    void report(const Envelope& envelope, Raft::SnapshotOutcome outcome);
    void send(std::vector<Envelope>&& envelopes);
    void observe(MemberId id);
    bool all_agree() const;
    ModelHost& host(MemberId id) { return hosts_.at(id); }

    Options options_;
    Weather weather_;
    Random random_;
    std::map<MemberId, ModelHost> hosts_;
    std::map<MemberId, uint64_t> known_committed_;  // per host since its start
    std::vector<Envelope> network_;
    std::set<std::pair<MemberId, MemberId>> cut_;  // from, to
    std::map<uint64_t, Read> reads_;
    uint64_t next_request_ = 1;
    uint64_t next_payload_ = 1;
    bool peace_ = false;
    Properties properties_;
    Counts counts_;
};

}  // namespace quorate::raft
