// SPDX-License-Identifier: Apache-2.0
#include "wire/peer_message.h"

#include "base/assert.h"
#include "base/errors.h"
#include "peer.pb.h"
#include "wire/proto_reader.h"
#include "wire/proto_writer.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace quorate::wire {
namespace {

// Field numbers of quorate.peer.Message.
enum Body : uint32_t {
    kVoteRequest = 4,
    kVoteResponse = 5,
    kAppendRequest = 6,
    kAppendResponse = 7,
    kAppendReject = 8,
    kHeartbeatRequest = 9,
    kHeartbeatResponse = 10,
    kSnapshotRequest = 11,
    kTimeoutNow = 12,
    kReadIndexRequest = 13,
    kReadIndexResponse = 14,
    kTermNotice = 15,
    kProposals = 16,
    kProposalsRefused = 17,
};

void append_fixed64(Bytes& out, uint32_t field, uint64_t value) {
    char raw[sizeof value];
    store_le64(raw, value);
    append_tag(out, field, kFixed64);
    out.append(raw, sizeof raw);
}

void append_id(Bytes& out, uint32_t field, raft::EntryId id) {
    Bytes encoded;
    append_uint(encoded, 1, id.term);
    append_uint(encoded, 2, id.index);
    append_message(out, field, encoded);
}

// Of `to` in every message: behind its tag, and behind `from` with its tag.
constexpr size_t kToOffset = 1 + sizeof(uint64_t) + 1;

void append_envelope(Bytes& out, raft::MemberId from, raft::MemberId to, uint64_t term) {
    append_fixed64(out, 1, from);
    append_fixed64(out, 2, to);
    append_uint(out, 3, term);
}

size_t encoded_size(raft::EntryId id) {
    return (id.term != 0 ? 1 + varint_size(id.term) : 0) +
           (id.index != 0 ? 1 + varint_size(id.index) : 0);
}

// The bulk of all traffic: written into place in one go, for a payload may be large and a message
// hold thousands.
void append_entries(Bytes& out, const raft::AppendRequest& request) {
    const auto entry_size = [](const raft::Entry& entry) {
        return message_field_size(1, encoded_size(entry.id)) +
               (entry.type != raft::EntryType::kNormal ? 2 : 0) +
               (entry.data().empty() ? 0 : message_field_size(3, entry.data().size()));
    };
    size_t size = message_field_size(1, encoded_size(request.previous)) +
                  (request.commit != 0 ? 1 + varint_size(request.commit) : 0);
    for (const raft::Entry& entry : request.entries) {
        size += message_field_size(3, entry_size(entry));
    }
    out.reserve(out.size() + message_field_size(kAppendRequest, size));
    append_tag(out, kAppendRequest, kLengthDelimited);
    append_varint(out, size);
    append_id(out, 1, request.previous);
    append_uint(out, 2, request.commit);
    for (const raft::Entry& entry : request.entries) {
        append_tag(out, 3, kLengthDelimited);
        append_varint(out, entry_size(entry));
        append_id(out, 1, entry.id);
        append_uint(out, 2, static_cast<uint64_t>(entry.type));
        append_bytes(out, 3, entry.data());
    }
}

struct BodyWriter {
    Bytes& out;

    void operator()(const raft::VoteRequest& body) const {
        Bytes encoded;
        append_bool(encoded, 1, body.kind == raft::VoteKind::kVote);
        append_id(encoded, 2, body.last);
        append_id(encoded, 3, body.committed);
        append_bool(encoded, 4, body.transfer);
        append_message(out, kVoteRequest, encoded);
    }
    void operator()(const raft::VoteResponse& body) const {
        Bytes encoded;
        append_bool(encoded, 1, body.kind == raft::VoteKind::kVote);
        append_bool(encoded, 2, body.granted);
        append_id(encoded, 3, body.committed);
        append_message(out, kVoteResponse, encoded);
    }
    void operator()(const raft::AppendRequest& body) const { append_entries(out, body); }
    void operator()(const raft::AppendResponse& body) const { number(kAppendResponse, body.match); }
    void operator()(const raft::AppendReject& body) const {
        Bytes encoded;
        append_uint(encoded, 1, body.previous_index);
        append_id(encoded, 2, body.hint);
        append_message(out, kAppendReject, encoded);
    }
    void operator()(const raft::HeartbeatRequest& body) const {
        Bytes encoded;
        append_uint(encoded, 1, body.commit);
        append_uint(encoded, 2, body.read_round);
        append_message(out, kHeartbeatRequest, encoded);
    }
    void operator()(const raft::HeartbeatResponse& body) const {
        number(kHeartbeatResponse, body.read_round);
    }
    void operator()(const raft::SnapshotRequest& body) const {
        Bytes encoded;
        append_id(encoded, 1, body.snapshot.id);
        append_message(encoded, 2, encode_configuration(body.snapshot.configuration));
        append_message(out, kSnapshotRequest, encoded);
    }
    void operator()(const raft::TimeoutNow&) const { append_message(out, kTimeoutNow, {}); }
    void operator()(const raft::ReadIndexRequest& body) const {
        number(kReadIndexRequest, body.request_id);
    }
    void operator()(const raft::ReadIndexResponse& body) const {
        Bytes encoded;
        append_uint(encoded, 1, body.request_id);
        append_uint(encoded, 2, body.index);
        append_message(out, kReadIndexResponse, encoded);
    }
    void operator()(const raft::TermNotice&) const { append_message(out, kTermNotice, {}); }

  private:
    void number(uint32_t field, uint64_t value) const {
        Bytes encoded;
        append_uint(encoded, 1, value);
        append_message(out, field, encoded);
    }
};

raft::EntryId read(const peer::EntryId& id) {
    return {.term = id.term(), .index = id.index()};
}

std::vector<raft::MemberId> read(const google::protobuf::RepeatedField<uint64_t>& ids) {
    return {ids.begin(), ids.end()};
}

raft::Configuration read(const peer::Configuration& configuration) {
    return {read(configuration.voters()), read(configuration.voters_outgoing()),
            read(configuration.learners()), read(configuration.learners_next()),
            configuration.auto_leave()};
}

// Takes the bytes out of the message, so that a large payload is copied once on its way in.
raft::Payload take_payload(std::string* bytes) {
    return bytes->empty() ? nullptr : std::make_shared<const Bytes>(std::move(*bytes));
}

raft::VoteKind kind_of(bool real) {
    return real ? raft::VoteKind::kVote : raft::VoteKind::kPreVote;
}

raft::AppendRequest read(peer::AppendRequest& request) {
    raft::AppendRequest out;
    out.previous = read(request.previous());
    out.commit = request.commit();
    out.entries.reserve(static_cast<size_t>(request.entries_size()));
    for (peer::Entry& entry : *request.mutable_entries()) {
        raft::Entry& to = out.entries.emplace_back();
        to.id = read(entry.id());
        to.type = entry.type() == 0 ? raft::EntryType::kNormal : raft::EntryType::kConfChange;
        to.payload = take_payload(entry.mutable_payload());
    }
    return out;
}

Result<raft::MessageBody> read_body(peer::Message& message) {
    using Read = raft::MessageBody;
    switch (message.body_case()) {
        case peer::Message::kVoteRequest: {
            const auto& body = message.vote_request();
            return Read(raft::VoteRequest{kind_of(body.real()), read(body.last()),
                                          read(body.committed()), body.transfer()});
        }
        case peer::Message::kVoteResponse: {
            const auto& body = message.vote_response();
            return Read(
                raft::VoteResponse{kind_of(body.real()), body.granted(), read(body.committed())});
        }
        case peer::Message::kAppendRequest:
            return Read(read(*message.mutable_append_request()));
        case peer::Message::kAppendResponse:
            return Read(raft::AppendResponse{message.append_response().match()});
        case peer::Message::kAppendReject:
            return Read(raft::AppendReject{message.append_reject().previous_index(),
                                           read(message.append_reject().hint())});
        case peer::Message::kHeartbeatRequest:
            return Read(raft::HeartbeatRequest{message.heartbeat_request().commit(),
                                               message.heartbeat_request().read_round()});
        case peer::Message::kHeartbeatResponse:
            return Read(raft::HeartbeatResponse{message.heartbeat_response().read_round()});
        case peer::Message::kSnapshotRequest:
            return Read(raft::SnapshotRequest{{read(message.snapshot_request().id()),
                                               read(message.snapshot_request().configuration())}});
        case peer::Message::kTimeoutNow:
            return Read(raft::TimeoutNow{});
        case peer::Message::kReadIndexRequest:
            return Read(raft::ReadIndexRequest{message.read_index_request().request_id()});
        case peer::Message::kReadIndexResponse:
            return Read(raft::ReadIndexResponse{message.read_index_response().request_id(),
                                                message.read_index_response().index()});
        case peer::Message::kTermNotice:
            return Read(raft::TermNotice{});
        case peer::Message::kProposals:
        case peer::Message::kProposalsRefused:
        case peer::Message::BODY_NOT_SET:
            break;
    }
    return Status(errors::kBadRaftMessage, "a message of a kind that this version does not know");
}

Proposals read_proposals(peer::Message& message) {
    Proposals out{message.from(), message.to(), message.term(), {}};
    out.proposals.reserve(static_cast<size_t>(message.proposals().proposals_size()));
    for (auto& proposal : *message.mutable_proposals()->mutable_proposals()) {
        out.proposals.push_back(
            {proposal.id(), take_payload(proposal.mutable_payload()), proposal.member_change()});
    }
    return out;
}

// The three below take an AppendRequest from its bytes without an object of protobuf's for each
// entry and id: that is most of what a busy follower's transport thread would do. Nothing: it is
// something else, or not as our own writer makes it, with its fields once and in order; protobuf is
// to judge.
std::optional<raft::EntryId> take_id(ByteView encoded) {
    raft::EntryId id;
    ProtoReader reader(encoded);
    uint32_t before = 0;
    for (ProtoField field; reader.next(field);) {
        if (field.number <= std::exchange(before, field.number)) {
            return std::nullopt;
        }
        if (field.is(1, kVarint)) {
            id.term = field.value;
        } else if (field.is(2, kVarint)) {
            id.index = field.value;
        } else {
            return std::nullopt;
        }
    }
    return reader.failed() ? std::nullopt : std::optional(id);
}

std::optional<raft::Entry> take_entry(ByteView encoded) {
    raft::Entry entry;
    ProtoReader reader(encoded);
    uint32_t before = 0;
    for (ProtoField field; reader.next(field);) {
        if (field.number <= std::exchange(before, field.number)) {
            return std::nullopt;
        }
        if (field.is(1, kLengthDelimited)) {
            const auto id = take_id(field.bytes);
            if (!id) {
                return std::nullopt;
            }
            entry.id = *id;
        } else if (field.is(2, kVarint)) {
            entry.type = static_cast<uint32_t>(field.value) == 0 ? raft::EntryType::kNormal
                                                                 : raft::EntryType::kConfChange;
        } else if (field.is(3, kLengthDelimited)) {
            entry.payload =
                field.bytes.empty() ? nullptr : std::make_shared<const Bytes>(field.bytes);
        } else {
            return std::nullopt;
        }
    }
    return reader.failed() ? std::nullopt : std::optional(std::move(entry));
}

std::optional<raft::AppendRequest> take_append(ByteView encoded) {
    raft::AppendRequest out;
    ProtoReader reader(encoded);
    uint32_t before = 0;
    for (ProtoField field; reader.next(field);) {
        const uint32_t last = std::exchange(before, field.number);
        if (field.number < last || (field.number == last && last != 3)) {
            return std::nullopt;
        }
        if (field.is(1, kLengthDelimited)) {
            const auto id = take_id(field.bytes);
            if (!id) {
                return std::nullopt;
            }
            out.previous = *id;
        } else if (field.is(2, kVarint)) {
            out.commit = field.value;
        } else if (field.is(3, kLengthDelimited)) {
            auto entry = take_entry(field.bytes);
            if (!entry) {
                return std::nullopt;
            }
            out.entries.push_back(std::move(*entry));
        } else {
            return std::nullopt;
        }
    }
    return reader.failed() ? std::nullopt : std::optional(std::move(out));
}

std::optional<raft::Message> take_append_message(ByteView encoded) {
    raft::Message out;
    std::optional<raft::AppendRequest> append;
    ProtoReader reader(encoded);
    uint32_t before = 0;
    for (ProtoField field; reader.next(field);) {
        if (field.number <= std::exchange(before, field.number)) {
            return std::nullopt;
        }
        if (field.is(1, kFixed64)) {
            out.from = field.value;
        } else if (field.is(2, kFixed64)) {
            out.to = field.value;
        } else if (field.is(3, kVarint)) {
            out.term = field.value;
        } else if (field.is(kAppendRequest, kLengthDelimited) && !append) {
            append = take_append(field.bytes);
            if (!append) {
                return std::nullopt;
            }
        } else {
            return std::nullopt;
        }
    }
    if (reader.failed() || !append) {
        return std::nullopt;
    }
    out.body = std::move(*append);
    return out;
}

ProposalsRefused read_refused(const peer::Message& message) {
    const peer::ProposalsRefused& body = message.proposals_refused();
    ProposalsRefused out{
        message.from(), message.to(), message.term(), {body.ids().begin(), body.ids().end()}, {}};
    if (body.code() != 0) {
        out.reason = Status::from_wire(body.code(), body.text());
    }
    return out;
}

}  // namespace

raft::MemberId sender_of(const PeerMessage& message) {
    return std::visit([](const auto& any) { return any.from; }, message);
}

Bytes encode_configuration(const raft::Configuration& configuration) {
    Bytes out;
    const auto append = [&out](uint32_t field, const std::vector<raft::MemberId>& ids) {
        for (const raft::MemberId id : ids) {
            append_fixed64(out, field, id);
        }
    };
    append(1, configuration.voters);
    append(2, configuration.voters_outgoing);
    append(3, configuration.learners);
    append(4, configuration.learners_next);
    append_bool(out, 5, configuration.auto_leave);
    return out;
}

Bytes encode_peer_message(const raft::Message& message) {
    Bytes out;
    append_envelope(out, message.from, message.to, message.term);
    std::visit(BodyWriter{out}, message.body);
    return out;
}

Bytes encode_peer_message(const Proposals& message) {
    Bytes body;
    for (const ForwardedProposal& proposal : message.proposals) {
        Bytes one;
        append_fixed64(one, 1, proposal.id);
        append_bytes(one, 2, proposal.payload == nullptr ? ByteView() : *proposal.payload);
        append_bool(one, 3, proposal.member_change);
        append_message(body, 1, one);
    }
    Bytes out;
    append_envelope(out, message.from, message.to, message.term);
    append_message(out, kProposals, body);
    return out;
}

Bytes encode_peer_message(const ProposalsRefused& message) {
    Bytes body;
    for (const uint64_t id : message.ids) {
        append_fixed64(body, 1, id);
    }
    append_uint(body, 2, static_cast<uint64_t>(message.reason.code()));
    append_bytes(body, 3, message.reason.message());
    Bytes out;
    append_envelope(out, message.from, message.to, message.term);
    append_message(out, kProposalsRefused, body);
    return out;
}

void readdress(Bytes& encoded, raft::MemberId to) {
    QUORATE_ASSERT(encoded.size() >= kToOffset + sizeof to);
    store_le64(encoded.data() + kToOffset, to);
}

Result<PeerMessage> decode_peer_message(ByteView encoded) {
    if (auto append = take_append_message(encoded)) {
        if (Status s = append->check_form(); !s.ok()) {
            return s;
        }
        return PeerMessage(std::move(*append));
    }
    peer::Message message;
    if (!message.ParseFromArray(encoded.data(), static_cast<int>(encoded.size()))) {
        return Status(errors::kBadRaftMessage,
                      std::to_string(encoded.size()) + " bytes can't be decoded");
    }
    if (message.has_proposals()) {
        return PeerMessage(read_proposals(message));
    }
    if (message.has_proposals_refused()) {
        return PeerMessage(read_refused(message));
    }
    auto body = read_body(message);
    if (!body) {
        return body.error();
    }
    raft::Message out{message.from(), message.to(), message.term(), std::move(body).value()};
    if (Status s = out.check_form(); !s.ok()) {
        return s;
    }
    return PeerMessage(std::move(out));
}

}  // namespace quorate::wire
