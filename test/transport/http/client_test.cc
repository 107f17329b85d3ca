// SPDX-License-Identifier: Apache-2.0
//
// Calls that we make, against our own serving side: messages both ways, every way for a call to
// end, and what becomes of calls when their connection is lost.
#include "transport/http/black_hole.h"
#include "transport/http/test_client.h"
#include "transport/http/test_core.h"
#include "transport/http/test_dialer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace quorate::http::testing {
namespace {

constexpr const char* kEcho = "/test.Test/Echo";

class Client : public ::testing::Test {
  protected:
    Client() {
        // Unary and streaming at once: every message comes back, the end is OK.
        Script& echo = core_.at(kEcho);
        echo.on_message = [](TestCall& call, std::string_view text) { call.send(text); };
        echo.on_half_close = [](TestCall& call) { call.finish(0); };
        core_.at("/test.Test/Fail").on_half_close = [](TestCall& call) {
            call.finish(8, "etcdserver: too many \xc3\xbc%");
        };
    }

    Dial dial(const TestServer& server) const {
        Dial where;
        where.port = server.port();
        return where;
    }
    std::string address(const TestServer& server) const {
        return "127.0.0.1:" + std::to_string(server.port());
    }

    TestCore core_;
};

TEST_F(Client, MakesUnaryCalls) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.ask(kEcho, "hello", {0, {{"token", "secret"}}});
    EXPECT_EQ(request.end->code, 0);
    EXPECT_EQ(request.end->text, "");
    EXPECT_FALSE(request.end->never_sent);
    EXPECT_EQ(request.messages, std::vector<std::string>{"hello"});
    TestCall& call = core_.call(0);
    EXPECT_EQ(call.headers.at("token"), "secret");
    EXPECT_EQ(call.headers.at("user-agent"), "quorate");
    EXPECT_EQ(call.authority, address(server));
    EXPECT_EQ(call.method, "POST");
    TestRequest& empty = client.ask(kEcho, "");
    EXPECT_EQ(empty.messages, std::vector<std::string>{""});
    EXPECT_EQ(server.stats().connections, 2U);  // both ends are the same transport's
}

TEST_F(Client, GivesTheServersCodeAndText) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.ask("/test.Test/Fail", "x");
    EXPECT_EQ(request.end->code, 8);
    EXPECT_EQ(request.end->text, "etcdserver: too many \xc3\xbc%");
    EXPECT_FALSE(request.end->never_sent);
}

TEST_F(Client, StreamsBothWays) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.call(kEcho);
    for (int i = 0; i < 10000; ++i) {
        const int32_t sent = request.send("message " + std::to_string(i));
        ASSERT_NE(sent, QUORATE_SEND_GONE);
    }
    client.flush();
    ASSERT_TRUE(client.wait([&] { return request.message_count == 10000; }));
    request.half_close();
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, 0);
    for (int i = 0; i < 10000; ++i) {
        ASSERT_EQ(request.messages[static_cast<size_t>(i)], "message " + std::to_string(i));
    }
}

TEST_F(Client, MayAnswerInsideItsCallbacks) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.call(kEcho, {}, [](TestRequest& made) {
        made.on_message = [](TestRequest& own, std::string_view text) {
            if (text.size() < 100) {
                own.send(std::string(text) + "x");
            } else {
                own.half_close();
            }
        };
    });
    request.send("x");
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, 0);
    EXPECT_EQ(request.messages.size(), 100U);
}

TEST_F(Client, CarriesLargeMessages) {
    Listen listen;
    listen.receive_bytes_max = 20'000'000;
    TestServer server(core_, {}, listen);
    Dial where = dial(server);
    where.receive_bytes_max = 20'000'000;
    TestDialer client(server, where);
    std::string large(20'000'000, 'a');
    for (size_t i = 0; i < large.size(); i += 1000) {
        large[i] = static_cast<char>(i / 1000);
    }
    TestRequest& request = client.ask(kEcho, large);
    ASSERT_EQ(request.end->code, 0) << request.end->text;
    EXPECT_EQ(request.messages.at(0), large);
}

TEST_F(Client, BoundsWhatItReceives) {
    core_.at("/test.Test/Large").on_half_close = [](TestCall& call) {
        call.reply(std::string(5000, 'x'));
    };
    TestServer server(core_);
    Dial where = dial(server);
    where.receive_bytes_max = 4999;
    TestDialer client(server, where);
    TestRequest& request = client.ask("/test.Test/Large", "");
    EXPECT_EQ(request.end->code, 8);
    EXPECT_EQ(request.end->text, "grpc: received message larger than max (5000 vs. 4999)");
    EXPECT_EQ(client.ask(kEcho, std::string(4999, 'x')).end->code, 0);
}

TEST_F(Client, AListenersOwnBoundHolds) {
    Listen listen;
    listen.receive_bytes_max = 100;
    TestServer server(core_, {}, listen);
    TestDialer client(server, dial(server));
    EXPECT_EQ(client.ask(kEcho, std::string(100, 'x')).end->code, 0);
    TestRequest& request = client.ask(kEcho, std::string(101, 'x'));
    EXPECT_EQ(request.end->code, 8);
    EXPECT_EQ(request.end->text, "grpc: received message larger than max (101 vs. 100)");
}

TEST_F(Client, CountsTheTrafficOfClientsAlone) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    client.ask(kEcho, "12345");
    EXPECT_EQ(server.stats().received_bytes, 5U);  // the made call's own are not among them
    EXPECT_EQ(server.stats().sent_bytes, 5U);
    Listen members;
    members.uncounted = 1;
    TestServer other(core_, {}, members);
    TestDialer member(other, dial(other));
    member.ask(kEcho, "12345");
    EXPECT_EQ(other.stats().received_bytes, 0U);
    EXPECT_EQ(other.stats().sent_bytes, 0U);
}

// --- back-pressure -------------------------------------------------------------------------------

TEST_F(Client, SaysBusyAndThenWritable) {
    core_.at("/test.Test/Slow").on_call = [](TestCall& call) {
        call.hold(true);
        call.mark();
    };
    TestServer server(core_);
    Dial where = dial(server);
    where.send_buffer_bytes = 100'000;
    TestDialer client(server, where);
    TestRequest& request = client.call("/test.Test/Slow");
    TestCall& call = core_.call(0);
    ASSERT_TRUE(core_.wait([&] { return call.marks == 1; }));
    const std::string message(10'000, 'x');
    size_t sent = 0;
    int32_t result = QUORATE_SEND_OK;
    // The server's window takes some, the buffer the rest; both have a bound.
    for (; result == QUORATE_SEND_OK; ++sent) {
        ASSERT_LT(sent, 100U);
        result = request.send(message);
        client.flush();
    }
    EXPECT_EQ(result, QUORATE_SEND_BUSY);
    call.hold(false);
    table().flush(server.handle());
    ASSERT_TRUE(client.wait([&] { return request.writable > 0; }));
    ASSERT_TRUE(core_.wait([&] { return call.messages.size() == sent; }));
    request.close();
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, QUORATE_CANCELLED);
}

TEST_F(Client, HoldsMessagesAndTheEndBack) {
    core_.at("/test.Test/Three").on_half_close = [](TestCall& call) {
        call.send("1");
        call.send("2");
        call.send("3");
        call.finish(9, "the end");
    };
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.call("/test.Test/Three", {}, [](TestRequest& made) {
        made.on_message = [](TestRequest& own, std::string_view) { own.hold(true); };
    });
    request.half_close();
    client.flush();
    for (size_t i = 1; i <= 3; ++i) {
        ASSERT_TRUE(client.wait([&] { return request.message_count == i; }));
        // Another call gets through meanwhile, so the end had its chance to come.
        EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
        EXPECT_EQ(request.end.has_value(), i == 3);  // nothing is left to wait for then
        EXPECT_EQ(request.message_count, i);
        request.hold(false);
        client.flush();
    }
    EXPECT_EQ(client.wait_end(request).text, "the end");
    EXPECT_EQ(request.end->code, 9);
}

// --- ends ----------------------------------------------------------------------------------------

TEST_F(Client, ClosingCancelsTheServersSide) {
    core_.at("/test.Test/Open");
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.call("/test.Test/Open");
    TestCall& call = core_.call(0);
    request.close();
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, QUORATE_CANCELLED);
    EXPECT_FALSE(request.end->never_sent);
    EXPECT_TRUE(core_.wait([&] { return call.cancelled.has_value(); }));
    EXPECT_EQ(call.cancelled, QUORATE_CANCEL_PEER);
}

TEST_F(Client, TheServerMayEndAStreamEarly) {
    core_.at("/test.Test/Early").on_message = [](TestCall& call, std::string_view) {
        call.send("partial");
        call.finish(14, "etcdserver: no leader");
    };
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.call("/test.Test/Early");
    request.send("one");
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, 14);
    EXPECT_EQ(request.end->text, "etcdserver: no leader");
    EXPECT_EQ(request.messages, std::vector<std::string>{"partial"});
    EXPECT_EQ(request.send("late"), QUORATE_SEND_GONE);
    request.half_close();
    request.hold(true);
    // The connection has not suffered.
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
    EXPECT_EQ(server.stats().connections, 2U);
}

TEST_F(Client, KeepsItsDeadline) {
    core_.at("/test.Test/Open");
    TestServer server(core_);
    TestDialer client(server, dial(server));
    client.ask(kEcho, "x");  // connected
    server.host().freeze();
    TestRequest& request = client.call("/test.Test/Open", {5000, {}});
    TestCall& call = core_.call(1);
    server.host().advance(5000);
    client.flush();
    client.call(kEcho);  // wakes the loop, which sees the new time
    EXPECT_EQ(client.wait_end(request).code, QUORATE_DEADLINE_EXCEEDED);
    EXPECT_EQ(request.end->text, "context deadline exceeded");
    EXPECT_TRUE(core_.wait([&] { return call.cancelled.has_value(); }));
}

TEST_F(Client, EndsInsideACallbackAreSafe) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    for (int i = 0; i < 100; ++i) {
        TestRequest& request = client.call(kEcho, {}, [](TestRequest& made) {
            made.on_message = [](TestRequest& own, std::string_view text) {
                own.close();
                EXPECT_EQ(text, std::string(100, 'x'));  // still there
            };
        });
        request.send(std::string(100, 'x'));
        request.send("more");
        client.flush();
        EXPECT_EQ(client.wait_end(request).code, QUORATE_CANCELLED);
        EXPECT_EQ(request.message_count, 1U);
    }
}

TEST_F(Client, ClosesInOnEnd) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    TestRequest& request = client.call(
        kEcho, {}, [](TestRequest& made) { made.on_end = [](TestRequest& own) { own.close(); }; });
    request.half_close();
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, 0);
}

// --- connections ---------------------------------------------------------------------------------

TEST_F(Client, SharesOneConnection) {
    TestServer server(core_);
    TestDialer client(server, dial(server));
    std::vector<TestRequest*> requests;
    for (int i = 0; i < 1000; ++i) {
        TestRequest& request = client.call(kEcho);
        request.send(std::to_string(i));
        request.half_close();
        requests.push_back(&request);
    }
    client.flush();
    for (int i = 0; i < 1000; ++i) {
        TestRequest& request = *requests[static_cast<size_t>(i)];
        EXPECT_EQ(client.wait_end(request).code, 0);
        EXPECT_EQ(request.messages.at(0), std::to_string(i));
    }
    EXPECT_EQ(server.stats().connections, 2U);
}

TEST_F(Client, QueuesBeyondTheServersStreams) {
    TestServer server(core_, {{"max_concurrent_streams", "3"}});
    TestDialer client(server, dial(server));
    std::vector<TestRequest*> requests;
    for (int i = 0; i < 50; ++i) {
        TestRequest& request = client.call(kEcho);
        request.send("x");
        request.half_close();
        requests.push_back(&request);
    }
    client.flush();
    for (TestRequest* request : requests) {
        EXPECT_EQ(client.wait_end(*request).code, 0) << request->end->text;
    }
}

TEST_F(Client, SaysWhoRefusedTheConnection) {
    BlackHole closed;
    closed.close();
    TestServer server(core_);
    Dial where;
    where.port = closed.port();
    TestDialer client(server, where);
    for (int i = 0; i < 3; ++i) {  // every call tries anew
        TestRequest& request = client.ask(kEcho, "x");
        EXPECT_EQ(request.end->code, QUORATE_UNAVAILABLE);
        EXPECT_TRUE(request.end->never_sent);
        EXPECT_EQ(request.end->text, "cannot connect to 127.0.0.1:" +
                                         std::to_string(closed.port()) + ": Connection refused");
    }
}

TEST_F(Client, GivesASilentServerUp) {
    BlackHole hole;
    TestServer server(core_);
    Dial where;
    where.port = hole.port();
    where.connect_timeout_ms = 50;
    TestDialer client(server, where);
    TestRequest& request = client.ask(kEcho, "x");
    EXPECT_EQ(request.end->code, QUORATE_UNAVAILABLE);
    EXPECT_TRUE(request.end->never_sent);
    EXPECT_EQ(request.end->text, "cannot connect to 127.0.0.1:" + std::to_string(hole.port()) +
                                     ": no word of HTTP/2 within 50 ms");
}

TEST_F(Client, GivesAnAddressWithoutAnswerUp) {
    TestServer server(core_);
    Dial where;
    where.host = "192.0.2.1";  // for documentation: nobody is there
    where.port = 2380;
    where.connect_timeout_ms = 50;
    TestDialer client(server, where);
    TestRequest& request = client.ask(kEcho, "x");
    EXPECT_EQ(request.end->code, QUORATE_UNAVAILABLE);
    EXPECT_EQ(request.end->text.rfind("cannot connect to 192.0.2.1:2380: ", 0), 0U)
        << request.end->text;
}

TEST_F(Client, CallsFromTheAddressItIsGiven) {
    BlackHole hole;
    TestServer server(core_);
    Dial where;
    where.port = hole.port();
    where.connect_timeout_ms = 50;
    where.local_address = "127.0.0.9";
    TestDialer client(server, where);
    client.ask(kEcho, "x");
    EXPECT_EQ(hole.caller(), "127.0.0.9");
}

TEST_F(Client, SaysWhyItCantCallFromAnAddress) {
    TestServer server(core_);
    Dial where;
    where.port = 2380;
    const auto text = [&] {
        TestDialer client(server, where);
        const TestRequest& request = client.ask(kEcho, "x");
        EXPECT_EQ(request.end->code, QUORATE_UNAVAILABLE);
        return request.end->text;
    };
    where.local_address = "192.0.2.1";  // for documentation: it is not ours
    EXPECT_EQ(text(),
              "cannot connect to 127.0.0.1:2380: the local address that calls are to come from: "
              "Cannot assign requested address");
    where.local_address = "::1";
    EXPECT_EQ(text(),
              "cannot connect to 127.0.0.1:2380: of another family than the local address that "
              "calls are to come from");
    where.local_address = "localhost";
    EXPECT_EQ(TestDialer::refused(server, where),
              "cannot dial 127.0.0.1:2380 from \"localhost\", which is no IP address");
}

TEST_F(Client, CallsMayEndWhileTheConnectionIsMade) {
    BlackHole hole;
    TestServer server(core_);
    Dial where;
    where.port = hole.port();
    TestDialer client(server, where);
    TestRequest& closed = client.call(kEcho);
    closed.send("never sent");
    closed.close();
    client.flush();
    EXPECT_EQ(client.wait_end(closed).code, QUORATE_CANCELLED);
    EXPECT_TRUE(closed.end->never_sent);
    TestRequest& late = client.call(kEcho, {20, {}});
    EXPECT_EQ(client.wait_end(late).code, QUORATE_DEADLINE_EXCEEDED);
    EXPECT_TRUE(late.end->never_sent);
    TestRequest& hung_up = client.call(kEcho);
    client.hang_up();
    EXPECT_EQ(client.wait_end(hung_up).code, QUORATE_CANCELLED);
    EXPECT_TRUE(hung_up.end->never_sent);
}

TEST_F(Client, FindsNamesAndSaysWhichItDoesNot) {
    TestServer server(core_);
    Dial where = dial(server);
    where.host = "localhost";
    TestDialer local(server, where);
    EXPECT_EQ(local.ask(kEcho, "x").end->code, 0);
    where.host = "no-such-host.invalid";
    TestDialer lost(server, where);
    TestRequest& request = lost.ask(kEcho, "x");
    EXPECT_EQ(request.end->code, QUORATE_UNAVAILABLE);
    EXPECT_EQ(request.end->text.rfind("cannot connect to no-such-host.invalid:" +
                                          std::to_string(server.port()) + ": name lookup: ",
                                      0),
              0U)
        << request.end->text;
}

TEST_F(Client, SeesThatAServerSpeaksAnotherProtocol) {
    Listen listen;
    listen.serve = QUORATE_SERVE_HTTP;
    TestServer server(core_, {}, listen);
    TestDialer client(server, dial(server));
    TestRequest& request = client.ask(kEcho, "x");  // HTTP/2, but no gRPC there
    EXPECT_EQ(request.end->code, QUORATE_UNIMPLEMENTED);
    EXPECT_EQ(request.end->text, "gRPC is not served on this address");

    BlackHole one;
    std::thread http1([&] { one.answer("HTTP/1.1 400 Bad Request\r\n\r\n"); });
    Dial where;
    where.port = one.port();
    TestDialer lost(server, where);
    EXPECT_EQ(lost.ask(kEcho, "x").end->text,
              "cannot connect to 127.0.0.1:" + std::to_string(one.port()) +
                  ": the server does not speak HTTP/2");
    http1.join();
}

TEST_F(Client, ReconnectsAfterTheServerWasGone) {
    TestCore caller_core;
    TestServer caller(caller_core);
    auto server = std::make_unique<TestServer>(core_);
    const uint16_t port = server->port();
    Dial where;
    where.port = port;
    TestDialer client(caller, where);
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
    core_.at("/test.Test/Open");
    TestRequest& open = client.call("/test.Test/Open");
    core_.call(1);
    server.reset();
    EXPECT_EQ(client.wait_end(open).code, QUORATE_UNAVAILABLE);
    EXPECT_FALSE(open.end->never_sent);
    EXPECT_EQ(client.ask(kEcho, "x").end->code, QUORATE_UNAVAILABLE);
    Listen again;
    again.port = port;
    server = std::make_unique<TestServer>(core_, TestServer::Options(), again);
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
    client.hang_up();
}

TEST_F(Client, FinishesCallsOnAConnectionThatDrains) {
    TestCore caller_core;
    TestServer caller(caller_core);
    TestServer server(core_);
    Dial where;
    where.port = server.port();
    TestDialer client(caller, where);
    TestRequest& request = client.call(kEcho);
    request.send("before");
    client.flush();
    ASSERT_TRUE(client.wait([&] { return request.message_count == 1; }));
    std::thread stopping([&] { server.stop(20000); });
    // The drain's GOAWAY comes, and the call goes on.
    for (int i = 0; i < 100; ++i) {
        request.send("during");
        client.flush();
        ASSERT_TRUE(
            client.wait([&] { return request.message_count == static_cast<size_t>(i) + 2; }));
    }
    request.half_close();
    client.flush();
    EXPECT_EQ(client.wait_end(request).code, 0);
    stopping.join();  // which had not to wait for its 20 seconds
}

TEST_F(Client, EndsItsCallsWhenTheTransportStops) {
    core_.at("/test.Test/Open");
    TestServer server(core_);
    TestCore caller_core;
    TestServer caller(caller_core);
    Dial where;
    where.port = server.port();
    TestDialer client(caller, where);
    TestRequest& open = client.call("/test.Test/Open");
    core_.call(0);
    BlackHole hole;
    where.port = hole.port();
    TestDialer lost(caller, where);
    TestRequest& connecting = lost.call(kEcho);
    caller.stop();
    EXPECT_EQ(client.wait_end(open).code, QUORATE_UNAVAILABLE);
    EXPECT_EQ(lost.wait_end(connecting).code, QUORATE_UNAVAILABLE);
    EXPECT_TRUE(connecting.end->never_sent);
    EXPECT_FALSE(client.accepts_calls());
    EXPECT_EQ(open.send("late"), QUORATE_SEND_GONE);
}

TEST_F(Client, ReleasesEveryCallWhenThreadsRace) {
    TestServer server(core_, {{"threads", "2"}});
    TestDialer client(server, dial(server));
    // Closing races with messages and the end.
    for (int round = 0; round < 200; ++round) {
        TestRequest& request = client.call(kEcho);
        request.send("x");
        if (round % 2 == 0) {
            request.half_close();
        }
        client.flush();
        request.close();
        client.flush();
    }
    EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
}

TEST_F(Client, PingsAServerThatIsSilent) {
    TestCore caller_core;
    TestServer caller(caller_core);
    TestServer server(core_);
    core_.at("/test.Test/Open");
    Dial where;
    where.port = server.port();
    where.keepalive_ms = 1000;
    where.keepalive_timeout_ms = 500;
    TestDialer client(caller, where);
    TestRequest& request = client.call("/test.Test/Open");
    core_.call(0);
    caller.host().freeze();
    // The server answers pings.
    for (int i = 0; i < 3; ++i) {
        caller.host().advance(1000);
        EXPECT_EQ(client.ask(kEcho, "x").end->code, 0);
    }
    EXPECT_FALSE(request.end);
}

TEST_F(Client, GivesAServerUpThatAnswersNoPing) {
    TestServer server(core_);
    BlackHole hole;
    // An empty SETTINGS frame, and then nothing.
    std::thread greeting([&] { hole.answer(frame(NGHTTP2_SETTINGS, 0, 0, "")); });
    Dial where;
    where.port = hole.port();
    where.keepalive_ms = 20;
    where.keepalive_timeout_ms = 20;
    TestDialer client(server, where);
    TestRequest& request = client.call(kEcho);
    EXPECT_EQ(client.wait_end(request).code, QUORATE_UNAVAILABLE);
    EXPECT_FALSE(request.end->never_sent);
    EXPECT_EQ(request.end->text, "lost connection to 127.0.0.1:" + std::to_string(hole.port()) +
                                     ": keepalive ping was not answered");
    greeting.join();
}

TEST_F(Client, RefusesSettingsThatCannotWork) {
    TestServer server(core_);
    Dial none;
    none.port = 0;
    EXPECT_NE(TestDialer::refused(server, none).find("port 0"), std::string::npos);
    Dial timeless = dial(server);
    timeless.connect_timeout_ms = 0;
    EXPECT_NE(TestDialer::refused(server, timeless).find("timeout"), std::string::npos);
    Dial narrow = dial(server);
    narrow.stream_window_bytes = 100;
    EXPECT_NE(TestDialer::refused(server, narrow).find("stream_window_bytes"), std::string::npos);
}

}  // namespace
}  // namespace quorate::http::testing
