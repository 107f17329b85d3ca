// SPDX-License-Identifier: Apache-2.0
#include "rpc/router.h"

#include "base/errors.h"

#include <gtest/gtest.h>

#include <optional>

namespace quorate::rpc {
namespace {

using transport::CallInfo;
using transport::Protocol;
using transport::Reply;

// Keeps what a call was answered with.
struct RecordingChannel final : Reply::Channel {
    transport::SendResult send(ByteView message) override {
        messages.emplace_back(message);
        return transport::SendResult::kOk;
    }
    void respond(uint32_t, const std::vector<transport::Header>&) override {}
    void finish(const Status& status) override { finished = status; }
    void reply(ByteView message) override {
        messages.emplace_back(message);
        finished = Status();
    }
    void hold(bool) override {}

    std::vector<Bytes> messages;
    std::optional<Status> finished;
};

CallInfo call_to(ByteView path, std::vector<transport::Header> headers = {}) {
    CallInfo info{};
    info.protocol = Protocol::kGrpc;
    info.path = path;
    info.headers = std::move(headers);
    return info;
}

class RouterTest : public testing::Test {
  protected:
    RouterTest() {
        router.add_unary("/p.S/Echo",
                         [this](const CallContext& context, ByteView message, Reply reply) {
                             token = context.token;
                             requires_leader = context.requires_leader;
                             reply.reply(message);
                         });
    }

    bool counted(const std::string& line) const {
        return metrics.expose().find(line + "\n") != std::string::npos;
    }

    metrics::Registry metrics;
    SystemClock clock;
    Router router{metrics, clock};
    RecordingChannel channel;
    Bytes token;
    bool requires_leader = false;
};

TEST_F(RouterTest, CallsTheMethodAndCounts) {
    EXPECT_TRUE(
        counted("grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"Echo\","
                "grpc_service=\"p.S\",grpc_type=\"unary\"} 0"));
    const auto call = router.on_call(
        call_to("/p.S/Echo", {{"authorization", "Bearer abc"}, {"hasleader", "true"}}),
        Reply(&channel));
    ASSERT_NE(call, nullptr);
    call->on_message("ping");
    EXPECT_EQ(channel.messages, std::vector<Bytes>{"ping"});
    EXPECT_TRUE(channel.finished->ok());
    EXPECT_EQ(token, "abc");
    EXPECT_TRUE(requires_leader);
    const std::string labels = "{grpc_method=\"Echo\",grpc_service=\"p.S\",grpc_type=\"unary\"} 1";
    EXPECT_TRUE(counted("grpc_server_started_total" + labels));
    EXPECT_TRUE(counted("grpc_server_msg_received_total" + labels));
    EXPECT_TRUE(counted("grpc_server_msg_sent_total" + labels));
    EXPECT_TRUE(
        counted("grpc_server_handled_total{grpc_code=\"OK\",grpc_method=\"Echo\","
                "grpc_service=\"p.S\",grpc_type=\"unary\"} 1"));
}

TEST_F(RouterTest, SaysWhatIsUnknownInGrpcsWords) {
    EXPECT_EQ(router.on_call(call_to("/p.S/Nope"), Reply(&channel)), nullptr);
    EXPECT_EQ(channel.finished->code(), Code::kUnimplemented);
    EXPECT_EQ(channel.finished->message(), "unknown method Nope for service p.S");
    EXPECT_EQ(router.on_call(call_to("/p.T/Echo"), Reply(&channel)), nullptr);
    EXPECT_EQ(channel.finished->message(), "unknown service p.T");
    EXPECT_EQ(router.on_call(call_to("nonsense"), Reply(&channel)), nullptr);
    EXPECT_EQ(channel.finished->message(), "malformed method name: \"nonsense\"");
}

TEST_F(RouterTest, AnswersACallWithoutAMessage) {
    const auto call = router.on_call(call_to("/p.S/Echo"), Reply(&channel));
    call->on_half_close();
    EXPECT_EQ(channel.finished->code(), Code::kInternal);
}

TEST_F(RouterTest, FinishesACancelledCallOnce) {
    const auto call = router.on_call(call_to("/p.S/Echo"), Reply(&channel));
    call->on_cancel(transport::CancelReason::kPeer);
    EXPECT_EQ(channel.finished->code(), Code::kCanceled);
    channel.finished.reset();
    call->on_message("late");
    EXPECT_FALSE(channel.finished.has_value());
}

TEST_F(RouterTest, ADroppedReplySaysThatTheServerStopped) {
    { const Reply dropped(&channel); }
    EXPECT_TRUE(channel.finished->is(errors::kStopped));
}

TEST_F(RouterTest, CallsThatWantALeaderNeedOne) {
    bool has_leader = false;
    router.set_conditions({[] { return false; }, [&has_leader] { return has_leader; }});
    EXPECT_EQ(router.on_call(call_to("/p.S/Echo", {{"hasleader", "true"}}), Reply(&channel)),
              nullptr);
    EXPECT_TRUE(channel.finished->is(errors::kNoLeader));
    EXPECT_NE(router.on_call(call_to("/p.S/Echo", {{"hasleader", "false"}}), Reply(&channel)),
              nullptr);
    has_leader = true;
    EXPECT_NE(router.on_call(call_to("/p.S/Echo", {{"hasleader", "true"}}), Reply(&channel)),
              nullptr);
}

TEST_F(RouterTest, ClientVersionsAreTextAndCounted) {
    EXPECT_NE(
        router.on_call(call_to("/p.S/Echo", {{"client-api-version", "3.7.1"}}), Reply(&channel)),
        nullptr);
    EXPECT_TRUE(counted(
        "etcd_server_client_requests_total{client_api_version=\"3.7.1\",type=\"unary\"} 1"));
    EXPECT_EQ(
        router.on_call(call_to("/p.S/Echo", {{"client-api-version", "\xff"}}), Reply(&channel)),
        nullptr);
    EXPECT_TRUE(channel.finished->is(errors::kInvalidClientAPIVersion));
}

TEST_F(RouterTest, LatenciesAreMeasuredWhereTheyAreAskedFor) {
    EXPECT_EQ(metrics.expose().find("grpc_server_handling_seconds"), std::string::npos);
    metrics::Registry extensive;
    Router measured{extensive, clock, {.latency_histograms = true}};
    measured.add_unary("/p.S/Echo", [](const CallContext&, ByteView message, Reply reply) {
        reply.reply(message);
    });
    measured.on_call(call_to("/p.S/Echo"), Reply(&channel))->on_message("x");
    EXPECT_NE(extensive.expose().find(
                  "grpc_server_handling_seconds_count{grpc_method=\"Echo\",grpc_service=\"p.S\","
                  "grpc_type=\"unary\"} 1\n"),
              std::string::npos);
}

}  // namespace
}  // namespace quorate::rpc
