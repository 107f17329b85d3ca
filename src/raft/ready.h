// SPDX-License-Identifier: Apache-2.0
//
// What Raft wants done. The host takes a Ready, carries it out and need not finish before it takes
// the next; the order of Readys is kept within each kind of work:
//
//   1. messages                  to peers at once
//   2. snapshot, entries, hard_state  to the disk in this order, synced, if number != 0
//   3. then persisted(number)    and messages_after_persist to peers
//   4. snapshot, committed       to the state machine, then applied(index)
//
// What the state machine has on its own disk must never be ahead of the log's: committed entries
// are handed out only when they are persisted, and an installed snapshot may become durable with or
// after its write, not before it.
//
// "Persist, then answer" lives in this struct: what promises something durable is never in
// `messages`.
#pragma once

#include "raft/message.h"
#include "raft/types.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quorate::raft {

enum class Role : uint8_t { kFollower = 0, kPreCandidate = 1, kCandidate = 2, kLeader = 3 };

struct SoftState {
    MemberId leader = kNobody;
    Role role = Role::kFollower;

    friend bool operator==(const SoftState&, const SoftState&) = default;
};

// A linearizable read may be answered from state that has applied `index` or more.
struct ReadState {
    uint64_t request_id = 0;
    uint64_t index = 0;

    friend bool operator==(const ReadState&, const ReadState&) = default;
};

struct Ready {
    // Names this write, counting up from 1. 0: nothing to persist and nothing that waits for it.
    // A Ready with a number but nothing to write only waits for the writes before it.
    uint64_t number = 0;

    // Changed term or vote; the commit index is carried along and never the reason for a write.
    std::optional<HardState> hard_state;
    // To install: replaces the state machine and the whole log.
    std::optional<Snapshot> snapshot;
    // To append to the log. The first may be at or below the end of what was written before: it
    // replaces the entry of its index, and all behind that are void.
    std::vector<Entry> entries;

    std::vector<Message> messages;
    std::vector<Message> messages_after_persist;

    // To apply. Already persisted here and committed; follows the committed entries of the Ready
    // before, or the snapshot.
    std::vector<Entry> committed;

    // Present when it changed. When this member is no longer leader, or has another leader,
    // requests of ReadIndex that were not answered never will be.
    std::optional<SoftState> soft_state;
    std::vector<ReadState> read_states;
};

}  // namespace quorate::raft
