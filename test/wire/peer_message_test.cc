// SPDX-License-Identifier: Apache-2.0
#include "wire/peer_message.h"

#include "base/errors.h"
#include "peer.pb.h"

#include <gtest/gtest.h>

namespace quorate::wire {
namespace {

raft::Payload payload(const std::string& bytes) {
    return std::make_shared<const Bytes>(bytes);
}

raft::Message round_trip(const raft::Message& message) {
    auto decoded = decode_peer_message(encode_peer_message(message));
    EXPECT_TRUE(decoded.has_value()) << decoded.error().message();
    return std::get<raft::Message>(*decoded);
}

// A body that compares comes back as it was, and what we write by hand is what protobuf would.
template <typename Body>
void expect_same(const Body& body) {
    const raft::Message message{0xabcdef0123456789, 2, 7, body};
    const raft::Message after = round_trip(message);
    EXPECT_EQ(after.from, message.from);
    EXPECT_EQ(after.to, message.to);
    EXPECT_EQ(after.term, message.term);
    ASSERT_TRUE(std::holds_alternative<Body>(after.body));
    EXPECT_EQ(std::get<Body>(after.body), body);
    peer::Message parsed;
    const Bytes encoded = encode_peer_message(message);
    ASSERT_TRUE(parsed.ParseFromString(encoded));
    EXPECT_EQ(parsed.ByteSizeLong(), encoded.size());
}

TEST(PeerMessage, SmallBodiesComeBackAsTheyWere) {
    expect_same(raft::VoteRequest{raft::VoteKind::kPreVote, {3, 9}, {2, 8}, false});
    expect_same(raft::VoteRequest{raft::VoteKind::kVote, {3, 9}, {2, 8}, true});
    expect_same(raft::VoteResponse{raft::VoteKind::kVote, true, {2, 8}});
    expect_same(raft::AppendResponse{1ull << 40});
    expect_same(raft::AppendReject{12, {3, 11}});
    expect_same(raft::HeartbeatRequest{5, 6});
    expect_same(raft::HeartbeatResponse{6});
    expect_same(raft::TimeoutNow{});
    expect_same(raft::ReadIndexRequest{99});
    expect_same(raft::ReadIndexResponse{99, 5});
    expect_same(raft::SnapshotRequest{{{4, 100}, {{1, 2, 3}, {}, {7}, {}, false}}});
}

TEST(PeerMessage, EntriesComeBackAsTheyWere) {
    raft::AppendRequest request;
    request.previous = {2, 10};
    request.commit = 9;
    request.entries = {{{2, 11}, raft::EntryType::kNormal, payload("one")},
                       {{3, 12}, raft::EntryType::kNormal, nullptr},
                       {{3, 13}, raft::EntryType::kConfChange, payload(std::string(5000, 'x'))}};
    const raft::Message message{1, 2, 3, request};
    const auto after = round_trip(message);
    const auto& back = std::get<raft::AppendRequest>(after.body);
    EXPECT_EQ(back.previous, request.previous);
    EXPECT_EQ(back.commit, 9u);
    ASSERT_EQ(back.entries.size(), 3u);
    for (size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(back.entries[i].id, request.entries[i].id);
        EXPECT_EQ(back.entries[i].type, request.entries[i].type);
        EXPECT_EQ(back.entries[i].data(), request.entries[i].data());
    }
    peer::Message parsed;
    const Bytes encoded = encode_peer_message(message);
    ASSERT_TRUE(parsed.ParseFromString(encoded));
    EXPECT_EQ(parsed.ByteSizeLong(), encoded.size());
}

// Entries are taken from their bytes by hand as long as they look as we write them. What another
// version may write means the same.
TEST(PeerMessage, AnAppendInAnotherFormMeansTheSame) {
    raft::AppendRequest request;
    request.previous = {2, 10};
    request.commit = 9;
    request.entries = {{{2, 11}, raft::EntryType::kNormal, payload("one")},
                       {{2, 12}, raft::EntryType::kConfChange, payload("two")}};
    const Bytes encoded = encode_peer_message(raft::Message{1, 2, 3, request});
    peer::Message parsed;
    ASSERT_TRUE(parsed.ParseFromString(encoded));
    peer::Message unknown = parsed;
    peer::AppendRequest* append = unknown.mutable_append_request();
    append->GetReflection()->MutableUnknownFields(append)->AddVarint(100, 7);
    peer::Entry* entry = append->mutable_entries(0);
    entry->GetReflection()->MutableUnknownFields(entry)->AddLengthDelimited(100, "more");
    // A field that comes twice: the later number counts, and messages are merged.
    peer::Message again;
    again.set_term(3);
    again.mutable_append_request()->set_commit(9);
    parsed.set_term(1);
    parsed.mutable_append_request()->set_commit(4);
    for (const Bytes& form : {encoded, unknown.SerializeAsString(),
                              parsed.SerializeAsString() + again.SerializeAsString()}) {
        const auto decoded = decode_peer_message(form);
        ASSERT_TRUE(decoded.has_value()) << decoded.error().message();
        const auto& message = std::get<raft::Message>(*decoded);
        EXPECT_EQ(message.from, 1u);
        EXPECT_EQ(message.to, 2u);
        EXPECT_EQ(message.term, 3u);
        const auto& back = std::get<raft::AppendRequest>(message.body);
        EXPECT_EQ(back.previous, request.previous);
        EXPECT_EQ(back.commit, 9u);
        ASSERT_EQ(back.entries.size(), 2u);
        for (size_t i = 0; i < 2; ++i) {
            EXPECT_EQ(back.entries[i].id, request.entries[i].id);
            EXPECT_EQ(back.entries[i].type, request.entries[i].type);
            EXPECT_EQ(back.entries[i].data(), request.entries[i].data());
        }
    }
    // Every cut is seen: the rest is no message.
    for (size_t bytes = encoded.size() - 1; bytes > encoded.size() - 20; --bytes) {
        EXPECT_FALSE(decode_peer_message(ByteView(encoded).substr(0, bytes)).has_value()) << bytes;
    }
}

TEST(PeerMessage, ProposalsAndRefusalsComeBackAsTheyWere) {
    const Proposals proposals{1, 2, 3, {{77, payload("put"), false}, {78, payload("add"), true}}};
    const auto decoded = decode_peer_message(encode_peer_message(proposals));
    ASSERT_TRUE(decoded.has_value());
    EXPECT_EQ(sender_of(*decoded), 1u);
    const auto& back = std::get<Proposals>(*decoded);
    EXPECT_EQ(back.term, 3u);
    ASSERT_EQ(back.proposals.size(), 2u);
    EXPECT_EQ(back.proposals[0].id, 77u);
    EXPECT_EQ(*back.proposals[0].payload, "put");
    EXPECT_FALSE(back.proposals[0].member_change);
    EXPECT_TRUE(back.proposals[1].member_change);

    Bytes readdressed = encode_peer_message(proposals);
    readdress(readdressed, 4711);
    const auto moved = decode_peer_message(readdressed);
    ASSERT_TRUE(moved.has_value());
    EXPECT_EQ(std::get<Proposals>(*moved).to, 4711u);
    EXPECT_EQ(std::get<Proposals>(*moved).from, back.from);
    EXPECT_EQ(std::get<Proposals>(*moved).proposals.size(), 2u);

    const ProposalsRefused refused{2, 1, 5, {77, 78}, errors::kRequestTooManyRequests};
    const auto answer = decode_peer_message(encode_peer_message(refused));
    ASSERT_TRUE(answer.has_value());
    const auto& reasons = std::get<ProposalsRefused>(*answer);
    EXPECT_EQ(reasons.ids, refused.ids);
    EXPECT_EQ(reasons.term, 5U);
    EXPECT_EQ(reasons.reason.code(), Code::kResourceExhausted);
    EXPECT_EQ(reasons.reason.message(), "etcdserver: too many requests");
    const auto no_reason =
        decode_peer_message(encode_peer_message(ProposalsRefused{2, 1, 5, {7}, {}}));
    EXPECT_TRUE(std::get<ProposalsRefused>(*no_reason).reason.ok());
}

TEST(PeerMessage, WhatIsNoMessageIsRefused) {
    EXPECT_FALSE(decode_peer_message("\xff\xff").has_value());
    EXPECT_FALSE(decode_peer_message("").has_value());
    // Entries that do not follow each other: no correct leader sends these.
    raft::AppendRequest request;
    request.previous = {2, 10};
    request.entries = {{{2, 13}, raft::EntryType::kNormal, payload("gap")}};
    EXPECT_FALSE(
        decode_peer_message(encode_peer_message(raft::Message{1, 2, 3, request})).has_value());
}

}  // namespace
}  // namespace quorate::wire
