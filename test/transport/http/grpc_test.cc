// SPDX-License-Identifier: Apache-2.0
//
// gRPC over real sockets: calls, streams, statuses, deadlines.
#include "transport/http/gzip_util.h"
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>

namespace quorate::http::testing {
namespace {

void echo(TestCall& call, std::string_view text) {
    call.reply(text);
}

TEST(Grpc, AnswersAUnaryCall) {
    TestCore core;
    core.at("/test.Test/Echo").on_message = echo;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Echo", message("hello"), true,
                                       {{"user-agent", "test/1"}, {"token", "abc"}});
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body), std::vector<std::string>{"hello"});
    EXPECT_EQ(stream.status(), "0");
    EXPECT_EQ(stream.error_code, NGHTTP2_NO_ERROR);
    EXPECT_EQ(stream.headers[":status"], "200");
    EXPECT_EQ(stream.headers["content-type"], "application/grpc");
    EXPECT_EQ(stream.trailers.count("grpc-message"), 0U);

    TestCall& call = core.call(0);
    ASSERT_TRUE(core.wait([&] { return call.released; }));
    EXPECT_EQ(call.protocol, QUORATE_PROTOCOL_GRPC);
    EXPECT_EQ(call.method, "POST");
    EXPECT_EQ(call.authority, "localhost");
    EXPECT_EQ(call.peer.substr(0, 10), "127.0.0.1:");
    EXPECT_EQ(call.headers,
              (std::map<std::string, std::string>{{"user-agent", "test/1"}, {"token", "abc"}}));
    EXPECT_FALSE(call.cancelled);
    const auto stats = server.stats();
    EXPECT_EQ(stats.received_bytes, 5U);
    EXPECT_EQ(stats.sent_bytes, 5U);
    EXPECT_EQ(stats.connections, 1U);
}

TEST(Grpc, AnswersFromAnotherThread) {
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Later", message("hello"));
    client.pump();
    std::thread other([&] {
        TestCall& call = core.call(0);
        EXPECT_TRUE(core.wait([&] { return call.half_closed; }));
        call.reply(call.messages.at(0) + " from afar");
        table().flush(server.handle());
    });
    ASSERT_TRUE(client.run_until_closed(stream));
    other.join();
    EXPECT_EQ(messages(stream.body), std::vector<std::string>{"hello from afar"});
    EXPECT_EQ(stream.status(), "0");
}

// What the core answers at the end of a turn goes out with it: nothing else wakes the thread here.
TEST(Grpc, AnswersAtTheEndOfTheTurn) {
    TestCore core;
    TestCall* waiting = nullptr;  // the transport's one thread
    core.at("/test.Test/AtTurnEnd").on_message = [&](TestCall& call, std::string_view) {
        waiting = &call;
    };
    core.at_turn_end([&] {
        if (waiting != nullptr) {
            std::exchange(waiting, nullptr)->reply("at the end");
        }
    });
    TestServer server(core, {{"threads", "1"}});
    Http2Client client(server.port());
    for (int i = 0; i < 3; ++i) {
        ClientStream& stream = client.call("/test.Test/AtTurnEnd", message("hello"));
        ASSERT_TRUE(client.run_until_closed(stream));
        EXPECT_EQ(messages(stream.body), std::vector<std::string>{"at the end"});
    }
}

TEST(Grpc, KeepsTheOrderWhenThreadsHandACallOver) {
    // What another thread has queued comes before what the loop's own thread sends afterwards.
    TestCore core;
    core.at("/test.Test/HandOver").on_message = [](TestCall& call, std::string_view) {
        std::thread([&call] { EXPECT_EQ(call.send("first"), QUORATE_SEND_OK); }).join();
        EXPECT_EQ(call.send("second"), QUORATE_SEND_OK);
        call.finish(0);
    };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/HandOver", message(""));
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body), (std::vector<std::string>{"first", "second"}));
    EXPECT_EQ(stream.status(), "0");
}

TEST(Grpc, StreamsBothWays) {
    TestCore core;
    core.at("/test.Test/Chat").on_message = [](TestCall& call, std::string_view text) {
        EXPECT_EQ(call.send("re: " + std::string(text)), QUORATE_SEND_OK);
    };
    core.at("/test.Test/Chat").on_half_close = [](TestCall& call) { call.finish(0); };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Chat", message("0"), false);
    std::vector<std::string> expected{"re: 0"};
    for (int i = 1; i < 50; ++i) {
        ASSERT_TRUE(client.run_until([&] { return messages(stream.body) == expected; }));
        client.send(stream, message(std::to_string(i)));
        expected.push_back("re: " + std::to_string(i));
    }
    client.send(stream, "", true);
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body), expected);
    EXPECT_EQ(stream.status(), "0");
}

TEST(Grpc, TakesManyMessagesOfOneFrame) {
    TestCore core;
    core.at("/test.Test/Count").on_half_close = [](TestCall& call) {
        call.reply(std::to_string(call.messages.size()));
    };
    TestServer server(core);
    Http2Client client(server.port());
    std::string body;
    for (int i = 0; i < 100; ++i) {
        body += message(std::string(static_cast<size_t>(i), 'x'));
    }
    ClientStream& stream = client.call("/test.Test/Count", body);
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body), std::vector<std::string>{"100"});
    EXPECT_EQ(core.call(0).messages[99], std::string(99, 'x'));
}

TEST(Grpc, SendsAStatusAloneAsTrailersOnly) {
    TestCore core;
    core.at("/test.Test/Fail").on_half_close = [](TestCall& call) {
        call.finish(5, "no such key: 100%\n");
    };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Fail", message(""));
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.header_blocks, 1U);
    EXPECT_EQ(stream.headers[":status"], "200");
    EXPECT_EQ(stream.headers["content-type"], "application/grpc");
    EXPECT_EQ(stream.headers["grpc-status"], "5");
    EXPECT_EQ(stream.headers["grpc-message"], "no such key: 100%25%0A");
    EXPECT_EQ(stream.body, "");
}

TEST(Grpc, SendsAStatusAfterMessagesInTheTrailers) {
    TestCore core;
    core.at("/test.Test/Fail").on_half_close = [](TestCall& call) {
        call.send("one");
        call.finish(14, "gone");
    };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Fail", message(""));
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body), std::vector<std::string>{"one"});
    EXPECT_EQ(stream.trailers["grpc-status"], "14");
    EXPECT_EQ(stream.trailers["grpc-message"], "gone");
}

TEST(Grpc, RefusesACallAtItsHeaders) {
    TestCore core;
    core.at("/test.Test/Unknown").on_call = [](TestCall& call) {
        call.finish(12, "unknown method");
    };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Unknown", message("ignored"), false);
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.status(), "12");
    // The peer is told to stop sending.
    EXPECT_EQ(stream.error_code, NGHTTP2_NO_ERROR);
    EXPECT_TRUE(core.call(0).messages.empty());
    ASSERT_TRUE(core.wait([&] { return core.released_count() == 1; }));
}

TEST(Grpc, UnpacksGzip) {
    TestCore core;
    core.at("/test.Test/Echo").on_message = echo;
    TestServer server(core);
    Http2Client client(server.port());
    const std::string text(5000, 'z');
    ClientStream& stream =
        client.call("/test.Test/Echo", message(gzip(text), 1), true, {{"grpc-encoding", "gzip"}});
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body), std::vector<std::string>{text});
}

TEST(Grpc, RefusesBadCompression) {
    TestCore core;
    TestServer server(core, {{"max_receive_bytes", "1000"}});
    Http2Client client(server.port());
    const std::string path = "/test.Test/Echo";
    ClientStream& unknown = client.call(path, message("x", 1), true, {{"grpc-encoding", "br"}});
    ClientStream& undeclared = client.call(path, message("x", 1));
    ClientStream& damaged = client.call(path, message("x", 1), true, {{"grpc-encoding", "gzip"}});
    ClientStream& bomb = client.call(path, message(gzip(std::string(5000, 'z')), 1), true,
                                     {{"grpc-encoding", "gzip"}});
    ClientStream& flag = client.call(path, message("x", 7));
    ASSERT_TRUE(client.run_until([&] {
        return unknown.closed && undeclared.closed && damaged.closed && bomb.closed && flag.closed;
    }));
    EXPECT_EQ(unknown.status(), "12");
    EXPECT_EQ(unknown.text(), "grpc: Decompressor is not installed for grpc-encoding \"br\"");
    EXPECT_EQ(unknown.headers["grpc-accept-encoding"], "gzip");
    EXPECT_EQ(undeclared.status(), "13");
    EXPECT_EQ(undeclared.text(), "grpc: compressed flag set with identity or empty encoding");
    EXPECT_EQ(damaged.status(), "13");
    EXPECT_EQ(bomb.status(), "8");
    EXPECT_EQ(flag.status(), "13");
    EXPECT_EQ(flag.text(), "grpc: received unexpected payload format 7");
}

TEST(Grpc, RefusesATooLargeMessageWithGrpcGosText) {
    TestCore core;
    TestServer server(core, {{"max_receive_bytes", "1000"}});
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Put", message(std::string(1001, 'x')));
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.status(), "8");
    EXPECT_EQ(stream.text(), "grpc: received message larger than max (1001 vs. 1000)");
    TestCall& call = core.call(0);
    ASSERT_TRUE(core.wait([&] { return call.released; }));
    EXPECT_EQ(call.cancelled, QUORATE_CANCEL_PEER);
    EXPECT_EQ(call.send("late"), QUORATE_SEND_GONE);
    call.finish(0);
}

TEST(Grpc, RefusesHalfAMessage) {
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream =
        client.call("/test.Test/Put", message("whole") + message("half").substr(0, 7));
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.status(), "13");
    EXPECT_EQ(stream.text(), "unexpected EOF");
    EXPECT_EQ(core.call(0).messages, std::vector<std::string>{"whole"});
    EXPECT_FALSE(core.call(0).half_closed);
}

TEST(Grpc, RefusesWrongTypesAndMethods) {
    TestCore core;
    Listen grpc_only;
    grpc_only.serve = QUORATE_SERVE_GRPC;
    TestServer server(core, {}, grpc_only);
    Http2Client client(server.port());
    const Fields base{{":scheme", "http"}, {":path", "/a.B/C"}, {":authority", "x"}};
    const auto with = [&](const std::string& method, const std::string& type) {
        Fields fields{{":method", method}};
        fields.insert(fields.end(), base.begin(), base.end());
        fields.emplace_back("content-type", type);
        return fields;
    };
    ClientStream& type = client.request(with("POST", "text/plain"), "");
    ClientStream& method = client.request(with("GET", "application/grpc"), "");
    ASSERT_TRUE(client.run_until([&] { return type.closed && method.closed; }));
    EXPECT_EQ(type.headers[":status"], "415");
    EXPECT_EQ(type.text(), "invalid gRPC request content-type \"text/plain\"");
    EXPECT_EQ(method.headers[":status"], "405");
    EXPECT_EQ(core.call_count(), 0U);
}

TEST(Grpc, EndsACallAtItsDeadline) {
    TestCore core;
    TestServer server(core);
    server.host().freeze();
    Http2Client client(server.port());
    ClientStream& stream =
        client.call("/test.Test/Never", message("x"), true, {{"grpc-timeout", "1500m"}});
    TestCall* call = nullptr;
    ASSERT_TRUE(client.run_until([&] { return core.call_count() == 1; }));
    call = &core.call(0);
    server.host().advance(1499);
    client.ping();
    ASSERT_TRUE(client.run_until([&] { return client.ping_acks() == 1; }));
    EXPECT_FALSE(stream.closed);
    server.host().advance(1);
    client.ping();
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.status(), "4");
    EXPECT_EQ(stream.text(), "context deadline exceeded");
    ASSERT_TRUE(core.wait([&] { return call->released; }));
    EXPECT_EQ(call->cancelled, QUORATE_CANCEL_DEADLINE);
    EXPECT_EQ(call->send("late"), QUORATE_SEND_GONE);
}

TEST(Grpc, RefusesAMalformedDeadline) {
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream =
        client.call("/test.Test/Never", message("x"), true, {{"grpc-timeout", "1x"}});
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.headers[":status"], "400");
    EXPECT_EQ(stream.status(), "13");
    EXPECT_EQ(core.call_count(), 0U);
}

TEST(Grpc, ADeadlineThatHasPassedEndsACallBeforeItBegins) {
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    for (const char* timeout : {"0n", "0H", "1n", "999n"}) {
        ClientStream& stream =
            client.call("/test.Test/Never", message("x"), false, {{"grpc-timeout", timeout}});
        ASSERT_TRUE(client.run_until_closed(stream)) << timeout;
        EXPECT_EQ(stream.headers[":status"], "200");
        EXPECT_EQ(stream.status(), "4");
        EXPECT_EQ(stream.text(), "context deadline exceeded");
    }
    EXPECT_EQ(core.call_count(), 0U);
}

TEST(Grpc, TellsTheCoreAboutAReset) {
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Never", message("x"), false);
    ASSERT_TRUE(client.run_until([&] { return core.call_count() == 1; }));
    client.reset(stream);
    client.pump();
    TestCall& call = core.call(0);
    ASSERT_TRUE(core.wait([&] { return call.released; }));
    EXPECT_EQ(call.cancelled, QUORATE_CANCEL_PEER);
    EXPECT_EQ(call.send("late"), QUORATE_SEND_GONE);
    call.finish(0);
    // The connection lives on.
    client.ping();
    EXPECT_TRUE(client.run_until([&] { return client.ping_acks() == 1; }));
}

TEST(Grpc, CarriesLargeMessagesBothWays) {
    TestCore core;
    core.at("/test.Test/Echo").on_message = echo;
    TestServer server(core);
    Http2Client client(server.port());
    std::string large(2000000, '\0');
    for (size_t i = 0; i < large.size(); ++i) {
        large[i] = static_cast<char>(i * 7 + i / 251);
    }
    std::vector<ClientStream*> streams;
    for (int i = 0; i < 8; ++i) {
        streams.push_back(&client.call("/test.Test/Echo", message(large)));
    }
    for (ClientStream* stream : streams) {
        ASSERT_TRUE(client.run_until_closed(*stream));
        ASSERT_EQ(messages(stream->body).at(0), large);
        ASSERT_EQ(stream->status(), "0");
    }
}

TEST(Grpc, ServesTenThousandStreamsAtOnce) {
    constexpr size_t kStreams = 10000;
    TestCore core;
    TestServer server(core);
    Http2Client client(server.port());
    std::vector<ClientStream*> streams;
    for (size_t i = 0; i < kStreams; ++i) {
        streams.push_back(&client.call("/test.Test/Wait", message(std::to_string(i)), false));
    }
    ASSERT_TRUE(client.run_until([&] { return server.stats().streams == kStreams; }));
    for (size_t i = 0; i < kStreams; ++i) {
        TestCall& call = core.call(i);
        ASSERT_TRUE(core.wait([&] { return !call.messages.empty(); }));
        call.reply(call.messages.at(0));
    }
    table().flush(server.handle());
    for (size_t i = 0; i < kStreams; ++i) {
        ASSERT_TRUE(client.run_until_closed(*streams[i])) << i;
        ASSERT_EQ(messages(streams[i]->body).at(0), std::to_string(i));
    }
    EXPECT_TRUE(core.wait([&] { return core.released_count() == kStreams; }));
    EXPECT_EQ(server.stats().streams, 0U);
}

}  // namespace
}  // namespace quorate::http::testing
