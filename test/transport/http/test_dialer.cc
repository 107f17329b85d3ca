// SPDX-License-Identifier: Apache-2.0
#include "transport/http/test_dialer.h"

#include <gtest/gtest.h>

namespace quorate::http::testing {
namespace {

using plugin::bytes;
using plugin::view;

quorate_code dial_with(TestServer& server, const Dial& dial, const quorate_client_events& events,
                       quorate_connection** ret, quorate_error* error) {
    quorate_tls tls{};
    tls.size = sizeof tls;
    tls.cert_file = bytes(dial.cert_file);
    tls.key_file = bytes(dial.key_file);
    tls.ca_file = bytes(dial.ca_file);
    tls.server_name = bytes(dial.server_name);
    tls.skip_verify = dial.skip_verify;
    tls.allowed_common_names = bytes(dial.allowed_common_names);
    tls.version_max = dial.version_max;
    tls.cipher_suites = bytes(dial.cipher_suites);
    const quorate_dial where{sizeof where,
                             bytes(dial.host),
                             dial.port,
                             dial.connect_timeout_ms,
                             dial.tls ? &tls : nullptr,
                             dial.keepalive_ms,
                             dial.keepalive_timeout_ms,
                             dial.receive_bytes_max,
                             dial.send_buffer_bytes,
                             dial.stream_window_bytes,
                             dial.connection_window_bytes,
                             bytes(dial.local_address)};
    return client_table().dial(server.handle(), &where, &events, ret, error);
}

}  // namespace

const quorate_transport_client_interface& client_table() {
    return *static_cast<const quorate_transport_client_interface*>(
        quorate_plugin_entry()->interface_get(QUORATE_TRANSPORT_CLIENT_INTERFACE));
}

// --- TestRequest ---------------------------------------------------------------------------------

int32_t TestRequest::send(std::string_view message) {
    return client_table().send(handle, bytes(message));
}

void TestRequest::half_close() {
    client_table().half_close(handle);
}

void TestRequest::hold(bool held) {
    client_table().hold(handle, held ? 1 : 0);
}

void TestRequest::close() {
    if (!std::exchange(closed, true)) {
        client_table().close(handle);
    }
}

// --- TestDialer ----------------------------------------------------------------------------------

TestDialer::TestDialer(TestServer& server, const Dial& dial) : server_(server) {
    quorate_error error{sizeof error, 0, {}};
    EXPECT_EQ(dial_with(server, dial, events(), &connection_, &error), QUORATE_OK) << error.text;
}

TestDialer::~TestDialer() {
    hang_up();
    for (TestRequest& request : requests_) {
        wait([&] { return request.end.has_value(); });
        EXPECT_TRUE(request.end) << "a call never ended";
        request.close();
    }
    flush();
}

// Outlives every transport.
const quorate_client_events& TestDialer::events() {
    static constexpr quorate_client_events kEvents{sizeof(quorate_client_events), on_message,
                                                   on_writable, on_end};
    return kEvents;
}

void TestDialer::hang_up() {
    if (connection_ != nullptr) {
        client_table().hang_up(std::exchange(connection_, nullptr));
    }
}

std::string TestDialer::refused(TestServer& server, const Dial& dial) {
    quorate_error error{sizeof error, 0, {}};
    quorate_connection* connection = nullptr;
    EXPECT_EQ(dial_with(server, dial, events(), &connection, &error), QUORATE_INVALID_ARGUMENT);
    return error.text;
}

void TestDialer::flush() {
    table().flush(server_.handle());
}

TestRequest& TestDialer::call(const std::string& path, const CallOptions& options,
                              const Prepare& prepare) {
    TestRequest& request = requests_.emplace_back();
    request.dialer = this;
    if (prepare) {
        prepare(request);
    }
    std::vector<quorate_header> headers;
    for (const auto& [name, value] : options.headers) {
        headers.push_back({bytes(name), bytes(value)});
    }
    const quorate_call_start start{sizeof start, bytes(path), headers.data(), headers.size(),
                                   options.timeout_ms};
    EXPECT_EQ(client_table().call(connection_, &start, &request, &request.handle), QUORATE_OK);
    flush();
    return request;
}

TestRequest& TestDialer::ask(const std::string& path, std::string_view message,
                             const CallOptions& options) {
    TestRequest& request = call(path, options);
    request.send(message);
    request.half_close();
    flush();
    wait_end(request);
    return request;
}

bool TestDialer::accepts_calls() {
    TestRequest& request = requests_.emplace_back();
    request.dialer = this;
    const quorate_call_start start{sizeof start, bytes("/any"), nullptr, 0, 0};
    if (client_table().call(connection_, &start, &request, &request.handle) != QUORATE_OK) {
        requests_.pop_back();
        return false;
    }
    request.close();
    flush();
    return true;
}

bool TestDialer::wait(const std::function<bool()>& met) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, met);
}

const End& TestDialer::wait_end(TestRequest& request) {
    static const End kNone{-1, "no end came", false};
    return wait([&] { return request.end.has_value(); }) ? *request.end : kNone;
}

void TestDialer::record(const std::function<void()>& change) {
    {
        const std::lock_guard lock(mutex_);
        change();
    }
    changed_.notify_all();
}

void TestDialer::on_message(void* user, quorate_bytes message) noexcept {
    auto& request = *static_cast<TestRequest*>(user);
    if (request.on_message) {
        request.on_message(request, view(message));
    }
    request.dialer->record([&] {
        EXPECT_FALSE(request.end) << "a message after the end";
        ++request.message_count;
        request.message_bytes += message.size;
        if (request.keeps_messages) {
            request.messages.emplace_back(view(message));
        }
    });
}

void TestDialer::on_writable(void* user) noexcept {
    auto& request = *static_cast<TestRequest*>(user);
    if (request.on_writable) {
        request.on_writable(request);
    }
    request.dialer->record([&] {
        EXPECT_FALSE(request.end) << "writable after the end";
        ++request.writable;
    });
}

void TestDialer::on_end(void* user, const quorate_call_end* end) noexcept {
    auto& request = *static_cast<TestRequest*>(user);
    if (request.on_end) {
        request.on_end(request);
    }
    request.dialer->record([&] {
        EXPECT_FALSE(request.end) << "ended twice";
        request.end = End{end->code, std::string(view(end->text)), end->never_sent != 0};
    });
}

}  // namespace quorate::http::testing
