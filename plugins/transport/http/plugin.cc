// SPDX-License-Identifier: Apache-2.0
//
// The plugin's descriptor and its table: conversions, and nothing else. What can fail is guarded;
// in the others only memory can run out, which ends the process.
#include "plugin/abi/transport_client.h"
#include "plugin/cxx/barrier.h"
#include "plugins/transport/http/call.h"
#include "plugins/transport/http/channel.h"
#include "plugins/transport/http/transport.h"

#include <memory>
#include <string_view>
#include <utility>

namespace quorate::http {
namespace {

using plugin::guard;
using plugin::Status;
using plugin::view;

constinit const quorate_host* g_host = nullptr;

quorate_code create(const quorate_transport_events* events, const quorate_option* options,
                    size_t option_count, quorate_transport** ret_transport,
                    quorate_error* err) noexcept {
    return guard(err, [&]() -> Status {
        auto transport = std::make_unique<Transport>(*g_host, *events);
        Status opened = transport->open(options, option_count);
        if (opened.ok()) {
            *ret_transport = transport.release();
        }
        return opened;
    });
}

void destroy(quorate_transport* self) noexcept {
    const std::unique_ptr<Transport> transport(&Transport::of(self));
}

quorate_code listen(quorate_transport* self, const quorate_listen* where,
                    quorate_listening* ret_listening, quorate_error* err) noexcept {
    return guard(err, [&] { return Transport::of(self).listen(*where, *ret_listening); });
}

quorate_code start(quorate_transport* self, quorate_error* err) noexcept {
    return guard(err, [&] { return Transport::of(self).start(); });
}

void stop(quorate_transport* self, uint32_t drain_ms) noexcept {
    Transport::of(self).stop(drain_ms);
}

int32_t send(quorate_call* call, quorate_bytes message) noexcept {
    return Call::of(call).send(view(message));
}

void respond(quorate_call* call, uint32_t http_status, const quorate_header* headers,
             size_t header_count) noexcept {
    auto head = std::make_unique<ResponseHead>(http_status);
    for (size_t i = 0; i < header_count; ++i) {
        head->add(view(headers[i].name), view(headers[i].value));
    }
    Call::of(call).respond(std::move(head));
}

void finish(quorate_call* call, quorate_code code, quorate_bytes text) noexcept {
    Call::of(call).finish(code, view(text));
}

void reply(quorate_call* call, quorate_bytes message) noexcept {
    Call::of(call).reply(view(message));
}

void hold(quorate_call* call, int32_t held) noexcept {
    Call::of(call).hold(held != 0);
}

void flush(quorate_transport* self) noexcept {
    Transport::of(self).flush();
}

void stats(quorate_transport* self, quorate_transport_stats* ret_stats) noexcept {
    Transport::of(self).stats(*ret_stats);
}

quorate_code reload(quorate_transport* self, quorate_error* err) noexcept {
    return guard(err, [&] { return Transport::of(self).reload(); });
}

constexpr quorate_transport_interface kInterface{sizeof(quorate_transport_interface),
                                                 create,
                                                 destroy,
                                                 listen,
                                                 start,
                                                 stop,
                                                 send,
                                                 respond,
                                                 finish,
                                                 reply,
                                                 hold,
                                                 flush,
                                                 stats,
                                                 reload};

// --- calls of our own ----------------------------------------------------------------------------

quorate_code dial(quorate_transport* self, const quorate_dial* where,
                  const quorate_client_events* events, quorate_connection** ret_connection,
                  quorate_error* err) noexcept {
    return guard(err, [&] { return Transport::of(self).dial(*where, *events, *ret_connection); });
}

void hang_up(quorate_connection* connection) noexcept {
    Channel::of(connection).hang_up();
}

quorate_code call(quorate_connection* connection, const quorate_call_start* start, void* user,
                  quorate_request** ret_request) noexcept {
    return Channel::of(connection).call(*start, user, *ret_request) ? QUORATE_OK
                                                                    : QUORATE_UNAVAILABLE;
}

int32_t request_send(quorate_request* request, quorate_bytes message) noexcept {
    return Call::of(request).send(view(message));
}

void half_close(quorate_request* request) noexcept {
    Call::of(request).half_close();
}

void request_hold(quorate_request* request, int32_t held) noexcept {
    Call::of(request).hold(held != 0);
}

void request_close(quorate_request* request) noexcept {
    Call::of(request).close();
}

constexpr quorate_transport_client_interface kClientInterface{
    sizeof(quorate_transport_client_interface),
    dial,
    hang_up,
    call,
    request_send,
    half_close,
    request_hold,
    request_close};

quorate_code init(const quorate_host* host, quorate_error*) noexcept {
    g_host = host;
    return QUORATE_OK;
}

void deinit() noexcept {
    g_host = nullptr;
}

const void* interface_get(const char* id) noexcept {
    if (std::string_view(id) == QUORATE_TRANSPORT_INTERFACE) {
        return &kInterface;
    }
    return std::string_view(id) == QUORATE_TRANSPORT_CLIENT_INTERFACE ? &kClientInterface : nullptr;
}

constexpr quorate_plugin kPlugin{sizeof(quorate_plugin),
                                 QUORATE_PLUGIN_MAGIC,
                                 QUORATE_ABI_MAJOR,
                                 QUORATE_ABI_MINOR,
                                 0,
                                 "transport",
                                 "http",
                                 "0.1.0",
                                 QUORATE_BUILD_ID,
                                 init,
                                 deinit,
                                 interface_get};

}  // namespace
}  // namespace quorate::http

extern "C" __attribute__((visibility("default"))) const quorate_plugin* quorate_plugin_entry() {
    return &quorate::http::kPlugin;
}
