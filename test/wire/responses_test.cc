// SPDX-License-Identifier: Apache-2.0
//
// What is spliced by hand has to be what protobuf would have written.
#include "wire/responses.h"

#include "rpc.pb.h"
#include "wire/header.h"
#include "wire/watch_response.h"

#include <gtest/gtest.h>

#include <array>

namespace quorate::wire {
namespace {

mvccpb::KeyValue pair(const std::string& key, const std::string& value) {
    mvccpb::KeyValue kv;
    kv.set_key(key);
    kv.set_value(value);
    kv.set_create_revision(2);
    kv.set_mod_revision(300);
    kv.set_version(4);
    kv.set_lease(-1);
    return kv;
}

mvcc::RecordRef record(const mvccpb::KeyValue& kv) {
    const auto owned = std::make_shared<Bytes>(kv.SerializeAsString());
    return {*owned, owned};
}

constexpr Header kHeader{.cluster_id = ~0ull, .member_id = 1, .revision = 128, .raft_term = 3};

void fill(etcdserverpb::ResponseHeader& header) {
    header.set_cluster_id(kHeader.cluster_id);
    header.set_member_id(kHeader.member_id);
    header.set_revision(kHeader.revision);
    header.set_raft_term(kHeader.raft_term);
}

TEST(Responses, Put) {
    etcdserverpb::PutResponse expected;
    fill(*expected.mutable_header());
    EXPECT_EQ(encode_put_response(encode_header(kHeader), {}), expected.SerializeAsString());
    *expected.mutable_prev_kv() = pair("a", "b");
    EXPECT_EQ(encode_put_response(encode_header(kHeader), record(pair("a", "b"))),
              expected.SerializeAsString());
}

TEST(Responses, DeleteRange) {
    etcdserverpb::DeleteRangeResponse expected;
    fill(*expected.mutable_header());
    expected.set_deleted(2);
    *expected.add_prev_kvs() = pair("a", "");
    *expected.add_prev_kvs() = pair("b", std::string(300, 'x'));
    EXPECT_EQ(encode_delete_range_response(
                  encode_header(kHeader), 2,
                  {record(pair("a", "")), record(pair("b", std::string(300, 'x')))}),
              expected.SerializeAsString());
}

TEST(Responses, Range) {
    mvcc::RangeResult result;
    etcdserverpb::RangeResponse expected;
    fill(*expected.mutable_header());
    EXPECT_EQ(encode_range_response(encode_header(kHeader), result), expected.SerializeAsString());
    result.count = 70'000;
    result.more = true;
    result.kvs = {record(pair("k", "v")), record(pair("l", "w"))};
    expected.set_count(70'000);
    expected.set_more(true);
    *expected.add_kvs() = pair("k", "v");
    *expected.add_kvs() = pair("l", "w");
    EXPECT_EQ(encode_range_response(encode_header(kHeader), result), expected.SerializeAsString());
}

TEST(Responses, RangeStreamMergesToARange) {
    mvcc::RangeResult last;
    last.count = 3;
    last.kvs = {record(pair("c", "3"))};
    const Bytes first =
        encode_range_stream_records({record(pair("a", "1")), record(pair("b", "2"))});
    const Bytes end = encode_range_stream_end(encode_header(kHeader), last);
    etcdserverpb::RangeStreamResponse merged;
    etcdserverpb::RangeStreamResponse part;
    ASSERT_TRUE(part.ParseFromString(first));
    EXPECT_FALSE(part.range_response().has_header());
    merged.MergeFrom(part);
    ASSERT_TRUE(part.ParseFromString(end));
    merged.MergeFrom(part);
    EXPECT_EQ(merged.range_response().kvs_size(), 3);
    EXPECT_EQ(merged.range_response().kvs(2).key(), "c");
    EXPECT_EQ(merged.range_response().count(), 3);
    EXPECT_EQ(merged.range_response().header().revision(), kHeader.revision);
}

TEST(Responses, TxnKeepsOrderAndAnEmptyInnerHeader) {
    Bytes answer;
    append_message(answer, 4, encode_txn_response({}, false, {}));
    Bytes operations;
    append_message(operations, 3, answer);
    etcdserverpb::TxnResponse expected;
    fill(*expected.mutable_header());
    expected.set_succeeded(true);
    expected.add_responses()->mutable_response_txn()->mutable_header();
    EXPECT_EQ(encode_txn_response(encode_header(kHeader), true, operations),
              expected.SerializeAsString());
}

TEST(Responses, Watch) {
    mvccpb::Event event;
    event.set_type(mvccpb::Event::DELETE);
    event.mutable_kv()->set_key("gone");
    event.mutable_kv()->set_mod_revision(9);
    const Bytes encoded = event.SerializeAsString();
    const std::array<ByteView, 1> events = {encoded};

    mvcc::WatchMessage message;
    message.watch_id = 7;
    message.revision = 9;
    message.fragment = true;
    message.events = events;
    message.events_bytes = encoded.size();
    etcdserverpb::WatchResponse expected;
    fill(*expected.mutable_header());
    expected.mutable_header()->set_revision(9);
    expected.set_watch_id(7);
    expected.set_fragment(true);
    *expected.add_events() = event;
    EXPECT_EQ(encode_watch_response(kHeader, message), expected.SerializeAsString());

    mvcc::WatchMessage refusal;
    refusal.created = true;
    refusal.canceled = true;
    refusal.compact_revision = 5;
    refusal.cancel_reason = "because";
    etcdserverpb::WatchResponse refused;
    fill(*refused.mutable_header());
    refused.mutable_header()->set_revision(0);
    refused.set_watch_id(-1);
    refused.set_created(true);
    refused.set_canceled(true);
    refused.set_compact_revision(5);
    refused.set_cancel_reason("because");
    EXPECT_EQ(encode_watch_response(kHeader, refusal), refused.SerializeAsString());
}

}  // namespace
}  // namespace quorate::wire
