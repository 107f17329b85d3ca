// SPDX-License-Identifier: Apache-2.0
//
// WebSockets: frames, and connections that become one.
#include "plugins/transport/http/websocket.h"

#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace quorate::http {
namespace {

using Event = WebSocketReader::Event;
using testing::RawClient;
using testing::TestCall;
using testing::TestCore;
using testing::TestServer;

// As a client sends it.
std::string masked(WebSocketOpcode opcode, std::string_view payload, bool last = true) {
    constexpr std::string_view kMask = "\x11\x22\x33\x44";
    std::string frame;
    append_frame_head(frame, opcode, last, payload.size());
    frame[1] = static_cast<char>(frame[1] | 0x80);
    frame += kMask;
    for (size_t i = 0; i < payload.size(); ++i) {
        frame.push_back(static_cast<char>(payload[i] ^ kMask[i % 4]));
    }
    return frame;
}

std::string text(std::string_view payload, bool last = true) {
    return masked(WebSocketOpcode::kText, payload, last);
}

// As a server sends it.
std::string plain(std::string_view payload) {
    std::string frame;
    append_frame_head(frame, WebSocketOpcode::kText, true, payload.size());
    return frame.append(payload);
}

// All events of `input`, which comes in pieces.
std::vector<std::pair<Event, std::string>> read(std::string_view input, size_t piece_bytes,
                                                uint64_t bytes_max = 1 << 20) {
    WebSocketReader reader(bytes_max);
    std::vector<std::pair<Event, std::string>> events;
    std::string kept;
    while (!input.empty()) {
        kept.append(input.substr(0, piece_bytes));
        input.remove_prefix(std::min(piece_bytes, input.size()));
        while (true) {
            size_t used = 0;
            const Event event = reader.next(kept, used);
            kept.erase(0, used);
            if (event == Event::kNeedMore) {
                break;
            }
            events.emplace_back(event, std::string(reader.message()));
            if (event != Event::kMessage && event != Event::kPing) {
                return events;
            }
        }
    }
    return events;
}

TEST(WebSocket, TheKeyOfTheStandardIsAnsweredAsThere) {
    EXPECT_EQ(websocket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, AHandshakeNeedsAllItsHeaders) {
    const WebSocketHeaders good{"WebSocket", "13", "dGhlIHNhbXBsZSBub25jZQ=="};
    EXPECT_TRUE(asks_for_websocket(good));
    for (std::string_view WebSocketHeaders::*one :
         {&WebSocketHeaders::upgrade, &WebSocketHeaders::version, &WebSocketHeaders::key}) {
        WebSocketHeaders bad = good;
        bad.*one = "close";
        EXPECT_FALSE(asks_for_websocket(bad));
    }
}

TEST(WebSocket, MessagesComeWholeHoweverTheInputIsCut) {
    const std::string large(70'000, 'x');
    const std::string input =
        text("one") + text("tw", false) + masked(WebSocketOpcode::kPing, "still there?") +
        masked(WebSocketOpcode::kContinuation, "o") + masked(WebSocketOpcode::kPong, "") +
        text("") + text(std::string(300, 'y')) + text(large) +
        masked(WebSocketOpcode::kClose, "\x03\xe8");
    const std::vector<std::pair<Event, std::string>> expected = {
        {Event::kMessage, "one"},
        {Event::kPing, "still there?"},
        {Event::kMessage, "two"},
        {Event::kMessage, ""},
        {Event::kMessage, std::string(300, 'y')},
        {Event::kMessage, large},
        {Event::kClose, "\x03\xe8"}};
    for (const size_t piece : {size_t{1}, size_t{2}, size_t{7}, size_t{1000}, input.size()}) {
        EXPECT_EQ(read(input, piece), expected) << piece;
    }
}

TEST(WebSocket, BrokenFramesAreRefused) {
    std::string reserved = text("x");
    reserved[0] = static_cast<char>(reserved[0] | 0x40);
    std::string unknown = text("x");
    unknown[0] = static_cast<char>(0x83);
    for (const std::string& input :
         {plain("not masked"), reserved, unknown, masked(WebSocketOpcode::kContinuation, "x"),
          text("a", false) + text("b"), masked(WebSocketOpcode::kPing, "x", false),
          masked(WebSocketOpcode::kPing, std::string(126, 'x'))}) {
        const auto events = read(input, 3);
        ASSERT_FALSE(events.empty());
        EXPECT_EQ(events.back().first, Event::kMalformed);
    }
}

TEST(WebSocket, WhatIsTooBigIsRefusedBeforeItComes) {
    EXPECT_EQ(read(text("12345678"), 1, 8).back().first, Event::kMessage);
    EXPECT_EQ(read(text("123456789").substr(0, 6), 1, 8).back().first, Event::kTooBig);
    EXPECT_EQ(read(text("12345", false) + masked(WebSocketOpcode::kContinuation, "6789"), 1, 8)
                  .back()
                  .first,
              Event::kTooBig);
    // 2^64 - 1
    EXPECT_EQ(read(std::string("\x82\xff") + std::string(8, '\xff') + "mask", 99).back().first,
              Event::kTooBig);
}

constexpr std::string_view kHandshake =
    "GET /ws HTTP/1.1\r\nHost: me\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: Bearer, abc\r\n\r\n";

void serve_websocket(TestCore& core) {
    core.at("/ws").on_call = [](TestCall& call) {
        call.respond(101, {{"sec-websocket-protocol", "Bearer"}});
    };
    core.at("/ws").on_message = [](TestCall& call, std::string_view message) {
        if (message == "end") {
            call.finish(0);
        } else {
            call.send(std::string(message) + "\n");
        }
    };
    core.at("/ws").on_cancel = [](TestCall& call) { call.finish(1, "cancelled"); };
}

TEST(WebSocket, AConnectionBecomesOne) {
    TestCore core;
    serve_websocket(core);
    TestServer server(core);
    RawClient client(server.port());
    client.send(std::string(kHandshake) + text("with the handshake"));
    ASSERT_TRUE(client.read_until([](const std::string& all) {
        return all.find(plain("with the handshake")) != std::string::npos;
    }));
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_NE(client.received().find("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"),
              std::string::npos);
    EXPECT_NE(client.received().find("Sec-WebSocket-Protocol: Bearer\r\n"), std::string::npos);
    const std::string large(100'000, 'z');
    client.send(masked(WebSocketOpcode::kPing, "p") + text(large) + text("two\nlines"));
    ASSERT_TRUE(client.read_until(
        [](const std::string& all) { return all.ends_with(plain("two") + plain("lines")); }));
    EXPECT_NE(client.received().find("\x8a\x01p"), std::string::npos);
    client.send(text("end"));
    EXPECT_TRUE(client.read_to_end().ends_with(close_frame(WebSocketClose::kNormal)));
}

TEST(WebSocket, TheCallEndsWithThePeer) {
    TestCore core;
    serve_websocket(core);
    TestServer server(core);
    for (const std::string& last :
         {masked(WebSocketOpcode::kClose, ""), plain("not masked"), std::string()}) {
        RawClient client(server.port());
        client.send(std::string(kHandshake) + text("a"));
        ASSERT_TRUE(
            client.read_until([](const std::string& all) { return all.ends_with(plain("a")); }));
        client.send(last);
        if (last.empty()) {
            client.half_close();
        }
        client.read_to_end();
    }
    for (size_t i = 0; i < 3; ++i) {
        const TestCall& call = core.call(i);
        EXPECT_TRUE(core.wait([&call] { return call.cancelled && call.released; }));
    }
}

TEST(WebSocket, AnIncompleteHandshakeIsAnOrdinaryRequest) {
    TestCore core;
    core.at("/ws").on_half_close = [](TestCall& call) {
        call.respond(call.headers.contains("upgrade") ? 200 : 501, {});
        call.finish(0);
    };
    TestServer server(core);
    RawClient client(server.port());
    client.send("GET /ws HTTP/1.1\r\nHost: me\r\nUpgrade: websocket\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.read_to_end().starts_with("HTTP/1.1 501"));
}

}  // namespace
}  // namespace quorate::http
