// SPDX-License-Identifier: Apache-2.0
//
// Those who use the cluster: clients that read and write a few keys that all of them share,
// watchers that come back after every broken connection, and holders of leases. What they were told
// goes into the records that the checkers judge.
#pragma once

#include "sim/client_network.h"
#include "sim/history.h"
#include "sim/lease_check.h"
#include "sim/rng.h"
#include "sim/watch_check.h"

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace quorate::sim {

// What an actor lives in.
struct Surroundings {
    Scheduler& scheduler;
    ClientNetwork& network;
    const std::vector<std::unique_ptr<Member>>& members;
    uint64_t seed;
    bool compactions = true;

    // Of those in service.
    Member& any_member(Rng& random) const {
        Member* any = members[random.below(members.size())].get();
        while (any->stage() != Member::Stage::kInService) {
            any = members[random.below(members.size())].get();
        }
        return *any;
    }
};

class KvClient {
  public:
    KvClient(Surroundings world, int64_t id, History& history);
    void start();
    void stop() { stopped_ = true; }
    // Reads everything that clients share, until that has worked once.
    void read_at_the_end();
    bool has_read() const { return has_read_; }
    int64_t newest_compaction() const { return newest_compaction_; }

  private:
    void next();
    Call choose();
    Operation put(const std::string& key);
    std::string any_key();
    int64_t mod_revision(const std::string& key) const;
    void send(Call call, const std::function<void(bool answered)>& then);
    void learn(const Call& call);
    void compact();

    Surroundings world_;
    const int64_t id_;
    History& history_;
    Rng random_;
    std::map<std::string, int64_t> known_;  // mod_revision by key, as last seen
    int64_t revision_ = 1;                  // the newest that was seen
    int64_t newest_compaction_ = 0;         // asked for
    uint64_t values_ = 0;
    bool stopped_ = false;
    bool has_read_ = false;
};

class WatchClient {
  public:
    WatchClient(Surroundings world, int64_t id);
    ~WatchClient();
    void start();
    const WatchRecord& record() const { return record_; }
    // Owed nothing any more up to there.
    bool has_reached(int64_t revision) const { return next_ > revision; }
    void ask_for_progress();

  private:
    void connect();
    void on_message(const Bytes& message);

    Surroundings world_;
    const int64_t id_;
    Rng random_;
    WatchRecord record_;
    int64_t next_ = 0;  // the revision to go on from, 0: from now on
    std::unique_ptr<ClientNetwork::Stream> stream_;
    uint64_t connection_ = 0;
};

// Grants a lease, hangs a key on it, keeps it alive for a while, and begins again with the next.
class LeaseHolder {
  public:
    LeaseHolder(Surroundings world, int64_t id, History& history);
    void start();
    void stop() { stopped_ = true; }
    // With the key that hangs on each.
    const std::map<std::string, LeaseRecord>& records() const { return records_; }

  private:
    void grant();
    void hang_key();
    void keep_alive();
    void end();

    Surroundings world_;
    const int64_t id_;
    History& history_;
    Rng random_;
    std::map<std::string, LeaseRecord> records_;
    std::string key_;  // of the lease in hand
    int64_t renewals_left_ = 0;
    uint64_t leases_ = 0;
    bool stopped_ = false;
};

}  // namespace quorate::sim
