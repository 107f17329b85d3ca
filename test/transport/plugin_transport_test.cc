// SPDX-License-Identifier: Apache-2.0
//
// The adapter over a transport that is a table in this program: what the core says arrives at the
// plugin and the other way round, and a call is gone exactly when both sides are done with it.
#include "transport/plugin_transport.h"

#include "base/errors.h"
#include "plugin/abi/transport.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

// The plugin's handles: what it was told about one call, and about all of them.
struct quorate_call {
    std::vector<std::string> log;
    int32_t send_answer = QUORATE_SEND_OK;
};

struct quorate_transport {
    quorate_transport_events events{};
    std::vector<std::string> log;
};

namespace quorate::transport {

namespace {

using plugin::from_abi;
using plugin::to_abi;

quorate_transport fake;

std::string text(quorate_bytes bytes) {
    return std::string(from_abi(bytes));
}

quorate_code create(const quorate_transport_events* events, const quorate_option* options,
                    size_t option_count, quorate_transport** ret, quorate_error* err) noexcept {
    fake = {};
    fake.events = *events;
    for (size_t i = 0; i < option_count; ++i) {
        if (text(options[i].key) == "refused") {
            std::strcpy(err->text, "unknown option \"refused\"");
            return QUORATE_INVALID_ARGUMENT;
        }
        fake.log.push_back(text(options[i].key) + "=" + text(options[i].value));
    }
    *ret = &fake;
    return QUORATE_OK;
}
void destroy(quorate_transport* self) noexcept {
    self->log.push_back("destroy");
}
quorate_code listen(quorate_transport* self, const quorate_listen* where, quorate_listening* ret,
                    quorate_error* err) noexcept {
    if (text(where->host) == "taken") {
        std::strcpy(err->text, "address in use");
        return QUORATE_FAILED_PRECONDITION;
    }
    self->log.push_back("listen " + text(where->host) + ":" + std::to_string(where->port) +
                        " serve " + std::to_string(where->serve));
    if (where->tls != nullptr) {
        self->log.push_back("tls " + text(where->tls->cert_file) + " " +
                            text(where->tls->key_file) + " " + text(where->tls->ca_file));
        self->log.push_back("names " + text(where->tls->allowed_common_names) + " " +
                            text(where->tls->allowed_host_names) + " " +
                            text(where->tls->cipher_suites) + " " + text(where->tls->crl_file));
    }
    if (where->receive_bytes_max != 0) {
        self->log.push_back("receive " + std::to_string(where->receive_bytes_max) + " windows " +
                            std::to_string(where->stream_window_bytes) + " " +
                            std::to_string(where->connection_window_bytes) + " pings " +
                            std::to_string(where->keepalive_min_time_ms));
    }
    ret->id = 7;
    ret->port = 4711;
    return QUORATE_OK;
}
quorate_code start(quorate_transport* self, quorate_error*) noexcept {
    self->log.push_back("start");
    return QUORATE_OK;
}
void stop(quorate_transport* self, uint32_t drain_ms) noexcept {
    self->log.push_back("stop " + std::to_string(drain_ms));
}
int32_t send(quorate_call* call, quorate_bytes message) noexcept {
    call->log.push_back("send " + text(message));
    return call->send_answer;
}
void respond(quorate_call* call, uint32_t status, const quorate_header* headers,
             size_t count) noexcept {
    call->log.push_back("respond " + std::to_string(status));
    for (size_t i = 0; i < count; ++i) {
        call->log.push_back(text(headers[i].name) + ": " + text(headers[i].value));
    }
}
void finish(quorate_call* call, quorate_code code, quorate_bytes words) noexcept {
    call->log.push_back("finish " + std::to_string(code) + " " + text(words));
}
void reply(quorate_call* call, quorate_bytes message) noexcept {
    call->log.push_back("reply " + text(message));
}
void hold(quorate_call* call, int32_t held) noexcept {
    call->log.push_back("hold " + std::to_string(held));
}
void flush(quorate_transport* self) noexcept {
    self->log.push_back("flush");
}
void stats(quorate_transport*, quorate_transport_stats* ret) noexcept {
    ret->received_bytes = 1;
    ret->sent_bytes = 2;
    ret->connections = 3;
    ret->streams = 4;
}
quorate_code reload(quorate_transport* self, quorate_error* err) noexcept {
    self->log.push_back("reload");
    std::strcpy(err->text, "cannot use certificate file \"x\"");
    return QUORATE_INVALID_ARGUMENT;
}

constexpr quorate_transport_interface kInterface = {sizeof(quorate_transport_interface),
                                                    create,
                                                    destroy,
                                                    listen,
                                                    start,
                                                    stop,
                                                    send,
                                                    respond,
                                                    finish,
                                                    reply,
                                                    hold,
                                                    flush,
                                                    stats,
                                                    reload};

constexpr quorate_plugin kDescriptor = {
    sizeof(quorate_plugin),
    QUORATE_PLUGIN_MAGIC,
    QUORATE_ABI_MAJOR,
    QUORATE_ABI_MINOR,
    0,
    "transport",
    "fake",
    "1.0",
    QUORATE_BUILD_ID,
    [](const quorate_host*, quorate_error*) noexcept -> quorate_code { return QUORATE_OK; },
    []() noexcept {},
    [](const char* id) noexcept -> const void* {
        return std::strcmp(id, QUORATE_TRANSPORT_INTERFACE) == 0 ? &kInterface : nullptr;
    }};

using Log = std::vector<std::string>;

// A receiver that writes down what it hears, and when it goes.
class LoggingCall final : public Call {
  public:
    LoggingCall(Log& log, Reply reply) : log_(log), reply_(std::move(reply)) {}
    ~LoggingCall() override { log_.push_back("gone"); }
    void on_message(ByteView message) override { log_.push_back("message " + Bytes(message)); }
    void on_half_close() override { log_.push_back("half close"); }
    void on_cancel(CancelReason reason) override {
        log_.push_back("cancel " + std::to_string(static_cast<int>(reason)));
    }
    void on_writable() override { log_.push_back("writable"); }

  private:
    Log& log_;
    Reply reply_;
};

class PluginTransportTest : public ::testing::Test, public Handler {
  protected:
    using Answer = std::function<std::unique_ptr<Call>(const CallInfo&, Reply)>;

    std::unique_ptr<Call> on_call(const CallInfo& info, Reply reply) override {
        return answer_(info, std::move(reply));
    }
    void on_turn_end() override { log_.push_back("turn end"); }

    void SetUp() override {
        Result<std::unique_ptr<Transport>> opened =
            open_plugin_transport(plugin_, {{"threads", "2"}}, *this);
        ASSERT_TRUE(opened) << opened.error().message();
        transport_ = std::move(opened.value());
    }

    // A call as the plugin's thread brings it.
    void* arrive(Answer answer) {
        answer_ = std::move(answer);
        const quorate_header headers[] = {{to_abi("user-agent"), to_abi("test")},
                                          {to_abi("token"), to_abi("secret")}};
        quorate_call_info info{};
        info.size = sizeof info;
        info.protocol = QUORATE_PROTOCOL_GRPC;
        info.listener = 7;
        info.method = to_abi("POST");
        info.path = to_abi("/etcdserverpb.KV/Put");
        info.authority = to_abi("localhost");
        info.peer = to_abi("127.0.0.1:1");
        info.tls_common_name = to_abi("client");
        info.headers = headers;
        info.header_count = 2;
        return fake.events.on_call(fake.events.ctx, &call_, &info);
    }

    // A call whose receiver does not answer, and the Reply to it.
    void* arrive_with(Reply& reply) {
        return arrive([&](const CallInfo&, Reply given) {
            reply = std::move(given);
            return std::make_unique<LoggingCall>(log_, Reply());
        });
    }

    plugin::Plugin plugin_{"transport_fake.so", kDescriptor};
    std::unique_ptr<Transport> transport_;
    Answer answer_;
    quorate_call call_;
    Log log_;
};

TEST_F(PluginTransportTest, PassesOptionsAndLifeCycle) {
    ListenOptions plain;
    plain.host = "localhost";
    plain.serve_http = false;
    const Result<Listening> listening = transport_->listen(plain);
    ASSERT_TRUE(listening);
    EXPECT_EQ(listening->id, 7U);
    EXPECT_EQ(listening->port, 4711);
    ListenOptions secure;
    secure.host = "::1";
    secure.port = 2379;
    secure.tls = std::make_unique<Tls>(Tls{"cert", "key", "ca"});
    secure.tls->allowed_common_names = {"a", "b c"};
    secure.tls->cipher_suites = {"SUITE"};
    secure.tls->crl_file = "crl";
    secure.receive_bytes_max = 1;
    secure.stream_window_bytes = 2;
    secure.connection_window_bytes = 3;
    secure.keepalive_min_time_ms = 4;
    EXPECT_TRUE(transport_->listen(secure));
    EXPECT_TRUE(transport_->start().ok());
    transport_->flush();
    const Stats stats = transport_->stats();
    EXPECT_EQ(stats.received_bytes, 1U);
    EXPECT_EQ(stats.sent_bytes, 2U);
    EXPECT_EQ(stats.connections, 3U);
    EXPECT_EQ(stats.streams, 4U);
    transport_->stop(50);
    transport_.reset();
    EXPECT_EQ(fake.log,
              (Log{"threads=2", "listen localhost:0 serve 1", "listen ::1:2379 serve 3",
                   "tls cert key ca", "names a\nb c\n  SUITE\n crl",
                   "receive 1 windows 2 3 pings 4", "start", "flush", "stop 50", "destroy"}));
}

TEST_F(PluginTransportTest, PassesRefusalsOn) {
    const auto refused = open_plugin_transport(plugin_, {{"refused", "1"}}, *this);
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(errors::kPlugin));
    EXPECT_EQ(refused.error().message(), "transport plugin fake: unknown option \"refused\"");
    EXPECT_TRUE(fake.log.empty());  // nothing was created, so nothing is destroyed
    ListenOptions taken;
    taken.host = "taken";
    EXPECT_EQ(transport_->listen(taken).error().message(), "transport plugin fake: address in use");
    EXPECT_EQ(transport_->reload().message(),
              "transport plugin fake: cannot use certificate file \"x\"");
}

TEST_F(PluginTransportTest, HandsTheCallOver) {
    void* user = arrive([&](const CallInfo& info, Reply reply) {
        EXPECT_EQ(info.protocol, Protocol::kGrpc);
        EXPECT_EQ(info.listener, 7U);
        EXPECT_EQ(info.method, "POST");
        EXPECT_EQ(info.path, "/etcdserverpb.KV/Put");
        EXPECT_EQ(info.authority, "localhost");
        EXPECT_EQ(info.peer, "127.0.0.1:1");
        EXPECT_EQ(info.tls_common_name, "client");
        EXPECT_EQ(info.headers.size(), 2U);
        EXPECT_EQ(info.header("token"), "secret");
        EXPECT_EQ(info.header("none"), "");
        return std::make_unique<LoggingCall>(log_, std::move(reply));
    });
    ASSERT_NE(user, nullptr);
    const quorate_transport_events& events = fake.events;
    events.on_message(user, to_abi("one"));
    events.on_message(user, {});
    events.on_half_close(user);
    events.on_turn_end(events.ctx);
    events.on_writable(user);
    events.on_cancel(user, QUORATE_CANCEL_DEADLINE);
    events.on_released(user);
    EXPECT_EQ(log_, (Log{"message one", "message ", "half close", "turn end", "writable",
                         "cancel 2", "gone"}));
    // The receiver held the Reply, so its end answered the call.
    EXPECT_EQ(call_.log, (Log{"finish 14 etcdserver: server stopped"}));
}

TEST_F(PluginTransportTest, PassesAnswersOn) {
    Reply reply;
    void* user = arrive_with(reply);
    EXPECT_EQ(reply.send("a"), SendResult::kOk);
    call_.send_answer = QUORATE_SEND_BUSY;
    EXPECT_EQ(reply.send("b"), SendResult::kBusy);
    call_.send_answer = QUORATE_SEND_GONE;
    EXPECT_EQ(reply.send(""), SendResult::kGone);
    reply.hold(true);
    reply.hold(false);
    reply.respond(404, {{"content-type", "text/plain"}});
    reply.finish(errors::kEmptyKey);
    EXPECT_FALSE(reply);
    EXPECT_EQ(call_.log,
              (Log{"send a", "send b", "send ", "hold 1", "hold 0", "respond 404",
                   "content-type: text/plain", "finish 3 etcdserver: key is not provided"}));
    fake.events.on_released(user);
}

TEST_F(PluginTransportTest, RepliesAndFinishesWell) {
    Reply reply;
    void* user = arrive_with(reply);
    reply.reply("answer");
    fake.events.on_released(user);
    user = arrive_with(reply);
    reply.finish({});
    fake.events.on_released(user);
    EXPECT_EQ(call_.log, (Log{"reply answer", "finish 0 "}));
}

TEST_F(PluginTransportTest, AnswerMayComeAfterTheRelease) {
    Reply reply;
    void* user = arrive_with(reply);
    fake.events.on_cancel(user, QUORATE_CANCEL_PEER);
    fake.events.on_released(user);
    EXPECT_EQ(log_, (Log{"cancel 1", "gone"}));
    call_.send_answer = QUORATE_SEND_GONE;
    EXPECT_EQ(reply.send("late"), SendResult::kGone);
    reply.finish({});
    EXPECT_EQ(call_.log, (Log{"send late", "finish 0 "}));
}

TEST_F(PluginTransportTest, CallbacksMayComeAfterTheAnswer) {
    void* user = arrive([&](const CallInfo&, Reply reply) {
        reply.reply("at once");
        return std::make_unique<LoggingCall>(log_, Reply());
    });
    fake.events.on_message(user, to_abi("late"));
    fake.events.on_released(user);
    EXPECT_EQ(log_, (Log{"message late", "gone"}));
    EXPECT_EQ(call_.log, (Log{"reply at once"}));
}

TEST_F(PluginTransportTest, AHandlerMayWantNoCallbacks) {
    void* user = arrive([&](const CallInfo&, Reply reply) {
        reply.finish(errors::kUnimplemented);
        return std::unique_ptr<Call>();
    });
    ASSERT_NE(user, nullptr);
    const quorate_transport_events& events = fake.events;
    events.on_message(user, to_abi("x"));
    events.on_half_close(user);
    events.on_cancel(user, QUORATE_CANCEL_SHUTDOWN);
    events.on_writable(user);
    events.on_released(user);
    EXPECT_EQ(call_.log, (Log{"finish 12 "}));
}

TEST_F(PluginTransportTest, ADroppedReplyEndsTheCall) {
    Reply reply;
    void* user = arrive_with(reply);
    reply = Reply();
    EXPECT_EQ(call_.log, (Log{"finish 14 etcdserver: server stopped"}));
    fake.events.on_released(user);
}

// The last owner frees the call, whichever it is: for the address and thread sanitizers.
TEST_F(PluginTransportTest, AnswerAndReleaseMayRace) {
    for (int i = 0; i < 300; ++i) {
        Reply reply;
        void* user = arrive_with(reply);
        std::thread core([given = std::move(reply)]() mutable { given.reply("answer"); });
        fake.events.on_released(user);
        core.join();
    }
    EXPECT_EQ(call_.log.size(), 300U);
    EXPECT_EQ(log_.size(), 300U);
}

}  // namespace

}  // namespace quorate::transport
