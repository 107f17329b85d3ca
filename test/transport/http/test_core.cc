// SPDX-License-Identifier: Apache-2.0
#include "transport/http/test_core.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace quorate::http::testing {

using plugin::bytes;
using plugin::view;

const quorate_transport_interface& table() {
    return *static_cast<const quorate_transport_interface*>(
        quorate_plugin_entry()->interface_get(QUORATE_TRANSPORT_INTERFACE));
}

// --- TestCall ------------------------------------------------------------------------------------

int32_t TestCall::send(std::string_view message) {
    return table().send(handle, bytes(message));
}

void TestCall::reply(std::string_view message) {
    core->record([this] { finished = true; });
    table().reply(handle, bytes(message));
}

void TestCall::finish(quorate_code code, std::string_view text) {
    core->record([this] { finished = true; });
    table().finish(handle, code, bytes(text));
}

void TestCall::hold(bool held) {
    table().hold(handle, held ? 1 : 0);
}

void TestCall::mark() {
    core->record([this] { ++marks; });
}

void TestCall::respond(uint32_t status, std::vector<std::pair<std::string, std::string>> fields) {
    std::vector<quorate_header> list;
    for (const auto& [name, value] : fields) {
        list.push_back({bytes(name), bytes(value)});
    }
    table().respond(handle, status, list.data(), list.size());
}

// --- TestCore ------------------------------------------------------------------------------------

void TestCore::record(const std::function<void()>& change) {
    {
        const std::lock_guard lock(mutex_);
        change();
    }
    changed_.notify_all();
}

bool TestCore::wait(const std::function<bool()>& met) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, met);
}

TestCall& TestCore::call(size_t index) {
    if (!wait([&] { return calls_.size() > index; })) {
        ADD_FAILURE() << "call " << index << " did not come";
        std::abort();
    }
    const std::lock_guard lock(mutex_);
    return calls_[index];
}

size_t TestCore::call_count() {
    const std::lock_guard lock(mutex_);
    return calls_.size();
}

const Script& TestCore::script(const TestCall& call) const {
    const auto found = scripts_.find(call.path);
    return found == scripts_.end() ? nothing_ : found->second;
}

quorate_transport_events TestCore::events() {
    return {sizeof(quorate_transport_events),
            this,
            on_call,
            on_message,
            on_half_close,
            on_cancel,
            on_writable,
            on_released,
            on_turn_end};
}

void TestCore::finish_all() {
    for (TestCall& call : calls_) {
        if (!call.finished) {
            call.finish(1, "left over");
        }
    }
}

void* TestCore::on_call(void* ctx, quorate_call* handle, const quorate_call_info* info) noexcept {
    auto& self = *static_cast<TestCore*>(ctx);
    TestCall* call = nullptr;
    self.record([&] {
        call = &self.calls_.emplace_back();
        call->core = &self;
        call->handle = handle;
        call->protocol = info->protocol;
        call->listener = info->listener;
        call->method = view(info->method);
        call->path = view(info->path);
        call->authority = view(info->authority);
        call->peer = view(info->peer);
        call->tls_common_name = view(info->tls_common_name);
        for (size_t i = 0; i < info->header_count; ++i) {
            call->headers.emplace(view(info->headers[i].name), view(info->headers[i].value));
        }
    });
    if (const Script& script = self.script(*call); script.on_call) {
        script.on_call(*call);
    }
    return call;
}

void TestCore::on_message(void* user, quorate_bytes message) noexcept {
    auto& call = *static_cast<TestCall*>(user);
    call.core->record([&] { call.messages.emplace_back(view(message)); });
    if (const Script& script = call.core->script(call); script.on_message) {
        script.on_message(call, view(message));
    }
}

void TestCore::on_half_close(void* user) noexcept {
    auto& call = *static_cast<TestCall*>(user);
    call.core->record([&] { call.half_closed = true; });
    if (const Script& script = call.core->script(call); script.on_half_close) {
        script.on_half_close(call);
    }
}

void TestCore::on_cancel(void* user, uint32_t reason) noexcept {
    auto& call = *static_cast<TestCall*>(user);
    if (const Script& script = call.core->script(call); script.on_cancel) {
        script.on_cancel(call);
    }
    call.core->record([&] { call.cancelled = reason; });
}

void TestCore::on_writable(void* user) noexcept {
    auto& call = *static_cast<TestCall*>(user);
    call.core->record([&] { ++call.writable; });
    if (const Script& script = call.core->script(call); script.on_writable) {
        script.on_writable(call);
    }
}

void TestCore::on_released(void* user) noexcept {
    auto& call = *static_cast<TestCall*>(user);
    call.core->released_count_.fetch_add(1);
    call.core->record([&] {
        EXPECT_FALSE(call.released) << "released twice";
        call.released = true;
    });
}

void TestCore::on_turn_end(void* ctx) noexcept {
    static_cast<TestCore*>(ctx)->at_turn_end_();
}

// --- TestHost ------------------------------------------------------------------------------------

TestHost::TestHost() : host_{sizeof host_, this, log, nullptr, now_ms, now_ms} {
    host_.metric_add = [](void*, quorate_bytes, uint64_t) noexcept {};
}

void TestHost::freeze() {
    frozen_ms_.store(now_ms(this));
}

bool TestHost::logged(std::string_view text) {
    const std::lock_guard lock(mutex_);
    return lines_.find(text) != std::string::npos;
}

size_t TestHost::count(std::string_view text) {
    const std::lock_guard lock(mutex_);
    size_t found = 0;
    for (size_t at = lines_.find(text); at != std::string::npos; at = lines_.find(text, at + 1)) {
        ++found;
    }
    return found;
}

bool TestHost::comes_to_log(std::string_view text) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience,
                             [&] { return lines_.find(text) != std::string::npos; });
}

void TestHost::log(void* ctx, int32_t, quorate_bytes message, const quorate_log_field* fields,
                   size_t field_count) noexcept {
    auto& self = *static_cast<TestHost*>(ctx);
    const std::lock_guard lock(self.mutex_);
    self.lines_ += view(message);
    for (size_t i = 0; i < field_count; ++i) {
        self.lines_ += " ";
        self.lines_ += view(fields[i].key);
        self.lines_ += "=";
        self.lines_ += view(fields[i].value);
    }
    self.lines_ += "\n";
    self.changed_.notify_all();
}

int64_t TestHost::now_ms(void* ctx) noexcept {
    const int64_t frozen_ms = static_cast<TestHost*>(ctx)->frozen_ms_.load();
    if (frozen_ms >= 0) {
        return frozen_ms;
    }
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
}

// --- TestServer ----------------------------------------------------------------------------------

namespace {

quorate_code listen_with(quorate_transport* transport, const Listen& listen,
                         quorate_listening& ret_listening, quorate_error& error) {
    quorate_listen where{};
    where.size = sizeof where;
    where.host = bytes(listen.host);
    where.port = listen.port;
    where.serve = listen.serve;
    where.receive_bytes_max = listen.receive_bytes_max;
    where.stream_window_bytes = listen.stream_window_bytes;
    where.connection_window_bytes = listen.connection_window_bytes;
    where.keepalive_min_time_ms = listen.keepalive_min_time_ms;
    where.uncounted = listen.uncounted;
    where.name = bytes(listen.name);
    quorate_tls tls{};
    tls.size = sizeof tls;
    tls.cert_file = bytes(listen.cert_file);
    tls.key_file = bytes(listen.key_file);
    tls.ca_file = bytes(listen.client_ca_file);
    tls.crl_file = bytes(listen.crl_file);
    tls.allowed_common_names = bytes(listen.allowed_common_names);
    tls.allowed_host_names = bytes(listen.allowed_host_names);
    tls.cipher_suites = bytes(listen.cipher_suites);
    tls.version_min = listen.version_min;
    tls.version_max = listen.version_max;
    tls.check_address = listen.check_address;
    where.tls = listen.cert_file.empty() ? nullptr : &tls;
    return table().listen(transport, &where, &ret_listening, &error);
}

}  // namespace

TestServer::TestServer(TestCore& core, const Options& options, const Listen& listen) : core_(core) {
    quorate_error error{sizeof error, 0, {}};
    EXPECT_EQ(quorate_plugin_entry()->init(&host_.table(), &error), QUORATE_OK);
    std::vector<quorate_option> list;
    for (const auto& [key, value] : options) {
        list.push_back({bytes(key), bytes(value)});
    }
    const quorate_transport_events events = core.events();
    EXPECT_EQ(table().create(&events, list.data(), list.size(), &transport_, &error), QUORATE_OK)
        << error.text;
    quorate_listening listening{sizeof listening, 0, 0};
    EXPECT_EQ(listen_with(transport_, listen, listening, error), QUORATE_OK) << error.text;
    port_ = static_cast<uint16_t>(listening.port);
    EXPECT_EQ(table().start(transport_, &error), QUORATE_OK) << error.text;
}

TestServer::~TestServer() {
    stop();
    core_.finish_all();
    table().destroy(transport_);
}

void TestServer::stop(uint32_t drain_ms) {
    if (!std::exchange(stopped_, true)) {
        table().stop(transport_, drain_ms);
    }
}

std::string TestServer::reload() {
    quorate_error error{sizeof error, 0, {}};
    return table().reload(transport_, &error) == QUORATE_OK ? "" : error.text;
}

std::string TestServer::refused(TestCore& core, const Listen& listen) {
    TestHost host;
    quorate_error error{sizeof error, 0, {}};
    quorate_plugin_entry()->init(&host.table(), &error);
    const quorate_transport_events events = core.events();
    quorate_transport* transport = nullptr;
    EXPECT_EQ(table().create(&events, nullptr, 0, &transport, &error), QUORATE_OK);
    quorate_listening listening{sizeof listening, 0, 0};
    EXPECT_NE(listen_with(transport, listen, listening, error), QUORATE_OK);
    table().destroy(transport);
    return error.text;
}

quorate_transport_stats TestServer::stats() {
    quorate_transport_stats stats{sizeof stats, 0, 0, 0, 0};
    table().stats(transport_, &stats);
    return stats;
}

}  // namespace quorate::http::testing
