// SPDX-License-Identifier: Apache-2.0
//
// What breaks the protocol or abuses it, frame by frame.
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::http::testing {
namespace {

constexpr uint8_t kEndHeaders = NGHTTP2_FLAG_END_HEADERS;
constexpr uint8_t kEndStream = NGHTTP2_FLAG_END_STREAM;

std::string request(uint32_t stream, uint8_t more_flags = 0) {
    return frame(NGHTTP2_HEADERS, static_cast<uint8_t>(kEndHeaders | more_flags), stream,
                 grpc_block("/test.Test/Never"));
}

struct Violation {
    const char* name;
    std::string bytes;
    int64_t code;
};

TEST(Limits, ViolationsEndTheConnectionWithTheirCode) {
    const std::vector<Violation> violations{
        {"data on stream 0", frame(NGHTTP2_DATA, 0, 0, "x"), NGHTTP2_PROTOCOL_ERROR},
        {"headers on stream 0", frame(NGHTTP2_HEADERS, kEndHeaders, 0, grpc_block("/a")),
         NGHTTP2_PROTOCOL_ERROR},
        {"even stream id", request(2), NGHTTP2_PROTOCOL_ERROR},
        {"data on an idle stream", frame(NGHTTP2_DATA, 0, 7, "x"), NGHTTP2_PROTOCOL_ERROR},
        {"frame larger than allowed", frame(NGHTTP2_DATA, 0, 1, std::string(16385, 'x')),
         NGHTTP2_FRAME_SIZE_ERROR},
        {"short ping", frame(NGHTTP2_PING, 0, 0, "1234"), NGHTTP2_FRAME_SIZE_ERROR},
        {"short settings", frame(NGHTTP2_SETTINGS, 0, 0, "123"), NGHTTP2_FRAME_SIZE_ERROR},
        {"settings on a stream", frame(NGHTTP2_SETTINGS, 0, 1, ""), NGHTTP2_PROTOCOL_ERROR},
        {"window over 2^31-1", frame(NGHTTP2_WINDOW_UPDATE, 0, 0, u32(0x7fffffff)),
         NGHTTP2_FLOW_CONTROL_ERROR},
        {"push from a client", frame(NGHTTP2_PUSH_PROMISE, kEndHeaders, 1, u32(2)),
         NGHTTP2_PROTOCOL_ERROR},
        {"continuation alone", frame(NGHTTP2_CONTINUATION, kEndHeaders, 1, ""),
         NGHTTP2_PROTOCOL_ERROR},
        {"frame inside a header block",
         frame(NGHTTP2_HEADERS, 0, 1, "") + frame(NGHTTP2_PING, 0, 0, "12345678"),
         NGHTTP2_PROTOCOL_ERROR},
        {"damaged header block", frame(NGHTTP2_HEADERS, kEndHeaders, 1, "\xff\xff\xff\xff\xff"),
         NGHTTP2_COMPRESSION_ERROR},
    };
    for (const Violation& violation : violations) {
        SCOPED_TRACE(violation.name);
        TestCore core;
        TestServer server(core);
        RawClient client(server.port());
        client.send(hello() + violation.bytes);
        EXPECT_EQ(go_away_code(client.read_to_end()), violation.code);
    }
}

TEST(Limits, ViolationsOfOneStreamResetThatStream) {
    TestCore core;
    core.at("/test.Test/Echo").on_message = [](TestCall& call, std::string_view text) {
        call.reply(text);
    };
    TestServer server(core);
    RawClient client(server.port());
    const std::string bad = header_block({{":method", "POST"}, {":path", "/a"}, {"Upper", "x"}});
    client.send(hello() + frame(NGHTTP2_HEADERS, kEndHeaders, 1, bad) +
                frame(NGHTTP2_HEADERS, kEndHeaders, 3, grpc_block("/test.Test/Echo")) +
                frame(NGHTTP2_DATA, kEndStream, 3, message("still here")));
    ASSERT_TRUE(client.read_until("still here"));
    EXPECT_EQ(reset_code(client.received()), NGHTTP2_PROTOCOL_ERROR);
    EXPECT_EQ(go_away_code(client.received()), -1);
    EXPECT_EQ(core.call_count(), 1U);
}

TEST(Limits, AWrongPrefaceIsHttp1) {
    TestCore core;
    TestServer server(core);
    RawClient client(server.port());
    client.send("PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n");
    EXPECT_EQ(client.read_to_end().substr(0, 12), "HTTP/1.1 505");
}

TEST(Limits, ListenersRefuseWhatTheyDoNotServe) {
    TestCore core;
    Listen grpc_only;
    grpc_only.serve = QUORATE_SERVE_GRPC;
    TestServer server(core, {}, grpc_only);
    RawClient client(server.port());
    client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_EQ(client.read_to_end(), "");

    Listen http_only;
    http_only.serve = QUORATE_SERVE_HTTP;
    TestCore other_core;
    TestServer other(other_core, {}, http_only);
    Http2Client grpc(other.port());
    ClientStream& stream = grpc.call("/test.Test/Echo", message("x"));
    ASSERT_TRUE(grpc.run_until_closed(stream));
    EXPECT_EQ(stream.headers[":status"], "415");
    EXPECT_EQ(stream.status(), "12");
}

TEST(Limits, TooLargeHeadersResetTheStream) {
    TestCore core;
    TestServer server(core, {{"max_header_bytes", "2000"}});
    Http2Client client(server.port());
    ClientStream& stream =
        client.call("/test.Test/Never", message("x"), true, {{"token", std::string(2000, 'x')}});
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.error_code, NGHTTP2_FRAME_SIZE_ERROR);
    EXPECT_EQ(core.call_count(), 0U);
}

TEST(Limits, AnEndlessHeaderBlockEndsTheConnection) {
    TestCore core;
    TestServer server(core);
    RawClient client(server.port());
    std::string flood = hello() + frame(NGHTTP2_HEADERS, 0, 1, grpc_block("/a"));
    for (int i = 0; i < 1000; ++i) {
        flood += frame(NGHTTP2_CONTINUATION, 0, 1, header_block({{"x", std::string(100, 'y')}}));
    }
    client.send(flood);
    EXPECT_NE(go_away_code(client.read_to_end()), NGHTTP2_NO_ERROR);
}

TEST(Limits, StreamsBeyondTheBoundAreRefused) {
    TestCore core;
    TestServer server(core, {{"max_streams_per_connection", "3"}});
    Http2Client client(server.port());
    std::vector<ClientStream*> streams;
    for (int i = 0; i < 5; ++i) {
        streams.push_back(&client.call("/test.Test/Never", message("x"), false));
    }
    ASSERT_TRUE(client.run_until([&] { return streams[3]->closed && streams[4]->closed; }));
    EXPECT_EQ(streams[3]->error_code, NGHTTP2_REFUSED_STREAM);
    EXPECT_FALSE(streams[2]->closed);
    EXPECT_EQ(core.call_count(), 3U);
    // An ended stream makes room.
    client.reset(*streams[0]);
    client.pump();
    TestCall& first = core.call(0);
    ASSERT_TRUE(core.wait([&] { return first.released; }));
    client.call("/test.Test/Never", message("x"), false);
    ASSERT_TRUE(client.run_until([&] { return core.call_count() == 4; }));
}

TEST(Limits, ConnectionsBeyondTheBoundAreClosed) {
    TestCore core;
    TestServer server(core, {{"max_connections", "2"}});
    Http2Client first(server.port());
    Http2Client second(server.port());
    for (Http2Client* client : {&first, &second}) {
        client->ping();
        ASSERT_TRUE(client->run_until([&] { return client->ping_acks() == 1; }));
    }
    RawClient third(server.port());
    third.send(hello());
    EXPECT_EQ(third.read_to_end(), "");
}

TEST(Limits, RapidResetEndsTheConnection) {
    TestCore core;
    TestServer server(core, {{"reset_burst", "100"}, {"reset_rate", "1"}});
    server.host().freeze();
    RawClient client(server.port());
    std::string flood = hello();
    for (uint32_t i = 0; i < 200; ++i) {
        flood += request(2 * i + 1) + frame(NGHTTP2_RST_STREAM, 0, 2 * i + 1, u32(NGHTTP2_CANCEL));
    }
    client.send(flood);
    EXPECT_EQ(go_away_code(client.read_to_end()), NGHTTP2_ENHANCE_YOUR_CALM);
    server.stop();
    // What nghttp2 had read in the same piece may still have begun; nothing more.
    for (size_t i = 0; i < core.call_count(); ++i) {
        EXPECT_EQ(core.call(i).cancelled, QUORATE_CANCEL_PEER);
    }
}

TEST(Limits, ResetsThatTheServerIsMadeToSendCountToo) {
    TestCore core;
    TestServer server(core, {{"reset_burst", "100"}, {"reset_rate", "1"}});
    server.host().freeze();
    RawClient client(server.port());
    std::string flood = hello();
    for (uint32_t i = 0; i < 200; ++i) {
        flood += request(2 * i + 1) + frame(NGHTTP2_WINDOW_UPDATE, 0, 2 * i + 1, u32(0x7fffffff));
    }
    client.send(flood);
    EXPECT_EQ(go_away_code(client.read_to_end()), NGHTTP2_ENHANCE_YOUR_CALM);
}

TEST(Limits, PingFloodEndsTheConnection) {
    TestCore core;
    TestServer server(core);
    server.host().freeze();
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Never", message("x"), false);
    client.pump();
    for (int i = 0; i < 4; ++i) {
        client.ping();
    }
    ASSERT_TRUE(client.run_until([&] { return !client.go_aways().empty(); }));
    EXPECT_EQ(client.go_aways()[0].error_code(), NGHTTP2_ENHANCE_YOUR_CALM);
    EXPECT_EQ(client.go_aways()[0].payload.substr(8), "too_many_pings");
    EXPECT_FALSE(client.run_until_closed(stream));
    EXPECT_TRUE(client.server_closed());
}

TEST(Limits, PingsThatFollowDataAreForgiven) {
    // What grpc-go's bandwidth estimation does.
    TestCore core;
    core.at("/test.Test/Chat").on_message = [](TestCall& call, std::string_view text) {
        call.send(text);
    };
    TestServer server(core);
    server.host().freeze();
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Chat", message("0"), false);
    for (size_t i = 1; i <= 20; ++i) {
        ASSERT_TRUE(client.run_until([&] { return messages(stream.body).size() == i; }));
        client.ping();
        ASSERT_TRUE(client.run_until([&] { return client.ping_acks() == i; }));
        client.send(stream, message("again"));
    }
    EXPECT_TRUE(client.go_aways().empty());
}

TEST(Limits, FloodsOfEmptyFramesEndTheConnection) {
    const std::vector<std::pair<const char*, std::string>> floods{
        {"settings", frame(NGHTTP2_SETTINGS, 0, 0, "")},
        {"empty data", frame(NGHTTP2_DATA, 0, 1, "")},
    };
    for (const auto& [name, one] : floods) {
        SCOPED_TRACE(name);
        TestCore core;
        TestServer server(core);
        server.host().freeze();
        RawClient client(server.port());
        std::string flood = hello() + request(1);
        for (int i = 0; i < 3000; ++i) {
            flood += one;
        }
        client.send(flood);
        EXPECT_EQ(go_away_code(client.read_to_end()), NGHTTP2_ENHANCE_YOUR_CALM);
    }
}

TEST(Limits, QuietPeersArePingedAndDroppedWhenDead) {
    TestCore core;
    TestServer server(core, {{"keepalive_interval", "60000"}, {"keepalive_timeout", "20000"}});
    server.host().freeze();
    RawClient client(server.port());
    client.send(hello() + request(1));
    TestCall& call = core.call(0);
    // Another connection's traffic makes the loop look at its timers.
    const auto poke = [&] {
        Http2Client other(server.port());
        other.ping();
        EXPECT_TRUE(other.run_until([&] { return other.ping_acks() == 1; }));
    };
    const auto pings = [&] {
        size_t count = 0;
        for (const Frame& one : frames(client.received())) {
            count += one.type == NGHTTP2_PING ? 1 : 0;
        }
        return count;
    };
    server.host().advance(60000);
    poke();
    ASSERT_TRUE(client.read_until([&](const std::string&) { return pings() == 1; }));
    // An answer keeps the connection.
    client.send(frame(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, std::string("alive\0\0\0", 8)));
    poke();
    server.host().advance(20000);
    poke();
    server.host().advance(60000);
    poke();
    ASSERT_TRUE(client.read_until([&](const std::string&) { return pings() == 2; }));
    EXPECT_FALSE(call.cancelled);
    // No answer ends it.
    server.host().advance(20000);
    poke();
    client.read_to_end();
    ASSERT_TRUE(core.wait([&] { return call.released; }));
    EXPECT_EQ(call.cancelled, QUORATE_CANCEL_PEER);
}

TEST(Limits, SilentConnectionsAreDropped) {
    TestCore core;
    TestServer server(core, {{"header_timeout", "5000"}});
    server.host().freeze();
    RawClient silent(server.port());
    RawClient slow(server.port());
    slow.send("PRI * HTT");
    Http2Client other(server.port());
    other.ping();  // answered, it counts as one that has spoken
    ASSERT_TRUE(
        other.run_until([&] { return other.ping_acks() == 1 && server.stats().connections == 3; }));
    server.host().advance(5000);
    other.ping();
    ASSERT_TRUE(other.run_until([&] { return other.ping_acks() == 2; }));
    EXPECT_EQ(silent.read_to_end(), "");
    EXPECT_EQ(slow.read_to_end(), "");
    EXPECT_TRUE(server.host().logged("no request in time"));
}

}  // namespace
}  // namespace quorate::http::testing
