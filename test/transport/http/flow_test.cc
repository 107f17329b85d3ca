// SPDX-License-Identifier: Apache-2.0
//
// Flow control: peers that do not read, cores that do not listen, messages that come in halves.
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace quorate::http::testing {
namespace {

const TestServer::Options kSmallSendBuffer{{"send_buffer_bytes", "10000"}};

TEST(Flow, SaysBusyAndThenWritable) {
    TestCore core;
    core.at("/test.Test/Flood").on_message = [](TestCall& call, std::string_view) {
        int sent = 1;
        while (call.send(std::string(1000, 'x')) == QUORATE_SEND_OK) {
            ++sent;
        }
        // 1005 bytes each: the tenth goes over the bound.
        EXPECT_EQ(sent, 10);
    };
    core.at("/test.Test/Flood").on_writable = [](TestCall& call) { call.finish(0); };
    TestServer server(core, kSmallSendBuffer);
    Http2Client client(server.port(), {.manual_windows = true, .initial_window = 0});
    ClientStream& stream = client.call("/test.Test/Flood", message(""));
    ASSERT_TRUE(client.run_until([&] { return stream.header_blocks == 1; }));
    TestCall& call = core.call(0);
    EXPECT_EQ(call.writable, 0);
    // Half of the bound has to drain first.
    nghttp2_session_set_local_window_size(client.session(), 0, stream.id, 5000);
    ASSERT_TRUE(client.run_until([&] { return stream.body.size() == 5000; }));
    client.ping();
    ASSERT_TRUE(client.run_until([&] { return client.ping_acks() == 1; }));
    EXPECT_EQ(call.writable, 0);
    nghttp2_session_set_local_window_size(client.session(), 0, stream.id, 20000);
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(messages(stream.body).size(), 10U);
    EXPECT_EQ(stream.status(), "0");
    EXPECT_EQ(call.writable, 1);
}

TEST(Flow, SaysBusyToOtherThreadsToo) {
    // A thread that sends as fast as it may: everything arrives, in order, within the bound.
    constexpr int kMessages = 20000;
    TestCore core;
    TestServer server(core, kSmallSendBuffer);
    Http2Client client(server.port());
    ClientStream& stream = client.call("/test.Test/Feed", message(""));
    std::thread feeder([&] {
        TestCall& call = core.call(0);
        int busy = 0;
        for (int i = 0; i < kMessages; ++i) {
            if (call.send(std::to_string(i)) == QUORATE_SEND_BUSY) {
                ++busy;
                table().flush(server.handle());
                EXPECT_TRUE(core.wait([&] { return call.writable >= busy; }));
            }
        }
        call.finish(0);
        table().flush(server.handle());
        EXPECT_GT(busy, 0);
    });
    const bool closed = client.run_until_closed(stream);
    feeder.join();
    ASSERT_TRUE(closed);
    const auto got = messages(stream.body);
    ASSERT_EQ(got.size(), static_cast<size_t>(kMessages));
    for (int i = 0; i < kMessages; ++i) {
        ASSERT_EQ(got[static_cast<size_t>(i)], std::to_string(i));
    }
}

TEST(Flow, ASlowStreamDoesNotStopTheOthers) {
    TestCore core;
    core.at("/test.Test/Large").on_message = [](TestCall& call, std::string_view) {
        call.reply(std::string(500000, 'x'));
    };
    core.at("/test.Test/Echo").on_message = [](TestCall& call, std::string_view text) {
        call.reply(text);
    };
    TestServer server(core);
    Http2Client client(server.port(), {.manual_windows = true, .initial_window = 1000});
    ClientStream& slow = client.call("/test.Test/Large", message(""));
    ASSERT_TRUE(client.run_until([&] { return slow.body.size() == 1000; }));
    ClientStream& quick = client.call("/test.Test/Echo", message("hi"));
    ASSERT_TRUE(client.run_until_closed(quick));
    EXPECT_FALSE(slow.closed);
}

TEST(Flow, HoldClosesThePeersWindow) {
    TestCore core;
    core.at("/test.Test/Hold").on_message = [](TestCall& call, std::string_view) {
        if (call.messages.size() == 1) {
            call.hold(true);
        }
    };
    core.at("/test.Test/Hold").on_half_close = [](TestCall& call) { call.finish(0); };
    TestServer server(core);
    Http2Client client(server.port());
    std::string body;
    for (int i = 0; i < 1000; ++i) {
        body += message(std::string(995, static_cast<char>('a' + i % 26)));
    }
    ClientStream& stream = client.call("/test.Test/Hold", body);
    // One window's worth leaves the client, no more.
    ASSERT_TRUE(client.run_until([&] {
        return core.call_count() == 1 &&
               nghttp2_session_get_stream_remote_window_size(client.session(), stream.id) == 0;
    }));
    client.ping();
    ASSERT_TRUE(client.run_until([&] { return client.ping_acks() == 1; }));
    TestCall& call = core.call(0);
    EXPECT_EQ(nghttp2_session_get_stream_remote_window_size(client.session(), stream.id), 0);
    EXPECT_GE(stream.out.size(), 1000000U - 65535U);
    EXPECT_EQ(call.messages.size(), 1U);
    EXPECT_FALSE(call.half_closed);
    call.hold(false);
    table().flush(server.handle());
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(stream.status(), "0");
    ASSERT_EQ(call.messages.size(), 1000U);
    EXPECT_EQ(call.messages[999], std::string(995, static_cast<char>('a' + 999 % 26)));
}

TEST(Flow, HoldWithinOneFrameStopsAtTheNextMessage) {
    TestCore core;
    core.at("/test.Test/Hold").on_message = [](TestCall& call, std::string_view) {
        call.hold(true);
        call.mark();
    };
    TestServer server(core);
    Http2Client client(server.port());
    ClientStream& stream =
        client.call("/test.Test/Hold", message("1") + message("2") + message("3"));
    client.pump();
    TestCall& call = core.call(0);
    for (size_t delivered = 1; delivered <= 3; ++delivered) {
        ASSERT_TRUE(core.wait([&] { return call.marks == delivered; }));
        call.hold(false);
        table().flush(server.handle());
    }
    ASSERT_TRUE(core.wait([&] { return call.half_closed; }));
    call.finish(0);
    table().flush(server.handle());
    ASSERT_TRUE(client.run_until_closed(stream));
    EXPECT_EQ(call.messages, (std::vector<std::string>{"1", "2", "3"}));
}

// Large messages of many streams at once, each sent a little at a time: all must get through
// although they do not fit into the budget together.
TEST(Flow, LargeMessagesWaitForTheirTurn) {
    TestCore core;
    core.at("/test.Test/Size").on_message = [](TestCall& call, std::string_view text) {
        call.reply(std::to_string(text.size()));
    };
    TestServer server(core,
                      {{"max_receive_bytes", "300000"}, {"connection_receive_bytes", "1700000"}});
    Http2Client client(server.port());
    std::vector<ClientStream*> streams;
    for (int i = 0; i < 20; ++i) {
        streams.push_back(&client.call("/test.Test/Size", message(std::string(250000, 'x'))));
    }
    for (ClientStream* stream : streams) {
        ASSERT_TRUE(client.run_until_closed(*stream));
        ASSERT_EQ(stream->status(), "0") << stream->text();
        ASSERT_EQ(messages(stream->body).at(0), "250000");
    }
}

TEST(Flow, HalfSentMessagesAreBounded) {
    TestCore core;
    TestServer server(core,
                      {{"max_receive_bytes", "100000"}, {"connection_receive_bytes", "200000"}});
    Http2Client client(server.port());
    const std::string most = message(std::string(30000, 'x')).substr(0, 29000);
    std::vector<ClientStream*> streams;
    for (int i = 0; i < 10; ++i) {
        streams.push_back(&client.call("/test.Test/Never", most, false));
    }
    const auto refused = [&] {
        size_t count = 0;
        for (const ClientStream* stream : streams) {
            count += stream->closed && stream->status() == "8" ? 1 : 0;
        }
        return count;
    };
    // Six fit into the bound.
    ASSERT_TRUE(client.run_until([&] { return refused() == 4; }));
    client.ping();
    ASSERT_TRUE(client.run_until([&] { return client.ping_acks() == 1; }));
    EXPECT_EQ(refused(), 4U);
}

TEST(Flow, UnreadAnswersAreBounded) {
    TestCore core;
    core.at("/test.Test/Large").on_message = [](TestCall& call, std::string_view) {
        call.reply(std::string(400000, 'x'));
    };
    TestServer server(core, {{"connection_send_bytes", "1000000"}});
    Http2Client client(server.port(), {.manual_windows = true, .initial_window = 0});
    std::vector<ClientStream*> streams;
    for (int i = 0; i < 5; ++i) {
        streams.push_back(&client.call("/test.Test/Large", message("")));
        const size_t sent = streams.size();
        ASSERT_TRUE(client.run_until([&] { return streams[sent - 1]->header_blocks == 1; }));
    }
    EXPECT_EQ(streams[2]->status(), "none");
    EXPECT_EQ(streams[3]->status(), "8");
    EXPECT_EQ(streams[3]->text(), "too much unread output on this connection");
    EXPECT_EQ(core.call_count(), 3U);
}

// A client that sends requests and reads nothing: the server stops reading before it holds much.
TEST(Flow, APeerThatReadsNothingIsNotReadFrom) {
    TestCore core;
    core.at("/test.Test/Echo").on_message = [](TestCall& call, std::string_view text) {
        call.reply(text);
    };
    TestServer server(core);
    RawClient client(server.port());
    // Windows so large that they do not matter.
    client.send(std::string(kPreface) +
                frame(NGHTTP2_SETTINGS, 0, 0, std::string("\0\x04", 2) + u32(0x7fffffff)) +
                frame(NGHTTP2_WINDOW_UPDATE, 0, 0, u32(0x7fffffff - 65535)));
    const std::string block = grpc_block("/test.Test/Echo");
    const std::string body = message(std::string(8000, 'x'));
    std::string out;
    uint32_t stream = 1;
    size_t total = 0;
    // The sockets' own buffers take a few megabytes; without back-pressure this would never end.
    for (int idle = 0; idle < 200 && total < (256U << 20);) {
        if (out.size() < body.size()) {
            out += frame(NGHTTP2_HEADERS, NGHTTP2_FLAG_END_HEADERS, stream, block) +
                   frame(NGHTTP2_DATA, NGHTTP2_FLAG_END_STREAM, stream, body);
            stream += 2;
        }
        const size_t sent = client.try_send(out);
        out.erase(0, sent);
        total += sent;
        idle = sent == 0 ? idle + 1 : 0;
        if (sent == 0) {
            std::this_thread::yield();
        }
    }
    EXPECT_LT(total, 64U << 20);
    // And once it reads, everything is answered.
    const uint32_t last = stream - 2;
    std::thread sender([&] { client.send(out); });
    size_t searched = 0;
    EXPECT_TRUE(client.read_until([&](const std::string& all) {
        // The trailers of the last stream.
        const std::string head = std::string("\x01\x05", 2) + u32(last);
        const size_t found = all.find(head, searched);
        searched = all.size() < 16 ? 0 : all.size() - 16;
        return found != std::string::npos;
    }));
    sender.join();
}

}  // namespace
}  // namespace quorate::http::testing
