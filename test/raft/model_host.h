// SPDX-License-Identifier: Apache-2.0
//
// The smallest host that Raft can have: a disk that syncs when it is told to, a state machine that
// is a running hash, and a crash that forgets what was not synced. The scripts and the random
// network drive it.
#pragma once

#include "raft/raft.h"

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quorate::raft {

struct StateMachine {
    EntryId last;       // applied
    uint64_t hash = 0;  // of all entries that were applied
    Configuration configuration;

    void apply(const Entry& entry);

    friend bool operator==(const StateMachine&, const StateMachine&) = default;
};

// A message and, for a snapshot, the data that the host moves with it.
struct Envelope {
    Message message;
    std::optional<StateMachine> data;
};

Payload payload(std::string_view text);
// The forms that describe(ConfChange) writes.
ConfChange parse_conf_change(std::string_view text);

class ModelHost {
  public:
    ModelHost(const Config& config, Restored restored);

    bool is_up() const { return raft_.has_value(); }
    Raft& raft() { return *raft_; }
    const Raft& raft() const { return *raft_; }
    const StateMachine& state() const { return state_; }
    const StateMachine& checkpoint() const { return checkpoint_; }
    uint64_t disk_last_index() const { return disk_start_.index + disk_entries_.size(); }

    Status receive(Envelope&& envelope);

    // Takes a Ready. Its write waits for sync(), what it commits for apply().
    struct Turn {
        Ready ready;  // without the messages, which are in `sent`
        std::vector<Envelope> sent;
    };
    Turn take_ready();

    size_t writes_pending() const { return writes_.size(); }
    // Ends the oldest write and returns what waited for it.
    std::vector<Envelope> sync();

    size_t applies_pending() const { return applies_.size(); }
    // Applies the oldest Ready's share. Returns the entries, or nothing for a snapshot.
    std::vector<Entry> apply();

    // The state machine reaches the disk; a crash goes back to this point.
    void make_checkpoint();
    // Drops entries up to `index`, which is in the checkpoint.
    void compact(uint64_t index);

    void crash();
    void restart(uint64_t seed);

  private:
    struct Write {
        uint64_t number = 0;
        std::optional<HardState> hard_state;
        std::optional<StateMachine> snapshot;
        std::vector<Entry> entries;
        std::vector<Envelope> then;
    };
    struct Apply {
        std::optional<StateMachine> snapshot;
        std::vector<Entry> entries;
    };

    std::vector<Envelope> with_data(std::vector<Message>&& messages) const;

    Config config_;
    std::optional<Raft> raft_;

    StateMachine state_;
    StateMachine checkpoint_;
    std::deque<Write> writes_;
    std::deque<Apply> applies_;
    std::map<uint64_t, StateMachine> received_;  // data of snapshots, by index

    HardState disk_hard_state_;
    EntryId disk_start_;
    std::vector<Entry> disk_entries_;
};

}  // namespace quorate::raft
