// SPDX-License-Identifier: Apache-2.0
#include "rpc/queue_recipe.h"

#include "base/errors.h"
#include "rpc/recipe_requests.h"
#include "v3election.pb.h"
#include "v3lock.pb.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace quorate::rpc {
namespace {

using etcdserverpb::RangeRequest;
using etcdserverpb::RangeResponse;
using etcdserverpb::TxnRequest;
using etcdserverpb::TxnResponse;
using transport::CancelReason;
using transport::Reply;

struct RecordingChannel final : Reply::Channel {
    transport::SendResult send(ByteView bytes) override {
        message = Bytes(bytes);
        return transport::SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override { finished = status; }
    void reply(ByteView bytes) override {
        message = Bytes(bytes);
        finished = Status();
    }
    void hold(bool) override {}

    Bytes message;
    std::optional<Status> finished;
};

// Keeps what a recipe asks for.
struct RecordingHost final : RecipeHost {
    void call(std::string_view path, const google::protobuf::MessageLite& request) override {
        calls.push_back({std::string(path), request.SerializeAsString()});
    }
    void watch(const etcdserverpb::WatchCreateRequest& create) override { watched = create; }
    void unwatch() override { watched.reset(); }

    template <typename Message>
    Message last(const char* path) const {
        Message message;
        EXPECT_FALSE(calls.empty());
        EXPECT_EQ(calls.back().first, path);
        EXPECT_TRUE(message.ParseFromString(calls.back().second));
        return message;
    }

    std::vector<std::pair<std::string, Bytes>> calls;
    std::optional<etcdserverpb::WatchCreateRequest> watched;
};

TxnResponse joined_at(int64_t revision) {
    TxnResponse response;
    response.set_succeeded(true);
    response.mutable_header()->set_revision(revision);
    response.add_responses()->mutable_response_put();
    return response;
}

mvccpb::KeyValue key_created_at(const Bytes& key, int64_t revision) {
    mvccpb::KeyValue kv;
    kv.set_key(key);
    kv.set_create_revision(revision);
    return kv;
}

etcdserverpb::WatchResponse deletion_of(const Bytes& key) {
    etcdserverpb::WatchResponse response;
    mvccpb::Event& event = *response.add_events();
    event.set_type(mvccpb::Event::DELETE);
    event.mutable_kv()->set_key(key);
    return response;
}

class QueueRecipeTest : public testing::Test {
  protected:
    void lock(int64_t lease) {
        v3lockpb::LockRequest request;
        request.set_name("l");
        request.set_lease(lease);
        recipe = make_lock(request.SerializeAsString(), Reply(&channel));
        recipe->start(host);
    }

    void answer(const google::protobuf::MessageLite& message) {
        recipe->on_answer(host, {}, message.SerializeAsString());
    }

    // In line behind the key "l/1", which was created at 5.
    void wait_in_line() {
        lock(31);
        TxnResponse joined = joined_at(9);
        *joined.add_responses()->mutable_response_range()->add_kvs() = key_created_at("l/1", 5);
        answer(joined);
        const auto look = host.last<RangeRequest>(kRangePath);
        EXPECT_EQ(look.max_create_revision(), 8);
        RangeResponse before;
        before.mutable_header()->set_revision(10);
        *before.add_kvs() = key_created_at("l/1", 5);
        answer(before);
        ASSERT_TRUE(host.watched);
        EXPECT_EQ(host.watched->key(), "l/1");
        EXPECT_EQ(host.watched->start_revision(), 10);
    }

    RecordingChannel channel;
    RecordingHost host;
    std::unique_ptr<Recipe> recipe;
};

TEST_F(QueueRecipeTest, WithoutALeaseOneIsGranted) {
    lock(0);
    EXPECT_EQ(host.last<etcdserverpb::LeaseGrantRequest>(kLeaseGrantPath).ttl(), kSessionTtl_s);
    etcdserverpb::LeaseGrantResponse granted;
    granted.set_id(0xabc);
    answer(granted);
    const auto txn = host.last<TxnRequest>(kTxnPath);
    EXPECT_EQ(txn.success(0).request_put().key(), "l/abc");
    EXPECT_EQ(txn.success(0).request_put().lease(), 0xabc);
    TxnResponse joined = joined_at(3);
    *joined.add_responses()->mutable_response_range()->add_kvs() = key_created_at("l/abc", 3);
    answer(joined);
    ASSERT_TRUE(channel.finished && channel.finished->ok());
    v3lockpb::LockResponse response;
    ASSERT_TRUE(response.ParseFromString(channel.message));
    EXPECT_EQ(response.key(), "l/abc");
    EXPECT_EQ(response.header().revision(), 3);
    EXPECT_TRUE(recipe->done());
}

TEST_F(QueueRecipeTest, ANegativeLeaseHasItsSignInTheKey) {
    lock(-31);
    EXPECT_EQ(host.last<TxnRequest>(kTxnPath).success(0).request_put().key(), "l/-1f");
}

TEST_F(QueueRecipeTest, TheTurnComesWhenTheKeyBeforeIsGone) {
    wait_in_line();
    recipe->on_events(host, deletion_of("l/1"));
    EXPECT_FALSE(host.watched);
    answer(RangeResponse());
    EXPECT_EQ(host.last<RangeRequest>(kRangePath).key(), "l/1f");
    RangeResponse own;
    own.mutable_header()->set_revision(12);
    *own.add_kvs() = key_created_at("l/1f", 9);
    answer(own);
    v3lockpb::LockResponse response;
    ASSERT_TRUE(response.ParseFromString(channel.message));
    EXPECT_EQ(response.header().revision(), 12);
    EXPECT_TRUE(recipe->done());
}

TEST_F(QueueRecipeTest, WhoHasLostItsKeyIsTold) {
    wait_in_line();
    recipe->on_events(host, deletion_of("l/1"));
    answer(RangeResponse());
    answer(RangeResponse());
    EXPECT_FALSE(channel.finished);
    answer(host.last<etcdserverpb::DeleteRangeRequest>(kDeleteRangePath));
    EXPECT_EQ(channel.finished->message(), "mutex: session is expired");
    EXPECT_EQ(channel.finished->code(), Code::kUnknown);
    EXPECT_TRUE(recipe->done());
}

TEST_F(QueueRecipeTest, ACancelledWaiterTakesItsKeyAway) {
    wait_in_line();
    recipe->on_cancel(host, CancelReason::kPeer);
    EXPECT_EQ(channel.finished->code(), Code::kCanceled);
    EXPECT_FALSE(host.watched);
    EXPECT_EQ(host.last<etcdserverpb::DeleteRangeRequest>(kDeleteRangePath).key(), "l/1f");
    EXPECT_FALSE(recipe->done());
    recipe->on_answer(host, errors::kTimeout, {});
    EXPECT_TRUE(recipe->done());
}

TEST_F(QueueRecipeTest, CancelledWhileItJoinsItLeavesOnceItKnows) {
    lock(31);
    recipe->on_cancel(host, CancelReason::kDeadline);
    EXPECT_EQ(channel.finished->code(), Code::kDeadlineExceeded);
    EXPECT_FALSE(recipe->done());
    TxnResponse joined = joined_at(9);
    joined.add_responses()->mutable_response_range();
    answer(joined);
    EXPECT_EQ(host.last<etcdserverpb::DeleteRangeRequest>(kDeleteRangePath).key(), "l/1f");
}

TEST_F(QueueRecipeTest, CancelledWhileItJoinsItLeavesAnOlderKeyAlone) {
    lock(31);
    recipe->on_cancel(host, CancelReason::kPeer);
    TxnResponse joined;
    joined.mutable_header()->set_revision(9);
    *joined.add_responses()->mutable_response_range()->add_kvs() = key_created_at("l/1f", 4);
    joined.add_responses()->mutable_response_range();
    answer(joined);
    EXPECT_TRUE(recipe->done());
    EXPECT_EQ(host.calls.size(), 1U);
}

TEST_F(QueueRecipeTest, TheServersEndLeavesKeysToTheirLeases) {
    wait_in_line();
    const size_t calls = host.calls.size();
    recipe->on_cancel(host, CancelReason::kShutdown);
    EXPECT_EQ(channel.finished->message(), "etcdserver: server stopped");
    EXPECT_TRUE(recipe->done());
    EXPECT_EQ(host.calls.size(), calls);
}

TEST_F(QueueRecipeTest, CompactionMakesItLookAgain) {
    wait_in_line();
    etcdserverpb::WatchResponse compacted;
    compacted.set_canceled(true);
    compacted.set_compact_revision(11);
    recipe->on_events(host, compacted);
    EXPECT_EQ(host.last<RangeRequest>(kRangePath).max_create_revision(), 8);
}

TEST_F(QueueRecipeTest, FailuresKeepTheirTextAndLoseTheirCode) {
    lock(31);
    recipe->on_answer(host, errors::kLeaseNotFound, {});
    EXPECT_EQ(channel.finished->message(), "etcdserver: requested lease not found");
    EXPECT_EQ(channel.finished->code(), Code::kUnknown);
    EXPECT_TRUE(recipe->done());
}

TEST_F(QueueRecipeTest, ACandidateThatWasThereSaysWhatIsNew) {
    v3electionpb::CampaignRequest request;
    request.set_name("e");
    request.set_lease(1);
    request.set_value("new");
    recipe = make_campaign(request.SerializeAsString(), Reply(&channel));
    recipe->start(host);
    TxnResponse joined;
    mvccpb::KeyValue own = key_created_at("e/1", 4);
    own.set_value("old");
    *joined.add_responses()->mutable_response_range()->add_kvs() = own;
    answer(joined);
    const auto txn = host.last<TxnRequest>(kTxnPath);
    EXPECT_EQ(txn.compare(0).create_revision(), 4);
    EXPECT_EQ(txn.success(0).request_put().value(), "new");
    answer(TxnResponse());  // the key has gone meanwhile
    EXPECT_FALSE(channel.finished);
    EXPECT_EQ(host.last<TxnRequest>(kTxnPath).success(0).request_delete_range().key(), "e/1");
    answer(TxnResponse());
    EXPECT_EQ(channel.finished->message(), "election: not leader");
}

}  // namespace
}  // namespace quorate::rpc
