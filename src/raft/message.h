// SPDX-License-Identifier: Apache-2.0
//
// What members say to each other. Values, any thread. The host moves them: it may lose, repeat,
// delay and reorder them, but must not change them.
//
//   VoteRequest       candidate -> voters     VoteResponse       back
//   AppendRequest     leader -> all           AppendResponse or AppendReject, back
//   HeartbeatRequest  leader -> all           HeartbeatResponse  back
//   SnapshotRequest   leader -> one behind    AppendResponse     back
//   ReadIndexRequest  follower -> leader      ReadIndexResponse  back
//   TimeoutNow        leader -> its successor
//   TermNotice        any -> a leader or pre-candidate of an older term
#pragma once

#include "base/status.h"
#include "raft/types.h"

#include <cstdint>
#include <variant>
#include <vector>

namespace quorate::raft {

// A pre-vote asks "would you vote for me?" and changes nobody's term (Raft thesis §9.6).
enum class VoteKind : uint8_t { kPreVote = 0, kVote = 1 };

// Votes carry what both sides know to be committed, so that a membership change which only a
// removed leader knows to be complete does not stand in the way of an election:
//   1. Members 1 and 2; leader 2 commits its own removal, entry 8, and appends entry 9.
//   2. Member 1 has entry 8, but the news that it is committed are lost with the leadership of 2.
//   3. Member 1 still needs the vote of 2, and 2, whose log is longer, refuses it for ever.
// With the refusal member 1 learns that entry 8 is committed, and then needs only itself.
struct VoteRequest {
    VoteKind kind = VoteKind::kVote;
    EntryId last;  // of the candidate's log
    EntryId committed;
    bool transfer = false;  // the leader itself asked for this election: no leader stickiness

    friend bool operator==(const VoteRequest&, const VoteRequest&) = default;
};

struct VoteResponse {
    VoteKind kind = VoteKind::kVote;
    bool granted = false;
    EntryId committed;

    friend bool operator==(const VoteResponse&, const VoteResponse&) = default;
};

struct AppendRequest {
    EntryId previous;            // the entry before the first of `entries`
    uint64_t commit = 0;         // the leader's
    std::vector<Entry> entries;  // consecutive
};

// The follower's log holds, on disk, everything that the leader's does up to `match`.
struct AppendResponse {
    uint64_t match = 0;

    friend bool operator==(const AppendResponse&, const AppendResponse&) = default;
};

// The follower has no such `previous`. `hint` is the last entry of the follower that may agree with
// the leader's log: a whole term of divergence is skipped per round trip (Raft §5.3).
struct AppendReject {
    uint64_t previous_index = 0;  // of the request that is rejected
    EntryId hint;

    friend bool operator==(const AppendReject&, const AppendReject&) = default;
};

struct HeartbeatRequest {
    uint64_t commit = 0;      // never above what this follower is known to match
    uint64_t read_round = 0;  // the newest round of ReadIndex; an answer confirms all up to it

    friend bool operator==(const HeartbeatRequest&, const HeartbeatRequest&) = default;
};

struct HeartbeatResponse {
    uint64_t read_round = 0;

    friend bool operator==(const HeartbeatResponse&, const HeartbeatResponse&) = default;
};

// Leader: the host sends the data of a snapshot that is at least this new, and puts the EntryId and
// Configuration of that snapshot here. Follower: stepped only when all the data have arrived.
struct SnapshotRequest {
    Snapshot snapshot;

    friend bool operator==(const SnapshotRequest&, const SnapshotRequest&) = default;
};

struct TimeoutNow {
    friend bool operator==(const TimeoutNow&, const TimeoutNow&) = default;
};

// Lost ones are not repeated: the host asks again, with another id.
struct ReadIndexRequest {
    uint64_t request_id = 0;

    friend bool operator==(const ReadIndexRequest&, const ReadIndexRequest&) = default;
};

struct ReadIndexResponse {
    uint64_t request_id = 0;
    uint64_t index = 0;

    friend bool operator==(const ReadIndexResponse&, const ReadIndexResponse&) = default;
};

// "My term is newer than yours": Message::term says all.
struct TermNotice {
    friend bool operator==(const TermNotice&, const TermNotice&) = default;
};

using MessageBody = std::variant<VoteRequest, VoteResponse, AppendRequest, AppendResponse,
                                 AppendReject, HeartbeatRequest, HeartbeatResponse, SnapshotRequest,
                                 TimeoutNow, ReadIndexRequest, ReadIndexResponse, TermNotice>;

// The order in which a link that is short of room should serve them: an election must not start
// because a heartbeat stands behind a megabyte of entries.
enum class Priority : uint8_t {
    kUrgent = 0,  // small: votes, heartbeats, reads
    kEntries = 1,
    kBulk = 2,  // snapshots
};

struct Message {
    MemberId from = kNobody;
    MemberId to = kNobody;
    uint64_t term = 0;  // the sender's; in a pre-vote and its grant the term asked about
    MessageBody body;

    Priority priority() const;

    // kBadRaftMessage when no correct member could have sent this.
    Status check_form() const;
};

}  // namespace quorate::raft
