// SPDX-License-Identifier: Apache-2.0
//
// The adapter over a plugin's client ability that is a table in this program: what the core asks
// for arrives, callbacks come back, and a call is gone exactly when both sides are done with it.
#include "transport/plugin_client.h"

#include "base/errors.h"
#include "transport/plugin_transport.h"

#include <gtest/gtest.h>

#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

// What the fake was told, and what it will answer.
struct quorate_connection {
    std::vector<std::string> log;
    quorate_client_events events{};
    quorate_code call_answer = QUORATE_OK;
    int32_t send_answer = QUORATE_SEND_OK;
    void* user = nullptr;
};

struct quorate_request {
    quorate_connection* connection;
};

namespace quorate::transport {

namespace {

using plugin::from_abi;
using plugin::to_abi;
using Log = std::vector<std::string>;

quorate_connection fake;
quorate_request fake_request{&fake};

std::string text(quorate_bytes bytes) {
    return std::string(from_abi(bytes));
}

quorate_code dial(quorate_transport*, const quorate_dial* where,
                  const quorate_client_events* events, quorate_connection** ret,
                  quorate_error* err) noexcept {
    if (text(where->host) == "refused") {
        std::strcpy(err->text, "cannot use CA file");
        return QUORATE_INVALID_ARGUMENT;
    }
    fake.events = *events;
    fake.log.push_back(
        "dial " + text(where->host) + ":" + std::to_string(where->port) + " " +
        std::to_string(where->connect_timeout_ms) + " " + std::to_string(where->keepalive_ms) +
        " " + std::to_string(where->keepalive_timeout_ms) + " " +
        std::to_string(where->receive_bytes_max) + " " + std::to_string(where->send_buffer_bytes) +
        " " + std::to_string(where->stream_window_bytes) + " " +
        std::to_string(where->connection_window_bytes) + " " + text(where->local_address));
    if (where->tls != nullptr) {
        fake.log.push_back("tls " + text(where->tls->cert_file) + " " + text(where->tls->key_file) +
                           " " + text(where->tls->ca_file) + " " + text(where->tls->server_name) +
                           " " + std::to_string(where->tls->skip_verify));
    }
    *ret = &fake;
    return QUORATE_OK;
}
void hang_up(quorate_connection* connection) noexcept {
    connection->log.push_back("hang up");
}
quorate_code call(quorate_connection* connection, const quorate_call_start* start, void* user,
                  quorate_request** ret) noexcept {
    if (connection->call_answer != QUORATE_OK) {
        return connection->call_answer;
    }
    connection->log.push_back("call " + text(start->path) + " " +
                              std::to_string(start->timeout_ms));
    for (size_t i = 0; i < start->header_count; ++i) {
        connection->log.push_back(text(start->headers[i].name) + ": " +
                                  text(start->headers[i].value));
    }
    connection->user = user;
    *ret = &fake_request;
    return QUORATE_OK;
}
int32_t send(quorate_request* request, quorate_bytes message) noexcept {
    request->connection->log.push_back("send " + text(message));
    return request->connection->send_answer;
}
void half_close(quorate_request* request) noexcept {
    request->connection->log.push_back("half close");
}
void hold(quorate_request* request, int32_t held) noexcept {
    request->connection->log.push_back("hold " + std::to_string(held));
}
void close(quorate_request* request) noexcept {
    request->connection->log.push_back("close");
}

constexpr quorate_transport_client_interface kInterface = {
    sizeof(quorate_transport_client_interface), dial, hang_up, call, send, half_close, hold, close};

constexpr quorate_plugin describe(const void* (*interface_get)(const char*) noexcept) {
    return {sizeof(quorate_plugin),
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
            interface_get};
}

constexpr quorate_plugin kDescriptor = describe([](const char* id) noexcept -> const void* {
    return std::strcmp(id, QUORATE_TRANSPORT_CLIENT_INTERFACE) == 0 ? &kInterface : nullptr;
});
constexpr quorate_plugin kUnable =
    describe([](const char*) noexcept -> const void* { return nullptr; });

class LoggingCall final : public ClientCall {
  public:
    explicit LoggingCall(Log& log) : log_(log) {}
    ~LoggingCall() override { log_.push_back("gone"); }
    void on_message(ByteView message) override { log_.push_back("message " + Bytes(message)); }
    void on_writable() override { log_.push_back("writable"); }
    void on_end(const CallEnd& end) override {
        log_.push_back("end " + std::to_string(static_cast<int>(end.code)) + " " + Bytes(end.text) +
                       (end.never_sent ? " never sent" : ""));
    }

  private:
    Log& log_;
};

class PluginClientTest : public ::testing::Test {
  protected:
    PluginClientTest() {
        fake = {};
        Result<std::unique_ptr<PluginClient>> made = PluginClient::create(plugin_, nullptr);
        EXPECT_TRUE(made);
        client_ = std::move(made.value());
        DialOptions options;
        options.host = "h";
        options.port = 1;
        Result<std::unique_ptr<Connection>> dialled = client_->dial(options);
        EXPECT_TRUE(dialled);
        connection_ = std::move(dialled.value());
        fake.log.clear();
    }

    Request start() {
        Result<Request> request =
            connection_->call({"/s/m", {}, 0}, std::make_unique<LoggingCall>(log_));
        EXPECT_TRUE(request);
        fake.log.clear();
        return std::move(request.value());
    }
    static void end(quorate_code code, std::string_view words, uint32_t never_sent = 0) {
        const quorate_call_end end{sizeof end, code, never_sent, to_abi(words)};
        fake.events.on_end(fake.user, &end);
    }

    const plugin::Plugin plugin_{"transport_fake.so", kDescriptor};
    std::unique_ptr<PluginClient> client_;
    std::unique_ptr<Connection> connection_;
    Log log_;
};

TEST_F(PluginClientTest, IsNoneWhereThePluginIsUnable) {
    const plugin::Plugin unable("transport_fake.so", kUnable);
    Result<std::unique_ptr<PluginClient>> made = PluginClient::create(unable, nullptr);
    ASSERT_TRUE(made);
    EXPECT_EQ(made.value(), nullptr);
}

TEST_F(PluginClientTest, PassesSettingsAndRefusalsOn) {
    DialOptions options;
    options.host = "member";
    options.port = 2380;
    options.tls = std::make_unique<Tls>(Tls{"cert", "key", "ca", "name", true});
    options.connect_timeout_ms = 1;
    options.keepalive_ms = 2;
    options.keepalive_timeout_ms = 3;
    options.receive_bytes_max = 4;
    options.send_buffer_bytes = 5;
    options.stream_window_bytes = 6;
    options.connection_window_bytes = 7;
    options.local_address = "10.0.0.8";
    { const auto connection = client_->dial(options); }
    EXPECT_EQ(fake.log, (Log{"dial member:2380 1 2 3 4 5 6 7 10.0.0.8", "tls cert key ca name 1",
                             "hang up"}));
    options.host = "refused";
    EXPECT_EQ(client_->dial(options).error().message(),
              "transport plugin fake: cannot use CA file");
}

TEST_F(PluginClientTest, CarriesACall) {
    Result<Request> made = connection_->call({"/s/m", {{"token", "secret"}}, 500},
                                             std::make_unique<LoggingCall>(log_));
    ASSERT_TRUE(made);
    Request request = std::move(made.value());
    EXPECT_EQ(request.send("a"), SendResult::kOk);
    fake.send_answer = QUORATE_SEND_BUSY;
    EXPECT_EQ(request.send(""), SendResult::kBusy);
    request.hold(true);
    request.hold(false);
    request.half_close();
    EXPECT_EQ(fake.log, (Log{"call /s/m 500", "token: secret", "send a", "send ", "hold 1",
                             "hold 0", "half close"}));
    fake.events.on_message(fake.user, to_abi("answer"));
    fake.events.on_writable(fake.user);
    end(5, "not there");
    EXPECT_EQ(log_, (Log{"message answer", "writable", "end 5 not there", "gone"}));
    fake.log.clear();
    fake.send_answer = QUORATE_SEND_GONE;
    EXPECT_EQ(request.send("late"), SendResult::kGone);
    request = Request();
    EXPECT_EQ(fake.log, (Log{"send late", "close"}));
}

TEST_F(PluginClientTest, ADroppedRequestCancels) {
    { const Request request = start(); }
    EXPECT_EQ(fake.log, Log{"close"});
    end(1, "context canceled", 1);
    EXPECT_EQ(log_, (Log{"end 1 context canceled never sent", "gone"}));
}

TEST_F(PluginClientTest, ADetachedRequestIsClosedAfterTheEnd) {
    start().detach();
    EXPECT_EQ(fake.log, Log{});
    end(0, "");
    EXPECT_EQ(fake.log, Log{"close"});
    Request late = start();
    end(0, "");
    EXPECT_EQ(fake.log, Log{});
    late.detach();
    EXPECT_FALSE(late);
    EXPECT_EQ(fake.log, Log{"close"});
}

TEST_F(PluginClientTest, UnknownCodesAreUnknown) {
    const Request request = start();
    end(99, "new");
    EXPECT_EQ(log_, (Log{"end 2 new", "gone"}));
}

TEST_F(PluginClientTest, ATransportThatIsStoppedTakesNoCalls) {
    fake.call_answer = QUORATE_UNAVAILABLE;
    const Result<Request> request =
        connection_->call({"/s/m", {}, 0}, std::make_unique<LoggingCall>(log_));
    EXPECT_TRUE(request.error().is(errors::kStopped));
    EXPECT_EQ(log_, Log{"gone"});
}

// The last owner frees the call, whichever it is: for the address and thread sanitizers.
TEST_F(PluginClientTest, ClosingAndTheEndMayRace) {
    for (int i = 0; i < 300; ++i) {
        Request request = start();
        std::thread core([given = std::move(request), i]() mutable {
            if (i % 2 == 0) {
                given.close();
            } else {
                given.detach();
            }
        });
        end(0, "");
        core.join();
        EXPECT_EQ(fake.log, Log{"close"});
    }
}

}  // namespace

}  // namespace quorate::transport
