// SPDX-License-Identifier: Apache-2.0
//
// Bytes as a message of a member. What is taken must be a message for protobuf too, with the same
// in it where the two are read in different ways, and come back as bytes that are taken again.
#include "peer.pb.h"
#include "wire/peer_message.h"

#include <cstdlib>
#include <variant>

namespace {

using quorate::Bytes;
using quorate::ByteView;
namespace peer = quorate::peer;
namespace raft = quorate::raft;
namespace wire = quorate::wire;

void require(bool holds) {
    if (!holds) {
        std::abort();
    }
}

bool same(const raft::EntryId& id, const peer::EntryId& other) {
    return id.term == other.term() && id.index == other.index();
}

// Entries are taken by hand, not by protobuf.
void check_append(const raft::AppendRequest& request, const peer::AppendRequest& other) {
    require(same(request.previous, other.previous()));
    require(request.commit == other.commit());
    require(request.entries.size() == static_cast<size_t>(other.entries_size()));
    for (int i = 0; i < other.entries_size(); ++i) {
        const raft::Entry& entry = request.entries[static_cast<size_t>(i)];
        require(same(entry.id, other.entries(i).id()));
        require((entry.type == raft::EntryType::kNormal) == (other.entries(i).type() == 0));
        require(entry.data() == other.entries(i).payload());
    }
}

Bytes encode(const wire::PeerMessage& message) {
    return std::visit([](const auto& any) { return wire::encode_peer_message(any); }, message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const ByteView encoded(reinterpret_cast<const char*>(data), size);
    const auto message = wire::decode_peer_message(encoded);
    if (!message) {
        require(!message.error().message().empty());
        return 0;
    }
    peer::Message other;
    require(other.ParseFromArray(data, static_cast<int>(size)));
    require(wire::sender_of(*message) == other.from());
    if (const auto* of_raft = std::get_if<raft::Message>(&*message)) {
        require(of_raft->to == other.to() && of_raft->term == other.term());
        if (const auto* append = std::get_if<raft::AppendRequest>(&of_raft->body)) {
            check_append(*append, other.append_request());
        }
    }
    const Bytes ours = encode(*message);
    const auto again = wire::decode_peer_message(ours);
    require(again.has_value());
    require(encode(*again) == ours);
    return 0;
}
