// SPDX-License-Identifier: Apache-2.0
#include "transport/plugin_client.h"

#include "base/errors.h"

#include <atomic>
#include <utility>

namespace quorate::transport {

namespace {

using plugin::empty_error;
using plugin::from_abi;
using plugin::to_abi;
using Interface = quorate_transport_client_interface;

static_assert(static_cast<uint32_t>(TlsVersion::kTls12) == QUORATE_TLS_1_2);
static_assert(static_cast<uint32_t>(TlsVersion::kTls13) == QUORATE_TLS_1_3);

// One call: what the plugin gets back as `user`, and the channel under the core's Request. One
// allocation, owned by both sides: it goes when the Request is closed or detached and the end was
// told, in whichever order and from whichever threads that happens.
class PluginRequest final : public Request::Channel {
  public:
    PluginRequest(const Interface& calls, std::unique_ptr<ClientCall> receiver)
        : calls_(calls), receiver_(std::move(receiver)) {}

    // The caller of Connection::call, before it has the Request.
    quorate_request** handle() { return &self_; }

    SendResult send(ByteView message) override {
        return static_cast<SendResult>(calls_.send(self_, to_abi(message)));
    }
    void half_close() override { calls_.half_close(self_); }
    void hold(bool held) override { calls_.hold(self_, held ? 1 : 0); }
    void close() override {
        calls_.close(std::exchange(self_, nullptr));
        drop();
    }
    // Whoever is the last owner closes: that is after the end.
    void detach() override { drop(); }

    static void on_message(void* user, quorate_bytes message) noexcept {
        static_cast<PluginRequest*>(user)->receiver_->on_message(from_abi(message));
    }
    static void on_writable(void* user) noexcept {
        static_cast<PluginRequest*>(user)->receiver_->on_writable();
    }
    static void on_end(void* user, const quorate_call_end* end) noexcept {
        auto* self = static_cast<PluginRequest*>(user);
        const bool known = end->code >= 0 && end->code <= static_cast<int>(Code::kUnauthenticated);
        self->receiver_->on_end({known ? static_cast<Code>(end->code) : Code::kUnknown,
                                 from_abi(end->text), end->never_sent != 0});
        self->receiver_.reset();
        self->drop();
    }

  private:
    // Acquire and release, so that whoever is second sees what the first did to the object.
    void drop() {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            const std::unique_ptr<PluginRequest> last(this);
            if (self_ != nullptr) {
                calls_.close(self_);
            }
        }
    }

    const Interface& calls_;
    quorate_request* self_ = nullptr;
    std::unique_ptr<ClientCall> receiver_;  // the transport's thread alone
    std::atomic<int> owners_{2};            // the Request and the plugin
};

constexpr quorate_client_events kEvents{sizeof(quorate_client_events), PluginRequest::on_message,
                                        PluginRequest::on_writable, PluginRequest::on_end};

class PluginConnection final : public Connection {
  public:
    PluginConnection(const Interface& calls, quorate_connection* self)
        : calls_(calls), self_(self) {}
    ~PluginConnection() override { calls_.hang_up(self_); }
    PluginConnection(const PluginConnection&) = delete;
    PluginConnection& operator=(const PluginConnection&) = delete;

    Result<Request> call(const CallStart& start, std::unique_ptr<ClientCall> receiver) override {
        std::vector<quorate_header> headers;
        headers.reserve(start.headers.size());
        for (const Header& header : start.headers) {
            headers.push_back({to_abi(header.name), to_abi(header.value)});
        }
        const quorate_call_start abi{sizeof abi, to_abi(start.path), headers.data(), headers.size(),
                                     start.timeout_ms};
        auto request = std::make_unique<PluginRequest>(calls_, std::move(receiver));
        // The plugin may be done with it before this returns; the other half is ours all the same.
        if (calls_.call(self_, &abi, request.get(), request->handle()) != QUORATE_OK) {
            return errors::kStopped;
        }
        return Request(request.release());
    }

  private:
    const Interface& calls_;
    quorate_connection* const self_;
};

}  // namespace

Result<std::unique_ptr<PluginClient>> PluginClient::create(const plugin::Plugin& plugin,
                                                           quorate_transport* transport) {
    const auto calls = plugin.table<Interface>(QUORATE_TRANSPORT_CLIENT_INTERFACE);
    if (!calls) {
        if (calls.error().is(errors::kUnimplemented)) {
            return std::unique_ptr<PluginClient>();
        }
        return calls.error();
    }
    return std::unique_ptr<PluginClient>(new PluginClient(plugin, *calls, transport));
}

Result<std::unique_ptr<Connection>> PluginClient::dial(const DialOptions& options) {
    const AbiTls tls(options.tls.get());
    const quorate_dial where{sizeof where,
                             to_abi(options.host),
                             options.port,
                             options.connect_timeout_ms,
                             tls.get(),
                             options.keepalive_ms,
                             options.keepalive_timeout_ms,
                             options.receive_bytes_max,
                             options.send_buffer_bytes,
                             options.stream_window_bytes,
                             options.connection_window_bytes,
                             to_abi(options.local_address)};
    quorate_error error = empty_error();
    quorate_connection* connection = nullptr;
    const quorate_code code = calls_.dial(transport_, &where, &kEvents, &connection, &error);
    if (code != QUORATE_OK) {
        return plugin_.failure(code, error);
    }
    return std::unique_ptr<Connection>(std::make_unique<PluginConnection>(calls_, connection));
}

AbiTls::AbiTls(const Tls* tls) {
    if (tls == nullptr) {
        return;
    }
    allowed_common_names_ = lines(tls->allowed_common_names);
    allowed_host_names_ = lines(tls->allowed_host_names);
    cipher_suites_ = lines(tls->cipher_suites);
    tls_.size = sizeof tls_;
    tls_.cert_file = to_abi(tls->cert_file);
    tls_.key_file = to_abi(tls->key_file);
    tls_.ca_file = to_abi(tls->ca_file);
    tls_.server_name = to_abi(tls->server_name);
    tls_.skip_verify = tls->skip_verification ? 1 : 0;
    tls_.crl_file = to_abi(tls->crl_file);
    tls_.allowed_common_names = to_abi(allowed_common_names_);
    tls_.allowed_host_names = to_abi(allowed_host_names_);
    tls_.cipher_suites = to_abi(cipher_suites_);
    tls_.version_min = static_cast<uint32_t>(tls->version_min);
    tls_.version_max = static_cast<uint32_t>(tls->version_max);
    tls_.check_address = tls->check_address ? 1 : 0;
}

std::string AbiTls::lines(const std::vector<std::string>& list) {
    std::string text;
    for (const std::string& entry : list) {
        text += entry + "\n";
    }
    return text;
}

}  // namespace quorate::transport
