// SPDX-License-Identifier: Apache-2.0
#include "transport/plugin_transport.h"

#include "base/assert.h"
#include "base/errors.h"
#include "plugin/abi/transport.h"
#include "transport/plugin_client.h"

#include <atomic>
#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

namespace quorate::transport {

namespace {

using plugin::empty_error;
using plugin::from_abi;
using plugin::Plugin;
using plugin::to_abi;
using Interface = quorate_transport_interface;

static_assert(static_cast<uint32_t>(Protocol::kGrpc) == QUORATE_PROTOCOL_GRPC);
static_assert(static_cast<uint32_t>(Protocol::kHttp) == QUORATE_PROTOCOL_HTTP);
static_assert(static_cast<int32_t>(SendResult::kOk) == QUORATE_SEND_OK);
static_assert(static_cast<int32_t>(SendResult::kBusy) == QUORATE_SEND_BUSY);
static_assert(static_cast<int32_t>(SendResult::kGone) == QUORATE_SEND_GONE);
static_assert(static_cast<uint32_t>(CancelReason::kPeer) == QUORATE_CANCEL_PEER);
static_assert(static_cast<uint32_t>(CancelReason::kDeadline) == QUORATE_CANCEL_DEADLINE);
static_assert(static_cast<uint32_t>(CancelReason::kShutdown) == QUORATE_CANCEL_SHUTDOWN);

// One call: what the plugin gets back as `user`, and the channel under the core's Reply. One
// allocation, owned by both sides: it goes when the core has finished the call and the plugin has
// released it, in whichever order and from whichever threads that happens.
class PluginCall final : public Reply::Channel {
  public:
    PluginCall(const Interface& calls, quorate_call* self) : calls_(calls), self_(self) {}

    // The transport's thread, before any callback.
    void set_receiver(std::unique_ptr<Call> receiver) { receiver_ = std::move(receiver); }
    // Null when the handler wants no callbacks.
    Call* receiver() const { return receiver_.get(); }

    // The transport's thread, last of all callbacks. The receiver may hold the Reply, whose end
    // then finishes the call from here.
    void release() {
        receiver_.reset();
        drop();
    }

    SendResult send(ByteView message) override {
        return static_cast<SendResult>(calls_.send(self_, to_abi(message)));
    }

    void respond(uint32_t http_status, const std::vector<Header>& headers) override {
        std::vector<quorate_header> list;
        list.reserve(headers.size());
        for (const Header& header : headers) {
            list.push_back({to_abi(header.name), to_abi(header.value)});
        }
        calls_.respond(self_, http_status, list.data(), list.size());
    }

    void finish(const Status& status) override {
        const std::string text = status.message();
        calls_.finish(self_, static_cast<quorate_code>(status.code()), to_abi(text));
        drop();
    }

    void reply(ByteView message) override {
        calls_.reply(self_, to_abi(message));
        drop();
    }

    void hold(bool held) override { calls_.hold(self_, held ? 1 : 0); }

  private:
    // Acquire and release, so that whoever is second sees what the first did to the object.
    void drop() {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            const std::unique_ptr<PluginCall> last(this);
        }
    }

    const Interface& calls_;
    quorate_call* const self_;
    std::unique_ptr<Call> receiver_;
    std::atomic<int> owners_{2};  // the core's Reply and the plugin
};

CallInfo to_info(const quorate_call_info& from) {
    CallInfo info{static_cast<Protocol>(from.protocol),
                  from.listener,
                  from_abi(from.method),
                  from_abi(from.path),
                  from_abi(from.authority),
                  from_abi(from.peer),
                  from_abi(from.tls_common_name),
                  {}};
    info.headers.reserve(from.header_count);
    for (size_t i = 0; i < from.header_count; ++i) {
        info.headers.push_back({from_abi(from.headers[i].name), from_abi(from.headers[i].value)});
    }
    return info;
}

class PluginTransport final : public Transport {
  public:
    PluginTransport(const Plugin& plugin, const Interface& calls, Handler& handler)
        : plugin_(plugin), calls_(calls), handler_(handler) {}
    ~PluginTransport() override {
        if (self_ != nullptr) {
            calls_.destroy(self_);
        }
    }
    PluginTransport(const PluginTransport&) = delete;
    PluginTransport& operator=(const PluginTransport&) = delete;

    Status create(const plugin::Options& options) {
        const std::vector<quorate_option> list = plugin::abi_options(options);
        quorate_error error = empty_error();
        Status s = status(calls_.create(&events_, list.data(), list.size(), &self_, &error), error);
        if (!s.ok()) {
            return s;
        }
        auto client = PluginClient::create(plugin_, self_);
        if (!client) {
            return client.error();
        }
        client_ = std::move(client.value());
        return {};
    }

    Result<Listening> listen(const ListenOptions& options) override {
        quorate_listen where{};
        where.size = sizeof where;
        where.host = to_abi(options.host);
        where.port = options.port;
        where.serve = (options.serve_grpc ? QUORATE_SERVE_GRPC : 0) |
                      (options.serve_http ? QUORATE_SERVE_HTTP : 0);
        const AbiTls tls(options.tls.get());
        where.tls = tls.get();
        where.receive_bytes_max = options.receive_bytes_max;
        where.stream_window_bytes = options.stream_window_bytes;
        where.connection_window_bytes = options.connection_window_bytes;
        where.keepalive_min_time_ms = options.keepalive_min_time_ms;
        where.uncounted = options.counted ? 0 : 1;
        where.name = to_abi(options.name);
        where.plain_too = options.plain_too ? 1 : 0;
        quorate_listening listening{sizeof listening, 0, 0};
        quorate_error error = empty_error();
        Status s = status(calls_.listen(self_, &where, &listening, &error), error);
        if (!s.ok()) {
            return s;
        }
        return Listening{listening.id, static_cast<uint16_t>(listening.port)};
    }

    Status start() override {
        quorate_error error = empty_error();
        return status(calls_.start(self_, &error), error);
    }

    void stop(uint32_t drain_ms) override { calls_.stop(self_, drain_ms); }
    void flush() override { calls_.flush(self_); }

    Status reload() override {
        if (calls_.reload == nullptr) {
            return {errors::kUnimplemented, "the transport reads its files at start only"};
        }
        quorate_error error = empty_error();
        return status(calls_.reload(self_, &error), error);
    }

    Client* client() override { return client_.get(); }

    Stats stats() const override {
        quorate_transport_stats stats{sizeof stats, 0, 0, 0, 0};
        calls_.stats(self_, &stats);
        return {stats.received_bytes, stats.sent_bytes, stats.connections, stats.streams};
    }

  private:
    static void* on_call(void* ctx, quorate_call* call, const quorate_call_info* info) noexcept {
        auto& self = *static_cast<PluginTransport*>(ctx);
        // Owned by the Reply and the plugin from here on.
        PluginCall* adapter = std::make_unique<PluginCall>(self.calls_, call).release();
        adapter->set_receiver(self.handler_.on_call(to_info(*info), Reply(adapter)));
        return adapter;
    }
    static void on_message(void* user, quorate_bytes message) noexcept {
        if (Call* receiver = static_cast<PluginCall*>(user)->receiver()) {
            receiver->on_message(from_abi(message));
        }
    }
    static void on_half_close(void* user) noexcept {
        if (Call* receiver = static_cast<PluginCall*>(user)->receiver()) {
            receiver->on_half_close();
        }
    }
    static void on_cancel(void* user, uint32_t reason) noexcept {
        if (Call* receiver = static_cast<PluginCall*>(user)->receiver()) {
            receiver->on_cancel(static_cast<CancelReason>(reason));
        }
    }
    static void on_writable(void* user) noexcept {
        if (Call* receiver = static_cast<PluginCall*>(user)->receiver()) {
            receiver->on_writable();
        }
    }
    static void on_released(void* user) noexcept { static_cast<PluginCall*>(user)->release(); }
    static void on_turn_end(void* ctx) noexcept {
        static_cast<PluginTransport*>(ctx)->handler_.on_turn_end();
    }

    Status status(quorate_code code, const quorate_error& error) const {
        return code == QUORATE_OK ? Status() : plugin_.failure(code, error);
    }

    const Plugin& plugin_;
    const Interface calls_;
    Handler& handler_;
    const quorate_transport_events events_{sizeof events_, this,          on_call,
                                           on_message,     on_half_close, on_cancel,
                                           on_writable,    on_released,   on_turn_end};
    quorate_transport* self_ = nullptr;
    std::unique_ptr<PluginClient> client_;
};

}  // namespace

Result<std::unique_ptr<Transport>> open_plugin_transport(const plugin::Plugin& plugin,
                                                         const plugin::Options& options,
                                                         Handler& handler) {
    // One that can't read its TLS files again says so when it is asked to.
    const Result<Interface> calls =
        plugin.table<Interface>(QUORATE_TRANSPORT_INTERFACE, offsetof(Interface, reload));
    if (!calls) {
        return calls.error();
    }
    auto transport = std::make_unique<PluginTransport>(plugin, *calls, handler);
    if (Status s = transport->create(options); !s.ok()) {
        return s;
    }
    return std::unique_ptr<Transport>(std::move(transport));
}

}  // namespace quorate::transport
