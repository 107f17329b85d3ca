// SPDX-License-Identifier: Apache-2.0
//
// What travels between members besides snapshots' data: quorate.peer.Message. Pure functions and
// values, any thread.
#pragma once

#include "base/status.h"
#include "raft/message.h"

#include <cstdint>
#include <variant>
#include <vector>

namespace quorate::wire {

// A request of a follower's client on its way to the leader.
struct ForwardedProposal {
    uint64_t id = 0;
    raft::Payload payload;
    bool member_change = false;
};

// Taken by the leader of exactly this term, or not at all: see node/pending.h for what that is good
// for. Unlike Raft's own messages these must not be delivered twice.
struct Proposals {
    raft::MemberId from = raft::kNobody;
    raft::MemberId to = raft::kNobody;
    uint64_t term = 0;
    std::vector<ForwardedProposal> proposals;
};

// These are not in the sender's log and will not be put there as proposals of `term`.
struct ProposalsRefused {
    raft::MemberId from = raft::kNobody;
    raft::MemberId to = raft::kNobody;
    uint64_t term = 0;  // the one they were meant for
    std::vector<uint64_t> ids;
    // For the clients; ok: none, the receiver may send them to whoever leads now.
    Status reason;
};

using PeerMessage = std::variant<raft::Message, Proposals, ProposalsRefused>;

raft::MemberId sender_of(const PeerMessage& message);

Bytes encode_peer_message(const raft::Message& message);
Bytes encode_peer_message(const Proposals& message);
Bytes encode_peer_message(const ProposalsRefused& message);

// Makes an encoded message the same one to another member.
void readdress(Bytes& encoded, raft::MemberId to);

// kBadRaftMessage when it is none, or one that no correct member would send.
Result<PeerMessage> decode_peer_message(ByteView encoded);

// A configuration as quorate.peer.Configuration.
Bytes encode_configuration(const raft::Configuration& configuration);

}  // namespace quorate::wire
