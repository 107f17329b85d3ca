// SPDX-License-Identifier: Apache-2.0
#include "serve_listen.h"

#include "base/errors.h"
#include "base/url.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace quorate {
namespace {

constexpr int64_t kMillisecond_ns = 1'000'000;
// Members send each other batches; a window of a round trip's worth at disk speed.
constexpr uint64_t kMemberMessageMin = 64 * 1024 * 1024;
constexpr uint32_t kMemberWindow = 16 * 1024 * 1024;
constexpr uint32_t kMemberPing_ms = 1000;
constexpr uint64_t kReceiveOverhead = 512 * 1024;  // gRPC's limit above that of a request
constexpr uint64_t kJsonOverhead = 64 * 1024;      // of JSON around keys and values in base64

// Who may ask for what on a listener.
enum class Serves : uint8_t { kAll, kGrpc, kHttp, kMonitoring };

// Whether a list has the same address with TLS, for a URL without, and the other way round.
bool has_other_scheme(const std::vector<Url>& urls, const Url& url) {
    return std::any_of(urls.begin(), urls.end(), [&url](const Url& other) {
        return other.is_tls() != url.is_tls() && other.is_unix() == url.is_unix() &&
               other.address() == url.address() && (url.is_unix() || url.port != 0);
    });
}

Status listen_on(transport::Transport& transport, const ServerTls& tls,
                 const std::vector<Url>& urls, Serves what, rpc::HttpAccess& access) {
    for (const Url& url : urls) {
        const bool shared = has_other_scheme(urls, url);
        if (shared && !url.is_tls()) {
            continue;  // the listener of the one with TLS takes both
        }
        transport::ListenOptions options;
        options.plain_too = shared;
        options.host = transport::host_of(url);
        options.port = url.port;
        options.serve_grpc = what == Serves::kAll || what == Serves::kGrpc;
        options.serve_http = what != Serves::kGrpc;
        if (url.is_tls()) {
            options.tls = tls.for_clients();
        }
        const auto listening = transport.listen(options);
        if (!listening) {
            return tls.with_options({errors::kAddress, "can't listen on " + url.to_string() + ": " +
                                                           listening.error().message()});
        }
        if (what == Serves::kMonitoring) {
            access.add_metrics_listener(listening->id);
        } else if (url.is_tls() && !shared) {
            access.add_tls_listener(listening->id);
        }
    }
    return {};
}

}  // namespace

void Reception::set(transport::Handler& clients, transport::Handler& members, node::Node& node) {
    clients_ = &clients;
    members_ = &members;
    node_ = &node;
}

std::unique_ptr<transport::Call> Reception::on_call(const transport::CallInfo& info,
                                                    transport::Reply reply) {
    transport::Handler& handler = member_listeners_.contains(info.listener) ? *members_ : *clients_;
    return handler.on_call(info, std::move(reply));
}

void Reception::on_turn_end() {
    if (node::Node* const node = node_.load()) {
        node->end_of_turn();
    }
}

plugin::Options transport_options(const config::Config& config) {
    const auto milliseconds = [](int64_t ns) { return std::to_string(ns / kMillisecond_ns); };
    const uint64_t receive_bytes = config.limits.request_bytes_max + kReceiveOverhead;
    plugin::Options options = {
        {"max_receive_bytes", std::to_string(receive_bytes)},
        {"max_http_body_bytes", std::to_string(receive_bytes / 3 * 4 + kJsonOverhead)},
        {"max_concurrent_streams", std::to_string(config.limits.concurrent_streams_max)},
        {"keepalive_min_time", milliseconds(config.http.keepalive_min_time_ns)},
        {"keepalive_interval", milliseconds(config.http.keepalive_interval_ns)},
        {"keepalive_timeout", milliseconds(config.http.keepalive_timeout_ns)},
        {"reuse_port", config.member.socket_reuse_port ? "1" : "0"},
    };
    for (const auto& option : config.plugins.transport.options) {
        options.push_back(option);
    }
    return options;
}

Status listen_for_members(transport::Transport& transport, const config::Config& config,
                          const ServerTls& tls, Reception& reception) {
    for (const Url& url : config.urls.listen_peer) {
        transport::ListenOptions options;
        options.host = transport::host_of(url);
        options.port = url.port;
        options.name = "peer";
        options.receive_bytes_max =
            std::max(kMemberMessageMin, 2 * uint64_t{config.limits.request_bytes_max});
        options.stream_window_bytes = kMemberWindow;
        options.connection_window_bytes = kMemberWindow;
        options.keepalive_min_time_ms = kMemberPing_ms;
        options.counted = false;
        if (url.is_tls()) {
            options.tls = tls.for_members();
        }
        const auto listening = transport.listen(options);
        if (!listening) {
            return tls.with_options({errors::kAddress, "listen-peer-urls: can't listen on " +
                                                           url.to_string() + ": " +
                                                           listening.error().message()});
        }
        reception.add_member_listener(listening->id);
    }
    return {};
}

Status listen_for_clients(transport::Transport& transport, const config::UrlConfig& urls,
                          const ServerTls& tls, rpc::HttpAccess& access) {
    const Serves clients = urls.listen_client_http.empty() ? Serves::kAll : Serves::kGrpc;
    Status s = listen_on(transport, tls, urls.listen_client, clients, access);
    if (s.ok()) {
        s = listen_on(transport, tls, urls.listen_client_http, Serves::kHttp, access);
    }
    if (s.ok()) {
        s = listen_on(transport, tls, urls.listen_metrics, Serves::kMonitoring, access);
    }
    return s;
}

}  // namespace quorate
