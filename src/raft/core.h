// SPDX-License-Identifier: Apache-2.0
//
// What a member has in every role; the roles (follower.h, candidate.h, leader.h) work on it.
// Thread: raft loop.
#pragma once

#include "raft/config.h"
#include "raft/log.h"
#include "raft/message.h"
#include "raft/persistence.h"
#include "raft/ready.h"
#include "raft/types.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::raft {

// Sebastiano Vigna's splitmix64: all the randomness that election timeouts need.
class Random {
  public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next();

  private:
    uint64_t state_;
};

// Counts the silence since the last reset.
class ElectionTimer {
  public:
    ElectionTimer(const Config& config, Random& random);

    // True when it has run out, and then it starts again.
    bool tick();
    void reset() { elapsed_ = 0; }
    uint32_t elapsed() const { return elapsed_; }

  private:
    uint32_t elapsed_ = 0;
    uint32_t timeout_;
};

// Messages by what they have to wait for.
struct Outbox {
    std::vector<Message> at_once;
    std::vector<Message> after_persist;

    bool empty() const { return at_once.empty() && after_persist.empty(); }
};

struct Core {
    Core(const Config& config_of_member, Restored restored);

    // In this member's term, or for pre-votes in the one that is asked about.
    void send(MemberId to, MessageBody body);
    void send_in_term(MemberId to, uint64_t message_term, MessageBody body);

    // The log of a new leader replaces ours behind `index`.
    void truncate_after(uint64_t index);
    // A snapshot replaces everything.
    void restart_after(const Snapshot& received);

    EntryId committed() const { return {log.term_at(log.committed()), log.committed()}; }
    // Somebody knows that this entry is committed; if it is in this log, so is all before it.
    void learn_committed(EntryId id);

    // The last entry that may be handed out to be applied. Committed but not yet on this member's
    // disk is not enough: the state machine would survive a crash that the log does not.
    uint64_t applicable() const;

    // Whether this member may become leader: it has a vote, it holds the data it stands for, and no
    // membership change that might take the vote away waits to be applied.
    bool is_electable() const;

    void check_invariants() const;

    const Config config;
    uint64_t term;
    MemberId vote;
    Configuration configuration;
    uint64_t configuration_index;  // the last entry whose changes are in it
    Log log;
    Persistence persistence;
    Random random;

    Outbox outbox;
    std::vector<ReadState> read_states;
    std::optional<Snapshot> snapshot;  // to install, not yet handed out
};

}  // namespace quorate::raft
