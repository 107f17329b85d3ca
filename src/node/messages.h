// SPDX-License-Identifier: Apache-2.0
//
// Everything that travels between loops, by the loop that receives it. One request's way and what
// bounds it: a proposal enters the raft inbox only while Admission has room (count and bytes); from
// there to its answer it is in exactly one of inbox, Raft's log, WAL inbox, apply inbox, and leaves
// Admission when its Reply is used or dropped. Reads are bounded the same way.
#pragma once

#include "base/status.h"
#include "node/admission.h"
#include "node/task.h"
#include "raft/confchange.h"
#include "raft/ready.h"
#include "raft/types.h"
#include "transport/transport.h"
#include "wire/peer_message.h"

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

namespace quorate::apply {
struct State;
}

namespace quorate::node {

class RaftLoop;

// ---- to the raft loop ----

// Who waits for an entry to be applied. Empty: nobody here.
struct Waiter {
    transport::Reply reply;
    Admission::Ticket ticket;
};

// A request on its way into the log.
struct Proposal {
    uint64_t id = 0;
    raft::Payload payload;
    Waiter waiter;
    int64_t deadline_ns = 0;
    // Changes who votes or learns: an entry that Raft has to know of.
    bool member_change = false;
    // Rests on the clock of this term's leader: for the log of this term, or for none; 0: for any.
    uint64_t led_term = 0;
};

// A linearizable read that waits for its confirmation. Run with ok() on the read pool once applied
// state is recent enough, or with the error.
using ReadTask = Task<const Status&>;
struct ReadRequest {
    ReadTask task;
    int64_t deadline_ns = 0;
};

// The log write of a Ready is synced.
struct Persisted {
    uint64_t ready_number = 0;
};

// The state machine holds everything up to `index`.
struct Applied {
    uint64_t index = 0;
};

// The engine has synced everything up to `id`: the log before it is no longer needed for a restart.
struct EngineSynced {
    raft::EntryId id;
    raft::Configuration configuration;  // as of `id`
};

// A committed membership change was applied, before Applied says so of its index.
struct ConfChanged {
    uint64_t index = 0;
    std::optional<raft::ConfChange> change;  // nothing: refused, as on every member
};

// The attempt that PeerLinks::send_snapshot began has ended.
struct SnapshotSent {
    raft::MemberId peer = raft::kNobody;
    bool delivered = false;
};

// A peer's snapshot is here, complete, verified and on disk under the name that a start looks for.
struct SnapshotArrived {
    raft::Message message;  // with a SnapshotRequest
};

// Work on consensus between two steps: what only the raft loop may do or see.
using RaftTask = Task<RaftLoop&>;

using RaftInput = std::variant<Proposal, ReadRequest, Persisted, Applied, EngineSynced, ConfChanged,
                               wire::PeerMessage, SnapshotSent, SnapshotArrived, RaftTask>;

// ---- to the wal loop ----

struct LogWrite {
    uint64_t ready_number = 0;  // 0: nobody waits for it
    std::optional<raft::HardState> hard_state;
    std::vector<raft::Entry> entries;
    // Set: the engine holds everything up to here; segments behind it may go.
    std::optional<raft::EntryId> mark;
    raft::Configuration configuration;  // as of `mark`
};

// ---- to the apply loop ----

struct CommittedEntry {
    raft::Entry entry;
    Waiter waiter;
};

struct CommittedBatch {
    std::vector<CommittedEntry> entries;
};

// Work on the applied state between two batches: what only its owner may read.
using ApplyTask = Task<apply::State&>;

using ApplyInput = std::variant<CommittedBatch, ApplyTask>;

}  // namespace quorate::node
