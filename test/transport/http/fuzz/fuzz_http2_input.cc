// SPDX-License-Identifier: Apache-2.0
//
// A whole session fed with arbitrary bytes behind a valid preface: nothing may crash, leak, or hold
// more than the bounds allow; the core's contract must hold. The core here echoes, refuses, holds,
// answers late or not at all, by the path's first letter, so that input reaches every answer path.
#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/call.h"
#include "plugins/transport/http/http2_session.h"
#include "plugins/transport/http/loop.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

namespace {

using namespace std::string_view_literals;
using quorate::http::Call;
using quorate::http::Http2Session;
using quorate::http::Loop;
using quorate::http::OutputBuffer;
using quorate::plugin::view;

void check(bool held) {
    if (!held) {
        std::abort();
    }
}

int64_t g_now_ms = 1;

int64_t now_ms(void*) noexcept {
    return g_now_ms;
}
void log(void*, int32_t, quorate_bytes, const quorate_log_field*, size_t) noexcept {}
void metric_add(void*, quorate_bytes, uint64_t) noexcept {}

constexpr quorate_host kHost{sizeof(quorate_host), nullptr, log, metric_add, now_ms, now_ms};

struct CoreCall {
    Call* call;
    char kind;
    bool finished = false;
    bool cancelled = false;
};

std::unordered_set<CoreCall*> g_calls;

void finish(CoreCall& call, quorate_code code) {
    if (!std::exchange(call.finished, true)) {
        call.call->finish(code, "text");
    }
}

void* on_call(void*, quorate_call* handle, const quorate_call_info* info) noexcept {
    const std::string_view path = view(info->path);
    auto* call = new CoreCall{&Call::of(handle), path.size() > 1 ? path[1] : 'n'};
    g_calls.insert(call);
    if (call->kind == 'r') {
        finish(*call, 12);
    } else if (call->kind == 'h') {
        call->call->hold(true);
    }
    return call;
}

void on_message(void* user, quorate_bytes message) noexcept {
    auto& call = *static_cast<CoreCall*>(user);
    check(g_calls.count(&call) == 1);
    check(!call.cancelled && !call.finished);
    if (call.kind == 'e') {
        call.call->send(view(message));
    } else if (call.kind == 'u') {
        call.finished = true;
        call.call->reply(view(message));
    }
}

void on_half_close(void* user) noexcept {
    auto& call = *static_cast<CoreCall*>(user);
    check(!call.cancelled && !call.finished);
    if (call.kind == 'e') {
        finish(call, 0);
    }
}

void on_cancel(void* user, uint32_t) noexcept {
    auto& call = *static_cast<CoreCall*>(user);
    check(!call.cancelled && !call.finished);
    call.cancelled = true;
}

void on_writable(void*) noexcept {}

void on_released(void* user) noexcept {
    auto* call = static_cast<CoreCall*>(user);
    check(call->cancelled || call->finished);
    check(g_calls.erase(call) == 1);
    finish(*call, 1);
    delete call;
}

constexpr quorate_transport_events kEvents{sizeof(quorate_transport_events),
                                           nullptr,
                                           on_call,
                                           on_message,
                                           on_half_close,
                                           on_cancel,
                                           on_writable,
                                           on_released};

class FuzzCarrier final : public quorate::http::Carrier {
  public:
    void on_output() override {}
    void on_input_wanted() override {}
    void on_failed(std::string_view) override {}
    std::string_view peer() const override { return "peer"; }
    std::string_view tls_common_name() const override { return {}; }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    g_now_ms = 1;
    const quorate::http::Host host(kHost);
    quorate::http::Options options;
    options.max_receive_bytes = 10000;
    options.max_http_body_bytes = 10000;
    options.connection_receive_bytes = 20000;
    options.send_buffer_bytes = 1000;
    options.max_streams_per_connection = 50;
    quorate::http::Resolver resolver;
    quorate::http::LoopEnvironment environment{host, options, kEvents, resolver, UINT64_MAX};
    quorate::http::Service service;
    service.serve = QUORATE_SERVE_GRPC | QUORATE_SERVE_HTTP;
    service.keepalive_min_time_ms = static_cast<int64_t>(options.keepalive_min_time);
    check(quorate::http::ReceiveLimits::make(options, 0, 0, 0, service.limits).ok());
    Loop loop(environment, "fuzz");
    loop.adopt_caller();
    FuzzCarrier carrier;
    {
        const auto session = Http2Session::create(loop, carrier, service);
        session->receive("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"sv);
        std::string_view input(reinterpret_cast<const char*>(data), size);
        OutputBuffer out;
        while (!input.empty() && !session->done()) {
            // The first byte of each piece is its length: turns happen between pieces.
            const size_t piece =
                std::min<size_t>(input.size() - 1, static_cast<unsigned char>(input[0]));
            const std::string_view bytes = input.substr(1, piece);
            input.remove_prefix(1 + piece);
            g_now_ms += 10;
            loop.adopt_caller();  // takes the new time over
            if (session->wants_input()) {
                session->receive(bytes);
            }
            out.clear();
            session->produce(out);
            loop.end_turn();
            for (CoreCall* call : std::unordered_set<CoreCall*>(g_calls)) {
                if (call->kind == 'h') {
                    call->call->hold(false);
                } else if (call->kind == 'l') {
                    finish(*call, 0);
                }
            }
            loop.end_turn();
        }
        session->end_calls();
        out.clear();
        session->produce(out);
        session->abandon({});
    }
    loop.end_turn();
    check(g_calls.empty());
    check(loop.counters().streams.value() == 0);
    return 0;
}
