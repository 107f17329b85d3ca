// SPDX-License-Identifier: Apache-2.0
//
// Starting, stopping, and calls that outlive what they came through.
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace quorate::http::testing {
namespace {

using plugin::bytes;

void echo(TestCall& call, std::string_view text) {
    call.reply(text);
}

TEST(Lifecycle, DescribesItself) {
    const quorate_plugin* plugin = quorate_plugin_entry();
    EXPECT_EQ(plugin->magic, QUORATE_PLUGIN_MAGIC);
    EXPECT_STREQ(plugin->kind, "transport");
    EXPECT_STREQ(plugin->name, "http");
    EXPECT_EQ(plugin->interface_get("quorate.transport/1"), nullptr);
}

TEST(Lifecycle, DestroysWhatWasNeverStarted) {
    TestCore core;
    TestHost host;
    quorate_error error{sizeof error, 0, {}};
    quorate_plugin_entry()->init(&host.table(), &error);
    const quorate_transport_events events = core.events();
    quorate_transport* transport = nullptr;
    ASSERT_EQ(table().create(&events, nullptr, 0, &transport, &error), QUORATE_OK);
    table().destroy(transport);

    const quorate_option wrong{bytes("no_such_option"), bytes("1")};
    EXPECT_EQ(table().create(&events, &wrong, 1, &transport, &error), QUORATE_INVALID_ARGUMENT);
    EXPECT_NE(std::string(error.text).find("no_such_option"), std::string::npos);
}

TEST(Lifecycle, ListensWhereItCan) {
    TestCore core;
    TestHost host;
    quorate_error error{sizeof error, 0, {}};
    quorate_plugin_entry()->init(&host.table(), &error);
    const quorate_transport_events events = core.events();
    quorate_transport* transport = nullptr;
    ASSERT_EQ(table().create(&events, nullptr, 0, &transport, &error), QUORATE_OK);
    const auto listen = [&](std::string_view where_host, uint32_t port) {
        quorate_listen where{};
        where.size = sizeof where;
        where.host = bytes(where_host);
        where.port = port;
        where.serve = QUORATE_SERVE_GRPC;
        quorate_listening listening{sizeof listening, 99, 0};
        const quorate_code code = table().listen(transport, &where, &listening, &error);
        return std::pair(code, listening);
    };
    const auto [first_code, first] = listen("127.0.0.1", 0);
    EXPECT_EQ(first_code, QUORATE_OK);
    EXPECT_EQ(first.id, 0U);
    EXPECT_NE(first.port, 0U);
    EXPECT_EQ(listen("localhost", 0).second.id, 1U);
    EXPECT_EQ(listen("127.0.0.1", first.port).first, QUORATE_FAILED_PRECONDITION);
    EXPECT_NE(std::string(error.text).find("127.0.0.1:" + std::to_string(first.port)),
              std::string::npos);
    EXPECT_EQ(listen("127.0.0.1", 70000).first, QUORATE_INVALID_ARGUMENT);
    EXPECT_EQ(listen("no such host", 0).first, QUORATE_INVALID_ARGUMENT);
    table().destroy(transport);
}

TEST(Lifecycle, ServesIpv6) {
    TestCore core;
    core.at("/x").on_half_close = [](TestCall& call) { call.reply("six"); };
    Listen listen;
    listen.host = "::1";
    TestServer server(core, {}, listen);
    RawClient client(server.port(), "::1");
    client.send("GET /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(client.read_to_end().find("six"), std::string::npos);
    EXPECT_EQ(core.call(0).peer.substr(0, 6), "[::1]:");
}

TEST(Lifecycle, DrainsGracefully) {
    TestCore core;
    core.at("/test.Test/Echo").on_message = echo;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& open = client.call("/test.Test/Wait", message("x"));
    ASSERT_TRUE(client.run_until([&] { return core.call_count() == 1; }));
    std::thread stopper([&] { server.stop(60000); });
    // First word: no new streams, please; those on their way are still served.
    ASSERT_TRUE(client.run_until([&] { return !client.go_aways().empty(); }));
    EXPECT_EQ(client.go_aways()[0].payload.substr(0, 4), u32(0x7fffffff));
    // Second word, once the client has seen the first.
    ASSERT_TRUE(client.run_until([&] { return client.go_aways().size() == 2; }));
    EXPECT_EQ(client.go_aways()[1].payload.substr(0, 4), u32(static_cast<uint32_t>(open.id)));
    EXPECT_EQ(client.go_aways()[1].error_code(), NGHTTP2_NO_ERROR);
    EXPECT_FALSE(open.closed);
    core.call(0).reply("done");
    table().flush(server.handle());
    ASSERT_TRUE(client.run_until_closed(open));
    EXPECT_EQ(open.status(), "0");
    EXPECT_FALSE(client.run_until([] { return false; }));
    EXPECT_TRUE(client.server_closed());
    stopper.join();
}

TEST(Lifecycle, CancelsWhatDoesNotEndInTime) {
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& open = client.call("/test.Test/Wait", message("x"));
    ASSERT_TRUE(client.run_until([&] { return core.call_count() == 1; }));
    server.stop(0);
    TestCall& call = core.call(0);
    EXPECT_EQ(call.cancelled, QUORATE_CANCEL_SHUTDOWN);
    EXPECT_TRUE(call.released);
    EXPECT_EQ(call.send("late"), QUORATE_SEND_GONE);
    ASSERT_TRUE(client.run_until_closed(open));
    EXPECT_EQ(open.status(), "14");
    // The handle is good until finish, which comes with the destruction of the server.
}

TEST(Lifecycle, StopsHttp1Connections) {
    TestCore core;
    TestServer server(core);
    RawClient waiting(server.port());
    waiting.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    core.call(0);
    RawClient idle(server.port());
    server.stop(0);
    EXPECT_EQ(waiting.read_to_end().substr(0, 12), "HTTP/1.1 503");
    EXPECT_EQ(idle.read_to_end(), "");
    EXPECT_EQ(core.call(0).cancelled, QUORATE_CANCEL_SHUTDOWN);
}

TEST(Lifecycle, CallsOutliveTheirConnection) {
    constexpr size_t kCalls = 100;
    TestCore core;
    TestServer server(core);
    {
        Http2Client client(server.port());
        for (size_t i = 0; i < kCalls; ++i) {
            client.call("/test.Test/Wait", message("x"), i % 2 == 0);
        }
        ASSERT_TRUE(client.run_until([&] { return core.call_count() == kCalls; }));
        client.socket().reset();
    }
    ASSERT_TRUE(core.wait([&] { return core.released_count() == kCalls; }));
    for (size_t i = 0; i < kCalls; ++i) {
        TestCall& call = core.call(i);
        EXPECT_EQ(call.cancelled, QUORATE_CANCEL_PEER);
        EXPECT_EQ(call.send("late"), QUORATE_SEND_GONE);
        call.reply("later");
    }
    table().flush(server.handle());
    EXPECT_EQ(server.stats().streams, 0U);
}

TEST(Lifecycle, TheCoreMayFinishFromAnyCallback) {
    TestCore core;
    core.at("/test.Test/OnCancel").on_cancel = [](TestCall& call) { call.finish(1); };
    core.at("/test.Test/OnCall").on_call = [](TestCall& call) { call.reply("at once"); };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& at_once = client.call("/test.Test/OnCall", message("x"));
    ASSERT_TRUE(client.run_until_closed(at_once));
    EXPECT_EQ(messages(at_once.body), std::vector<std::string>{"at once"});
    ClientStream& cancelled = client.call("/test.Test/OnCancel", message("x"), false);
    ASSERT_TRUE(client.run_until([&] { return core.call_count() == 2; }));
    client.reset(cancelled);
    client.pump();
    ASSERT_TRUE(core.wait([&] { return core.released_count() == 2; }));
}

// Several loops, several answering threads, connections that come and go: for the sanitizers.
TEST(Lifecycle, ManyThreadsAtOnce) {
    constexpr int kClients = 6;
    constexpr int kRounds = 5;
    constexpr int kCallsPerRound = 30;
    TestCore core;
    core.at("/test.Test/Echo").on_message = echo;
    TestServer server(core, {{"threads", "3"}});
    std::atomic<bool> done{false};
    std::atomic<size_t> answered{0};
    std::vector<std::thread> answerers;
    for (size_t which = 0; which < 2; ++which) {
        answerers.emplace_back([&, which] {
            // Each takes every second call of those that wait for another thread.
            for (size_t next = 0; !done.load();) {
                if (next >= core.call_count()) {
                    table().flush(server.handle());
                    std::this_thread::yield();
                    continue;
                }
                TestCall& call = core.call(next++);
                if (call.path == "/test.Test/Later" && next % 2 == which) {
                    call.send("one");
                    call.reply("two");
                    answered.fetch_add(1);
                }
            }
            table().flush(server.handle());
        });
    }
    std::vector<std::thread> clients;
    for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&, i] {
            for (int round = 0; round < kRounds; ++round) {
                Http2Client client(server.port());
                std::vector<ClientStream*> streams;
                for (int n = 0; n < kCallsPerRound; ++n) {
                    streams.push_back(&client.call(
                        n % 2 == 0 ? "/test.Test/Echo" : "/test.Test/Later", message("x")));
                }
                if ((i + round) % 3 == 0) {
                    client.pump();
                    client.socket().reset();
                    continue;
                }
                for (ClientStream* stream : streams) {
                    ASSERT_TRUE(client.run_until_closed(*stream));
                    ASSERT_EQ(stream->status(), "0");
                }
            }
        });
    }
    for (std::thread& client : clients) {
        client.join();
    }
    server.stop(0);
    done.store(true);
    for (std::thread& answerer : answerers) {
        answerer.join();
    }
    EXPECT_GT(answered.load(), 0U);
    EXPECT_EQ(server.stats().connections, 0U);
    EXPECT_EQ(server.stats().streams, 0U);
    EXPECT_EQ(core.released_count(), core.call_count());
}

}  // namespace
}  // namespace quorate::http::testing
