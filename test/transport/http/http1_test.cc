// SPDX-License-Identifier: Apache-2.0
//
// HTTP/1 over real sockets, and plain HTTP over HTTP/2.
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <string>

namespace quorate::http::testing {
namespace {

void serve_plain(TestCore& core) {
    core.at("/health").on_half_close = [](TestCall& call) {
        call.respond(200, {{"content-type", "application/json"}, {"connection", "upgrade"}});
        call.reply("{\"health\":\"true\"}");
    };
    core.at("/echo").on_half_close = [](TestCall& call) { call.reply(call.messages.at(0)); };
    core.at("/missing").on_half_close = [](TestCall& call) {
        call.respond(404, {});
        call.finish(0);
    };
    core.at("/stream").on_half_close = [](TestCall& call) {
        call.send("first;");
        call.mark();
    };
}

size_t count(std::string_view text, std::string_view part) {
    size_t found = 0;
    for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
        ++found;
    }
    return found;
}

// What comes back for `request` on a connection of its own, which the request ends.
std::string answer_to(TestServer& server, const std::string& request) {
    RawClient client(server.port());
    client.send(request);
    return client.read_to_end();
}

TEST(Http1, WhoSpeaksTlsIsNotLeftWaiting) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    EXPECT_EQ(answer_to(server, std::string("\x16\x03\x01\x02\x00\x01", 6)), "");
}

TEST(Http1, AnswersAndKeepsTheConnection) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    RawClient client(server.port());
    for (size_t i = 1; i <= 3; ++i) {
        client.send("GET /health HTTP/1.1\r\nHost: me\r\nX-Token: abc\r\n\r\n");
        ASSERT_TRUE(client.read_until(
            [&](const std::string& all) { return count(all, "{\"health\":\"true\"}") == i; }));
    }
    const std::string& all = client.received();
    EXPECT_EQ(all.substr(0, 17), "HTTP/1.1 200 OK\r\n");
    EXPECT_NE(all.find("content-type: application/json\r\n"), std::string::npos);
    EXPECT_NE(all.find("Content-Length: 17\r\n"), std::string::npos);
    EXPECT_NE(all.find(" GMT\r\n"), std::string::npos);
    EXPECT_EQ(all.find("upgrade"), std::string::npos);
    TestCall& call = core.call(0);
    EXPECT_EQ(call.protocol, QUORATE_PROTOCOL_HTTP);
    EXPECT_EQ(call.authority, "me");
    EXPECT_EQ(call.headers, (std::map<std::string, std::string>{{"x-token", "abc"}}));
    EXPECT_EQ(call.messages, std::vector<std::string>{""});
    EXPECT_EQ(server.stats().connections, 1U);
}

TEST(Http1, AnswersPipelinedRequestsInOrder) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    std::string requests;
    std::string expected;
    for (int i = 0; i < 100; ++i) {
        const std::string body = "<" + std::to_string(i) + ">";
        requests +=
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::to_string(body.size()) +
            "\r\n\r\n" + body;
        expected += body;
    }
    requests += "GET /missing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const std::string all = answer_to(server, requests);
    std::string got;
    for (size_t at = all.find('<'); at != std::string::npos; at = all.find('<', at + 1)) {
        got += all.substr(at, all.find('>', at) + 1 - at);
    }
    EXPECT_EQ(got, expected);
    EXPECT_NE(all.find("HTTP/1.1 404 Not Found\r\n"), std::string::npos);
    EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
}

TEST(Http1, TakesBodiesInPieces) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    RawClient client(server.port());
    const std::string request =
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n"
        "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhijkl";
    for (const char c : request) {
        client.send(std::string(1, c));
    }
    const std::string all = client.read_to_end();
    EXPECT_NE(all.find("\r\n\r\nabcdefg"), std::string::npos);
    EXPECT_NE(all.find("\r\n\r\nhijkl"), std::string::npos);
}

TEST(Http1, StreamsInChunks) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    RawClient client(server.port());
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(client.read_until("6\r\nfirst;\r\n"));
    TestCall& call = core.call(0);
    call.send("second");
    table().flush(server.handle());
    ASSERT_TRUE(client.read_until("6\r\nsecond\r\n"));
    call.finish(0);
    table().flush(server.handle());
    ASSERT_TRUE(client.read_until("0\r\n\r\n"));
    EXPECT_NE(client.received().find("Transfer-Encoding: chunked\r\n"), std::string::npos);
    // The connection goes on.
    client.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(client.read_until("{\"health\":\"true\"}"));
}

TEST(Http1, StreamsToOldClientsUntilTheConnectionCloses) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    RawClient client(server.port());
    client.send("GET /stream HTTP/1.0\r\n\r\n");
    ASSERT_TRUE(client.read_until("first;"));
    core.call(0).reply("second");
    table().flush(server.handle());
    const std::string all = client.read_to_end();
    EXPECT_EQ(all.substr(all.find("\r\n\r\n") + 4), "first;second");
    EXPECT_EQ(all.find("chunked"), std::string::npos);
}

TEST(Http1, AnswersHeadWithoutABody) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    const std::string all =
        answer_to(server, "HEAD /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_NE(all.find("Content-Length: 17\r\n"), std::string::npos);
    EXPECT_EQ(all.substr(all.size() - 4), "\r\n\r\n");
}

TEST(Http1, InvitesABodyThatAsksFirst) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    RawClient client(server.port());
    client.send(
        "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    ASSERT_TRUE(client.read_until("HTTP/1.1 100 Continue\r\n\r\n"));
    client.send("ok");
    ASSERT_TRUE(client.read_until("\r\n\r\nok"));
}

TEST(Http1, RefusesWhatIsTooLargeOrMalformed) {
    TestCore core;
    serve_plain(core);
    TestServer server(core, {{"max_http_body_bytes", "100"}, {"max_http_header_bytes", "2000"}});
    const std::vector<std::pair<std::string, std::string>> cases{
        {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "413"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", "413"},
        {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "400"},
        {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(2000, 'x') + "\r\n\r\n", "431"},
        {"GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(5000, 'x'), "431"},
        {"GET / HTTP/1.1\r\n\r\n", "400"},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", "505"},
        {std::string("\x17\x03\x01\x02", 4) + std::string(100, '\0') + "\r\n\r\n", "400"},
    };
    for (const auto& [request, status] : cases) {
        // More input than is read must not destroy the answer.
        const std::string all = answer_to(server, request + std::string(300, 'y') + "\r\n\r\n");
        EXPECT_EQ(all.substr(0, 12), "HTTP/1.1 " + status) << request.substr(0, 100);
        EXPECT_NE(all.find("Connection: close\r\n"), std::string::npos);
    }
    EXPECT_EQ(core.call_count(), 0U);
}

TEST(Http1, AnswersAPeerThatHasClosedItsSide) {
    TestCore core;
    TestServer server(core);
    RawClient client(server.port());
    client.send("GET /later HTTP/1.0\r\n\r\n");
    TestCall& call = core.call(0);
    client.half_close();
    // The connection's end must have been seen before the answer.
    Http2Client other(server.port());
    other.ping();
    ASSERT_TRUE(other.run_until([&] { return other.ping_acks() == 1; }));
    call.reply("late but here");
    table().flush(server.handle());
    EXPECT_NE(client.read_to_end().find("late but here"), std::string::npos);
    EXPECT_FALSE(call.cancelled);
}

TEST(Http1, CancelsAStreamWhosePeerHasLeft) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    RawClient client(server.port());
    client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(client.read_until("first;"));
    client.half_close();
    TestCall& call = core.call(0);
    ASSERT_TRUE(core.wait([&] { return call.released; }));
    EXPECT_EQ(call.cancelled, QUORATE_CANCEL_PEER);
    EXPECT_EQ(call.send("more"), QUORATE_SEND_GONE);
}

TEST(Http1, DropsIdleAndSlowConnections) {
    TestCore core;
    serve_plain(core);
    TestServer server(core, {{"idle_timeout", "1000"}, {"header_timeout", "500"}});
    server.host().freeze();
    RawClient idle(server.port());
    idle.send("GET /health HTTP/1.1\r\nHost: x\r\n\r\n");
    ASSERT_TRUE(idle.read_until("true\"}"));
    RawClient slow(server.port());
    slow.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf");
    Http2Client other(server.port());
    auto poke = [&, acks = size_t{0}]() mutable {
        other.ping();
        ++acks;
        ASSERT_TRUE(other.run_until([&] { return other.ping_acks() == acks; }));
    };
    ASSERT_TRUE(other.run_until([&] { return server.stats().connections == 3; }));
    poke();
    server.host().advance(500);
    poke();
    EXPECT_EQ(slow.read_to_end(), "");
    EXPECT_TRUE(server.host().logged("request took too long"));
    EXPECT_EQ(server.stats().connections, 2U);
    server.host().advance(500);
    poke();
    idle.read_to_end();
    EXPECT_EQ(server.stats().connections, 1U);
}

TEST(Http1, LargeAnswersGoOutAsTheSocketTakesThem) {
    TestCore core;
    const std::string large(20 << 20, 'x');
    core.at("/large").on_half_close = [&](TestCall& call) { call.reply(large); };
    TestServer server(core);
    const std::string all =
        answer_to(server, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    EXPECT_EQ(all.size() - all.find("\r\n\r\n") - 4, large.size());
}

Fields http_request(const std::string& method, const std::string& path) {
    return {{":method", method}, {":scheme", "http"}, {":path", path}, {":authority", "me"}};
}

TEST(HttpOverHttp2, AnswersPlainRequests) {
    TestCore core;
    serve_plain(core);
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& get = client.request(http_request("GET", "/health"), "");
    Fields post_fields = http_request("POST", "/echo");
    post_fields.emplace_back("content-type", "text/plain");
    ClientStream& post = client.request(post_fields, "body");
    ClientStream& head = client.request(http_request("HEAD", "/health"), "");
    ClientStream& missing = client.request(http_request("GET", "/missing"), "");
    ASSERT_TRUE(client.run_until(
        [&] { return get.closed && post.closed && head.closed && missing.closed; }));
    EXPECT_EQ(get.headers[":status"], "200");
    EXPECT_EQ(get.headers["content-type"], "application/json");
    EXPECT_EQ(get.headers["content-length"], "17");
    EXPECT_EQ(get.headers.count("connection"), 0U);
    EXPECT_EQ(get.body, "{\"health\":\"true\"}");
    EXPECT_TRUE(get.trailers.empty());
    EXPECT_EQ(post.body, "body");
    EXPECT_EQ(head.headers["content-length"], "17");
    EXPECT_EQ(head.body, "");
    EXPECT_EQ(missing.headers[":status"], "404");
    for (size_t i = 0; i < 4; ++i) {
        TestCall& call = core.call(i);
        if (call.path == "/echo") {
            EXPECT_EQ(call.headers.at("content-type"), "text/plain");
            EXPECT_EQ(call.protocol, QUORATE_PROTOCOL_HTTP);
        }
    }
}

TEST(HttpOverHttp2, StreamsAndRefuses) {
    TestCore core;
    serve_plain(core);
    TestServer server(core, {{"max_http_body_bytes", "100"}});
    Http2Client client(server.port());
    ClientStream& stream = client.request(http_request("GET", "/stream"), "");
    ASSERT_TRUE(client.run_until([&] { return stream.body == "first;"; }));
    TestCall& call = core.call(0);
    ASSERT_TRUE(core.wait([&] { return call.marks == 1; }));
    call.reply("last");
    table().flush(server.handle());
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.body, "first;last");
    ClientStream& large = client.request(http_request("POST", "/echo"), std::string(101, 'x'));
    ASSERT_TRUE(client.run_until_closed(large));
    EXPECT_EQ(large.headers[":status"], "413");
}

}  // namespace
}  // namespace quorate::http::testing
